"""A repository, and the images in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, cast

from airflow_provider_ecr_preview.core.ecr_values import ARCHIVE, STANDARD, STORAGE_CLASSES, storage_class_of
from airflow_provider_ecr_preview.core.text.visible import visible


@dataclass(frozen=True, slots=True, order=True)
class RepositoryId:
    """The identity of a repository: its registry, Region and name.

    :param registry_id: the registry (account).
    :param region_name: the Region.
    :param repository_name: the repository.
    """

    registry_id: str
    region_name: str
    repository_name: str

    @classmethod
    def of(cls, value: Mapping[str, object]) -> RepositoryId:
        """Return the repository that a summary, or anything else with the same three keys, is about.

        :param value: the summary.
        :raises KeyError: if a key is missing.
        """
        known = cast("Mapping[str, str]", value)
        return cls(known["registry_id"], known["region_name"], known["repository_name"])

    def as_dict(self) -> RepositoryKeys:
        """Return the repository in plain JSON types, as :meth:`of` reads it."""
        return RepositoryKeys(
            registry_id=self.registry_id, region_name=self.region_name, repository_name=self.repository_name
        )

    def __str__(self) -> str:
        return repository_label(self.repository_name, self.registry_id, self.region_name)


class RepositoryKeys(TypedDict):
    """The keys that identify the repository in every contract."""

    registry_id: str
    region_name: str
    repository_name: str


def repository_label(repository_name: str, registry_id: str | None, region_name: str | None) -> str:
    """Return a repository as messages name it: ``payments/api (123456789012, eu-west-1)``.

    :param repository_name: the repository.
    :param registry_id: the registry (account), or None if unknown.
    :param region_name: the Region, or None if unknown.
    """
    # An error about a registry_id that is a number must also be able to name it.
    where = ", ".join(str(part) for part in (registry_id, region_name) if part)
    return visible(f"{repository_name} ({where})" if where else repository_name)


DigestKey = bytes | str


_SHA256 = re.compile("sha256:([0-9a-f]{64})")


def digest_key(image_digest: str) -> DigestKey:
    """Return a compact form of a digest; a join over a million images holds a million of them."""
    sha256 = _SHA256.fullmatch(image_digest)
    return bytes.fromhex(sha256[1]) if sha256 else image_digest


def digest_of(key: DigestKey) -> str:
    """Return the digest behind a key of :func:`digest_key`."""
    return key if isinstance(key, str) else f"sha256:{key.hex()}"


@dataclass(frozen=True, slots=True)
class RepositoryImage:
    """An image of a repository, with the attributes that lifecycle rules use.

    :param image_digest: the digest.
    :param image_tags: its tags; empty for an untagged image.
    :param image_pushed_at: when it was pushed (aware).
    :param last_recorded_pull_time: the last pull that ECR recorded; None if there was none.
    :param storage_class: ``STANDARD`` or ``ARCHIVE``; lower case is accepted too.
    :param last_archived_at: when it was last archived; None if never.
    :param last_activated_at: when it was last restored from the archive; None if never.
    :param image_size_in_bytes: compressed size; of a manifest list, the largest of its children.
    :param image_manifest_media_type: media type of the manifest.
    :param artifact_media_type: media type of the artifact.
    :param referenced_by: digests of the manifest lists of this repository that name this image. DescribeImages does
        not provide them; without them, an image is evaluated as if no list named it.
    :param subject_manifest_digest: digest of the image that this one belongs to, as a signature or an SBOM does; None for
        an image of its own.
    :raises ValueError: if there is no such storage class.
    """

    image_digest: str
    image_tags: tuple[str, ...]
    image_pushed_at: datetime
    last_recorded_pull_time: datetime | None = None
    storage_class: str = STANDARD
    last_archived_at: datetime | None = None
    last_activated_at: datetime | None = None
    image_size_in_bytes: int | None = None
    image_manifest_media_type: str | None = None
    artifact_media_type: str | None = None
    referenced_by: tuple[str, ...] = ()
    subject_manifest_digest: str | None = None

    def __post_init__(self) -> None:
        if self.storage_class not in STORAGE_CLASSES:
            object.__setattr__(self, "storage_class", storage_class_of(self.storage_class))

    @classmethod
    def from_response(cls, detail: Mapping[str, Any]) -> RepositoryImage:
        """Return the image that an entry of DescribeImages' ``imageDetails`` describes.

        An image that is being restored (``ACTIVATING``) counts as archived until the restore is complete.
        """
        return cls(
            image_digest=detail["imageDigest"],
            image_tags=tuple(detail.get("imageTags", ())),
            image_pushed_at=detail["imagePushedAt"],
            last_recorded_pull_time=detail.get("lastRecordedPullTime"),
            storage_class=STANDARD if detail.get("imageStatus", "ACTIVE") == "ACTIVE" else ARCHIVE,
            last_archived_at=detail.get("lastArchivedAt"),
            last_activated_at=detail.get("lastActivatedAt"),
            image_size_in_bytes=detail.get("imageSizeInBytes"),
            image_manifest_media_type=_shared(detail.get("imageManifestMediaType")),
            artifact_media_type=_shared(detail.get("artifactMediaType")),
            subject_manifest_digest=_shared(detail.get("subjectManifestDigest")),
        )

    @property
    def ordered_at(self) -> datetime:
        """The time by which ECR orders images: the push, or the restore of an image that was archived."""
        return self.last_activated_at or self.image_pushed_at

    @property
    def last_used_at(self) -> datetime:
        """The clock of ``sinceImagePulled``: the last pull, or a later restore, or the push if neither happened."""
        pulled, restored = self.last_recorded_pull_time, self.last_activated_at
        if restored is not None and (pulled is None or pulled < restored):
            return restored
        return pulled or self.image_pushed_at


def _shared(text: str | None) -> str | None:
    # A repository has few media types, and an image several referrers, but every response creates new strings for them.
    return None if text is None else sys.intern(text)
