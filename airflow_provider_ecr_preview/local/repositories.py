"""Repositories of the local ECR: moto's, with a preview and quick ways to their images."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any, Self, cast

from moto.ecr.models import Repository

from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.local.clock import Clock
from airflow_provider_ecr_preview.local.images import LocalImage
from airflow_provider_ecr_preview.local.previews import Preview

_serials = itertools.count(1)


@dataclass(frozen=True, slots=True)
class ImageIndex:
    """The images of a repository by what they are looked for.

    :param by_digest: the images by digest.
    :param lists: digests of the manifest lists that name an image, by the image's digest.
    """

    by_digest: dict[str, LocalImage]
    lists: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, images: Iterable[LocalImage]) -> ImageIndex:
        """Return the index of these images."""
        by_digest: dict[str, LocalImage] = {}
        lists: dict[str, tuple[str, ...]] = {}
        for image in images:
            digest = image.get_image_digest()
            by_digest[digest] = image
            for child in image.children():
                lists[child] = (*lists.get(child, ()), digest)
        return cls(by_digest, lists)

    def lists_naming(self, image_digest: str) -> tuple[str, ...]:
        """Return the digests of the manifest lists that name the image."""
        return self.lists.get(image_digest, ())


class LocalRepository(Repository):
    """A repository, as moto keeps it, with the one preview that it can have.

    :param arguments: as moto's own.
    :param clock: tells when it is created.
    """

    def __new__(cls, **_: object) -> Self:
        """Make a repository that moto does not keep in its list of all instances, and with it every image."""
        return object.__new__(cls)

    def __init__(self, *, clock: Clock, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.serial = next(_serials)
        """Grows with every repository, so that a page can go on where the last one ended."""
        self.created_at = clock.now().replace(tzinfo=None)
        self.pushes = 0
        """Number of images that were made up for it; makes the digest of the next one."""
        self.deleted_digests: set[str] = set()
        """The images that were deleted; ECR deletes within a day what belongs to them."""
        self.preview: Preview | None = None
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
        """The images by what they are looked for."""
        images = self.local_images
        # Images are only ever appended, with a growing serial, and deleted: these two numbers tell every state apart.
        state = (len(images), images[-1].serial if images else 0)
        if self._index is None or self._index[0] != state:
            self._index = state, ImageIndex.of(images)
        return self._index[1]

    def find(self, image_id: Mapping[str, str]) -> LocalImage:
        """Return the image that a digest, a tag or both of an ``imageId`` name.

        :raises ImageNotFoundException: if there is none.
        """
        if digest := image_id.get("imageDigest"):
            image = self.index.by_digest.get(digest)
            if image is not None and (not (tag := image_id.get("imageTag")) or tag in image.image_tags):
                return image
        return cast("LocalImage", self._get_image(image_id.get("imageTag"), image_id.get("imageDigest")))

    def as_rules_see_it(self) -> Iterable[RepositoryImage]:
        """Yield every image as lifecycle rules look at it."""
        index = self.index
        for image in self.local_images:
            seen = image.as_rules_see_it()
            if referenced_by := index.lists_naming(seen.image_digest):
                seen = replace(seen, referenced_by=referenced_by)
            yield seen

    def size_of(self, image: LocalImage) -> int | None:
        """Return the compressed size; of a manifest list, the largest of its children."""
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
