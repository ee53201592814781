"""What protects an image where ECR deletes it, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from airflow_provider_ecr_preview.cleanup_evidence import Evidence, Replica, Unread
from airflow_provider_ecr_preview.cleanup_settings import CleanupSettings
from airflow_provider_ecr_preview.policy_evaluation import RepositoryImage


def replicates_deletions(settings: CleanupSettings) -> bool:
    """Return whether it matters where deletions are replicated to. ECR does not replicate that an image is archived.

    :param settings: how careful to be.
    """
    return settings.check_replicas and (settings.whole_policy or settings.action == "delete")


def copies_of(evidence: Evidence, image_digest: str) -> list[RepositoryImage]:
    """Return the image as it is in each repository where it would be deleted, too.

    :param evidence: what is known.
    :param image_digest: the digest of the image.
    """
    return [
        replica.images[image_digest]
        for replica in _replicas(evidence)
        if not isinstance(replica.images, Unread) and image_digest in replica.images
    ]


def is_used_in_replica(evidence: Evidence, image_digest: str, image_tags: Sequence[str]) -> bool:
    """Return whether something runs the image where it would be deleted, too.

    :param evidence: what is known.
    :param image_digest: the digest of the image.
    :param image_tags: every tag that it has here or there.
    """
    return any(
        replica.in_use is not None
        and not isinstance(replica.in_use, Unread)
        and replica.in_use.users_of(image_digest, image_tags)
        for replica in _replicas(evidence)
    )


def _replicas(evidence: Evidence) -> Iterator[Replica]:
    if not isinstance(evidence.replicas, Unread):
        yield from evidence.replicas
