"""Repositories of the local ECR: moto's, with a preview and fast access to images."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self, cast

from moto.ecr.models import Repository

from airflow_provider_ecr_preview.core.policy.rule import compile_pattern
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.local.clock import Clock
from airflow_provider_ecr_preview.local.images import LocalImage, image_manifest
from airflow_provider_ecr_preview.local.paging import invalid
from airflow_provider_ecr_preview.local.previews import Preview

_serials = itertools.count(1)


@dataclass(frozen=True, slots=True)
class ImageIndex:
    """The images of a repository, indexed for look-ups.

    :param by_digest: the images by digest.
    :param lists: digests of the manifest lists that name an image, by the image's digest.
    """

    by_digest: dict[str, LocalImage]
    lists: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, images: Iterable[LocalImage]) -> ImageIndex:
        """Return an index of the images."""
        index = cls({}, {})
        index.add(images)
        return index

    def add(self, images: Iterable[LocalImage]) -> None:
        """Add images to the index."""
        for image in images:
            digest = image.get_image_digest()
            self.by_digest[digest] = image
            for child in image.children():
                self.lists[child] = (*self.lists.get(child, ()), digest)

    def lists_naming(self, image_digest: str) -> tuple[str, ...]:
        """Return the digests of the manifest lists that name the image."""
        return self.lists.get(image_digest, ())

    def lists_holding(self, image_digest: str) -> list[str]:
        """Return the digests of the manifest lists that keep an image from being deleted or archived.

        An archived manifest list does not count.

        :param image_digest: digest of the image.
        """
        return [of for of in self.lists_naming(image_digest) if self.by_digest[of].status == "ACTIVE"]


class LocalRepository(Repository):
    """A moto repository with the one preview that it can have.

    :param arguments: as moto's own.
    :param clock: says when it is created.
    """

    def __new__(cls, **_: object) -> Self:
        """Create a repository outside moto's list of all instances, which would keep it and all of its images."""
        return object.__new__(cls)

    def __init__(self, *, clock: Clock, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.serial = next(_serials)
        """Grows with every repository, so that a page can continue where the last one ended."""
        self.created_at = clock.now().replace(tzinfo=None)
        self.pushes = 0
        """Number of manifests generated for it; makes the next one different."""
        self.deleted_digests: set[str] = set()
        """The deleted images; ECR deletes their referrers within a day."""
        self.preview: Preview | None = None
        self.last_evaluated_at: datetime | None = None
        """When the lifecycle policy last ran."""
        self._arrivals: Counter[float] = Counter()
        self._index: tuple[tuple[int, int], ImageIndex] | None = None

    def describe(self) -> dict[str, Any]:
        """Return the entry of DescribeRepositories' ``repositories``."""
        detail = {
            "repositoryArn": self.arn,
            "registryId": self.registry_id,
            "repositoryName": self.name,
            "repositoryUri": self.uri,
            "createdAt": self.created_at.replace(tzinfo=UTC).timestamp(),
            "imageTagMutability": self.image_tag_mutability,
            "imageTagMutabilityExclusionFilters": self.image_tag_mutability_exclusion_filters,
            "imageScanningConfiguration": self.image_scanning_configuration,
            "encryptionConfiguration": self.encryption_configuration,
        }
        return {key: value for key, value in detail.items() if value is not None}

    @property
    def local_images(self) -> list[LocalImage]:
        """The images, in the order of their first push."""
        return cast("list[LocalImage]", self.images)

    @property
    def index(self) -> ImageIndex:
        """The index of the images."""
        if self._index is None or self._index[0] != self._state:
            self._index = self._state, ImageIndex.of(self.local_images)
        return self._index[1]

    @property
    def _state(self) -> tuple[int, int]:
        images = self.local_images
        # Images are only appended, with a growing serial, or deleted, so these two numbers identify the state.
        return len(images), images[-1].serial if images else 0

    def add(self, images: Sequence[LocalImage]) -> None:
        """Append images and add them to the index, so that a push does not read all images again.

        :param images: the images.
        """
        index = self.index
        self.images.extend(images)
        index.add(images)
        self._index = self._state, index

    def find(self, image_id: Mapping[str, str]) -> LocalImage:
        """Return the image that a digest, a tag or both of an ``imageId`` name.

        :raises ImageNotFoundException: if there is no such image.
        :raises InvalidParameterException: if it names neither.
        """
        if not image_id.get("imageDigest") and not image_id.get("imageTag"):
            raise invalid("imageId", "Both tag and digest cannot be null")
        if digest := image_id.get("imageDigest"):
            image = self.index.by_digest.get(digest)
            if image is not None and (not (tag := image_id.get("imageTag")) or tag in image.image_tags):
                return image
        return cast("LocalImage", self._get_image(image_id.get("imageTag"), image_id.get("imageDigest")))

    def moment(self, at: datetime) -> float:
        """Return a time in seconds, one microsecond later for every image that arrived at the same time.

        So the order of arrival decides which image is newest, even while the clock stands still.

        :param at: the time.
        """
        seconds = at.timestamp()
        self._arrivals[seconds] += 1
        return seconds + (self._arrivals[seconds] - 1) / 1_000_000

    def restore(self, image: LocalImage, at: datetime, active_after: float | None = None) -> None:
        """Move an image back to the standard storage class; the one restored last counts as the newest.

        :param image: the image.
        :param at: the time in the registry.
        :param active_after: reading of the monotonic clock at which the image is available again.
        """
        image.restore(datetime.fromtimestamp(self.moment(at), UTC), active_after)

    def next_manifest(self, size: int, base_size: int = 0) -> str:
        """Return the manifest of an image that this repository does not have yet.

        :param size: compressed size of the image.
        :param base_size: compressed size of the layer that it shares with the other images of the repository.
        """
        self.pushes += 1
        return image_manifest(f"{self.arn} {self.pushes}", size, self.arn, base_size)

    def holder_of(self, tag: str) -> LocalImage | None:
        """Return the image that has a tag, or None."""
        return next((image for image in self.local_images if tag in image.image_tags), None)

    def move_tags(self, tags: Iterable[str], image: LocalImage) -> None:
        """Move tags to an image; the images that had them stay.

        :param tags: the tags.
        :param image: the image.
        """
        for tag in tags:
            for other in self.local_images:
                if other is not image and tag in other.image_tags:
                    other.remove_tag(tag)
            image.update_tag(tag)

    def is_immutable(self, tag: str) -> bool:
        """Return whether a tag, once an image has it, stays with that image."""
        filters = self.image_tag_mutability_exclusion_filters or ()
        is_excluded = any(compile_pattern(excluded["filter"]).fullmatch(tag) for excluded in filters)
        return is_excluded is not self.is_tag_immutable()

    def as_rules_see_it(self) -> Iterable[RepositoryImage]:
        """Yield every image as lifecycle rules see it."""
        index = self.index
        for image in self.local_images:
            seen = image.as_rules_see_it()
            if referenced_by := index.lists_naming(seen.image_digest):
                seen = replace(seen, referenced_by=referenced_by)
            yield seen

    def size_of(self, image: LocalImage) -> int | None:
        """Return the compressed size; for a manifest list, that of its largest child."""
        if image.size is not None:
            return image.size
        if children := image.children():
            images = filter(None, map(self.index.by_digest.get, children))
            return max((size for image in images if (size := self.size_of(image)) is not None), default=None)
        manifest = json.loads(image.image_manifest)
        try:
            image.size = manifest["config"]["size"] + sum(layer["size"] for layer in manifest["layers"])
        except (KeyError, TypeError):
            return image.image_size_in_bytes
        return image.size
