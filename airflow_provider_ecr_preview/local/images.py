"""Images of the local ECR: moto's, with the data that lifecycle rules and DescribeImages need."""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Self

from moto.ecr.models import Image

from airflow_provider_ecr_preview.core.ecr_values import ARCHIVE, STANDARD
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.local.clock import Clock

IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json"


IMAGE_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


MANIFEST_LIST = "application/vnd.oci.image.index.v1+json"


_CONFIG_SIZE = 7_023


_serials = itertools.count(1)


class LocalImage(Image):
    """An image, as moto keeps it, with its size, pulls and storage class. Times are seconds since the epoch.

    :param account_id: the registry.
    :param tag: the first tag, or None.
    :param manifest: text of the manifest.
    :param repository: name of the repository.
    :param image_manifest_mediatype: media type of the manifest.
    :param digest: the digest, or None to let moto make one.
    :param registry_id: the registry, if not the account.
    :param clock: provides the time of the push.
    """

    def __new__(cls, *_: object, **__: object) -> Self:
        """Create an image outside moto's list of all instances, where it would stay forever."""
        return object.__new__(cls)

    def __init__(  # noqa: PLR0917  # moto's own signature
        self,
        account_id: str,
        tag: str | None,
        manifest: str,
        repository: str,
        image_manifest_mediatype: str | None = None,
        digest: str | None = None,
        registry_id: str | None = None,
        *,
        clock: Clock,
    ) -> None:
        super().__init__(account_id, tag, manifest, repository, image_manifest_mediatype, digest, registry_id)  # type: ignore[arg-type]  # moto annotates str and tests for None
        self.serial = next(_serials)
        """Grows with every image, so that a page can continue where the last one ended, even after deletions."""
        self.image_pushed_at = clock.now().timestamp()  # type: ignore[assignment]  # moto has whole seconds only
        self.clock = clock
        self.size: int | None = None
        self.subject_manifest_digest, self.artifact_media_type = _referred_to(manifest)
        self.last_recorded_pull_time: float | None = None
        self.archived = False
        self.last_archived_at: float | None = None
        self.last_activated_at: float | None = None
        self.active_after: float | None = None
        """Reading of the monotonic clock at which a restore from the archive ends."""
        self._as_rules_see_it: RepositoryImage | None = None

    @property
    def status(self) -> str:
        """``ACTIVE``, ``ARCHIVED`` or, while it is being restored, ``ACTIVATING``."""
        if self.active_after is not None and self.clock.monotonic() < self.active_after:
            return "ACTIVATING"
        return "ARCHIVED" if self.archived else "ACTIVE"

    def archive(self, at: datetime) -> None:
        """Move the image to the archive storage class."""
        self.archived, self.last_archived_at, self.active_after = True, at.timestamp(), None
        self.changed()

    def restore(self, at: datetime, active_after: float | None = None) -> None:
        """Move the image back to the standard storage class.

        :param at: the time in the registry.
        :param active_after: reading of the monotonic clock at which the image is available again.
        """
        self.archived, self.last_activated_at, self.active_after = False, at.timestamp(), active_after
        self.changed()

    def pull(self, at: datetime) -> None:
        """Record a pull."""
        self.last_recorded_pull_time = at.timestamp()
        self.changed()

    def remove_tag(self, tag: str) -> None:
        """Remove a tag."""
        super().remove_tag(tag)
        self.image_tag = self.image_tags[-1] if self.image_tags else None  # type: ignore[assignment]  # as above
        self.changed()

    def update_tag(self, tag: str) -> None:
        """Add a tag."""
        super().update_tag(tag)
        self.changed()

    def replica(self, registry_id: str) -> LocalImage:
        """Return a copy for another registry: untagged, never pulled and not archived.

        :param registry_id: the registry.
        """
        replica = copy.copy(self)
        replica.registry_id, replica.image_tags, replica.serial = registry_id, [], next(_serials)
        replica.image_tag = None  # type: ignore[assignment]  # as above
        replica.archived, replica.active_after = False, None
        replica.last_recorded_pull_time = replica.last_archived_at = replica.last_activated_at = None
        replica.changed()
        return replica

    def changed(self) -> None:
        """Forget the cached view of lifecycle rules."""
        self._as_rules_see_it = None

    def as_rules_see_it(self) -> RepositoryImage:
        """Return the image as lifecycle rules see it, without the manifest lists that name it."""
        if self._as_rules_see_it is not None:
            return self._as_rules_see_it
        status = self.status
        seen = RepositoryImage(
            image_digest=self.get_image_digest(),
            image_tags=tuple(self.image_tags),
            image_pushed_at=_time(self.image_pushed_at),
            last_recorded_pull_time=_time_or_none(self.last_recorded_pull_time),
            storage_class=STANDARD if status == "ACTIVE" else ARCHIVE,
            last_archived_at=_time_or_none(self.last_archived_at),
            last_activated_at=_time_or_none(self.last_activated_at),
            image_manifest_media_type=self.image_manifest_media_type,
            subject_manifest_digest=self.subject_manifest_digest,
        )
        # The end of a restore changes the storage class without a call.
        if status != "ACTIVATING":
            self._as_rules_see_it = seen
        return seen

    def _create_digest(self) -> None:
        # moto hashes only the layers, and draws the digest of a manifest list from a hundred, so two images can get the
        # same one.
        self._image_digest = digest_of(self.image_manifest)

    def children(self) -> tuple[str, ...]:
        """Return the digests that a manifest list names; nothing for an image."""
        if '"manifests"' not in self.image_manifest:
            return ()
        return tuple(child["digest"] for child in json.loads(self.image_manifest).get("manifests", ()))

    def describe(self, size: int | None) -> dict[str, Any]:
        """Return the entry of DescribeImages' ``imageDetails``.

        :param size: ``imageSizeInBytes``.
        """
        detail = {
            "registryId": self.registry_id,
            "repositoryName": self.repository_name,
            "imageDigest": self.get_image_digest(),
            "imageTags": self.image_tags or None,
            "imageSizeInBytes": size,
            "imagePushedAt": self.image_pushed_at,
            "imageManifestMediaType": self.image_manifest_media_type,
            "artifactMediaType": self.artifact_media_type,
            "subjectManifestDigest": self.subject_manifest_digest,
            "lastRecordedPullTime": self.last_recorded_pull_time,
            "imageStatus": self.status,
            "lastArchivedAt": self.last_archived_at,
            "lastActivatedAt": self.last_activated_at,
        }
        return {key: value for key, value in detail.items() if value is not None}


