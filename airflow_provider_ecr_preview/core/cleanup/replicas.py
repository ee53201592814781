"""Look for protection of an image in the replicas that would also delete it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence, Replica
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.repository import RepositoryImage


def replicates_deletions(settings: CleanupSettings) -> bool:
    """Return whether replicas matter to a clean-up. ECR replicates deletions, but not archiving.

    :param settings: the limits and protections of the clean-up.
    """
    return settings.check_replicas and (settings.whole_policy or settings.action == "delete")


def copies_of(evidence: Evidence, image_digest: str) -> Mapping[str, RepositoryImage]:
    """Return the copies of an image in the replicas that would also delete it, by ``account/Region``.

    :param evidence: the facts.
    :param image_digest: the digest of the image.
    """
    return {
        place_of(replica): replica.images[image_digest]
        for replica in _replicas(evidence)
        if not isinstance(replica.images, Unread) and image_digest in replica.images
    }


def users_in_replicas(evidence: Evidence, image_digest: str, image_tags: Sequence[str]) -> list[str]:
    """Return who runs the image in the replicas that would also delete it.

    :param evidence: the facts.
    :param image_digest: the digest of the image.
    :param image_tags: every tag that it has here or there.
    """
    return [
        f"{user} ({place_of(replica)})"
        for replica in _replicas(evidence)
        if replica.in_use is not None and not isinstance(replica.in_use, Unread)
        for user in replica.in_use.users_of(image_digest, image_tags)
    ]


def place_of(replica: Replica) -> str:
    """Return where a replica is, as ``account/Region``."""
    return f"{replica.repository.registry_id}/{replica.repository.region_name}"


def _replicas(evidence: Evidence) -> Iterator[Replica]:
    if not isinstance(evidence.replicas, Unread):
        yield from evidence.replicas
