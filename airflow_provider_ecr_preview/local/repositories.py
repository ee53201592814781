"""Repositories of the local ECR: moto's, with a preview and quick ways to their images."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Self, cast

from moto.ecr.models import Repository

from airflow_provider_ecr_preview.local.clock import Clock
from airflow_provider_ecr_preview.local.images import LocalImage
from airflow_provider_ecr_preview.local.previews import Preview
from airflow_provider_ecr_preview.policy_evaluation import RepositoryImage

_serials = itertools.count(1)


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
        self.preview: Preview | None = None
        self._index: tuple[tuple[int, int], dict[str, LocalImage], dict[str, tuple[str, ...]]] | None = None

    @property
    def local_images(self) -> list[LocalImage]:
        """The images, in the order of their first push."""
        return cast("list[LocalImage]", self.images)

    def image(self, image_digest: str) -> LocalImage | None:
        """Return the image with this digest."""
        return self._indexed()[0].get(image_digest)

    def find(self, image_id: Mapping[str, str]) -> LocalImage:
        """Return the image that a digest, a tag or both of an ``imageId`` name.

        :raises ImageNotFoundException: if there is none.
        """
        if digest := image_id.get("imageDigest"):
            image = self.image(digest)
            if image is not None and (not (tag := image_id.get("imageTag")) or tag in image.image_tags):
                return image
        return cast("LocalImage", self._get_image(image_id.get("imageTag"), image_id.get("imageDigest")))

    def lists_naming(self, image_digest: str) -> tuple[str, ...]:
        """Return the digests of the manifest lists of this repository that name the image."""
        return self._indexed()[1].get(image_digest, ())

    def as_rules_see_it(self) -> Iterable[RepositoryImage]:
        """Yield every image as lifecycle rules look at it."""
        lists = self._indexed()[1]
        for image in self.local_images:
            seen = image.as_rules_see_it()
            if lists and (referenced_by := lists.get(seen.image_digest)):
                seen = replace(seen, referenced_by=referenced_by)
            yield seen

    def size_of(self, image: LocalImage) -> int | None:
        """Return the compressed size; of a manifest list, the largest of its children."""
        if image.size is not None:
            return image.size
        if children := image.children():
            sizes = [size for child in map(self.image, children) if child and (size := self.size_of(child)) is not None]
            return max(sizes, default=None)
        manifest = json.loads(image.image_manifest)
        try:
            image.size = manifest["config"]["size"] + sum(layer["size"] for layer in manifest["layers"])
        except (KeyError, TypeError):
            return image.image_size_in_bytes
        return image.size

    def _indexed(self) -> tuple[dict[str, LocalImage], dict[str, tuple[str, ...]]]:
        images = self.local_images
        # Images are only ever appended, with a growing serial, and deleted: these two numbers tell every state apart.
        state = (len(images), images[-1].serial if images else 0)
        if self._index is None or self._index[0] != state:
            lists: dict[str, tuple[str, ...]] = {}
            for image in images:
                for child in image.children():
                    lists[child] = (*lists.get(child, ()), image.get_image_digest())
            self._index = state, {image.get_image_digest(): image for image in images}, lists
        return self._index[1:]