def image_manifest(content: str, size: int, base: str = "", base_size: int = 0) -> str:
    """Return the manifest of an image with one layer of its own, on top of the layer of a base image if there is one.

    :param content: text that makes this image unique.
    :param size: compressed size of the image.
    :param base: text that identifies the base image.
    :param base_size: compressed size of the layer of the base image; 0 for none.
    """
    base_size = min(base_size, max(size - _CONFIG_SIZE, 0))
    base_layer = ""
    if base_size:
        digest = hashlib.sha256(base.encode()).hexdigest()
        base_layer = f'{{"mediaType":"{IMAGE_LAYER}","digest":"sha256:{digest}","size":{base_size}}},'
    layer = hashlib.sha256(content.encode()).hexdigest()
    config = hashlib.sha256(layer.encode()).hexdigest()
    # Use a template: for a hundred thousand images, json.dumps would take most of the time.
    return (
        f'{{"schemaVersion":2,"mediaType":"{IMAGE_MANIFEST}",'
        f'"config":{{"mediaType":"{IMAGE_CONFIG}","digest":"sha256:{config}","size":{_CONFIG_SIZE}}},'
        f'"layers":[{base_layer}{{"mediaType":"{IMAGE_LAYER}","digest":"sha256:{layer}",'
        f'"size":{max(size - _CONFIG_SIZE, 0) - base_size}}}]}}'
    )


def referrer_manifest(manifest: str, subject: LocalImage) -> str:
    """Return a manifest that belongs to an image, as a signature or an SBOM does.

    :param manifest: the manifest, without a subject.
    :param subject: the image.
    """
    named = {
        "mediaType": subject.image_manifest_media_type,
        "digest": subject.get_image_digest(),
        "size": len(subject.image_manifest),
    }
    return json.dumps({**json.loads(manifest), "subject": named})


def list_manifest(children: Iterable[tuple[LocalImage, str]]) -> str:
    """Return the manifest of a manifest list.

    :param children: the images that it names, each with its platform, for example ``linux/arm64``.
    """
    manifests = []
    for image, platform in children:
        system, _, architecture = platform.partition("/")
        manifests.append(
            {
                "mediaType": image.image_manifest_media_type,
                "digest": image.get_image_digest(),
                "size": len(image.image_manifest),
                "platform": {"os": system, "architecture": architecture},
            }
        )
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_LIST, "manifests": manifests})


def digest_of(manifest: str) -> str:
    """Return the digest of a manifest."""
    return f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"


def artifact_type_of(image: LocalImage) -> str | None:
    """Return the artifact type: that of the manifest or, following the OCI specification, that of its configuration."""
    if image.artifact_media_type:
        return image.artifact_media_type
    config = json.loads(image.image_manifest).get("config") or {}
    return config.get("mediaType") or None


def _referred_to(manifest: str) -> tuple[str | None, str | None]:
    """Return the digest of the subject and the type of the artifact that a manifest names."""
    # Parsing a hundred thousand manifests takes seconds, and few of them have either key.
    if '"subject"' not in manifest and '"artifactType"' not in manifest:
        return None, None
    named = json.loads(manifest)
    return (named.get("subject") or {}).get("digest"), named.get("artifactType")


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _time_or_none(seconds: float | None) -> datetime | None:
    return None if seconds is None else _time(seconds)
