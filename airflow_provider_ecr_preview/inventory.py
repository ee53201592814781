"""The images of a repository as DescribeImages lists them, reduced to what a preview is joined with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from airflow_provider_ecr_preview.policy import Rule
from airflow_provider_ecr_preview.policy_evaluation import RepositoryImage

_SHA256_PREFIX = "sha256:"


class ImageDetail(NamedTuple):
    """What DescribeImages adds to a previewed image."""

    image_size_in_bytes: int | None
    last_recorded_pull_time: datetime | None
    image_manifest_media_type: str | None
    artifact_media_type: str | None


class RepositoryInventory:
    """Every image of one repository, archived ones included.

    :param rules: the rules of the policy that is previewed, to find those whose tags no image has.
    """

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.newest_image: RepositoryImage | None = None
        """The most recently pushed image of the standard storage class."""
        self._details: dict[bytes, ImageDetail] = {}
        self._unmatched = {rule.priority: rule for rule in rules}

    @property
    def total_image_count(self) -> int:
        """Number of images in the repository."""
        return len(self._details)

    @property
    def unmatched_rules(self) -> list[Rule]:
        """The rules whose tag requirements no image of their storage class meets."""
        return list(self._unmatched.values())

    def add(self, image: RepositoryImage) -> None:
        """Take in one image; an image that a second page lists again is counted once."""
        self._details[digest_key(image.image_digest)] = ImageDetail(
            image.image_size_in_bytes,
            image.last_recorded_pull_time,
            image.image_manifest_media_type,
            image.artifact_media_type,
        )
        if image.storage_class == "standard" and (
            self.newest_image is None or image.image_pushed_at > self.newest_image.image_pushed_at
        ):
            self.newest_image = image
        matched = [
            priority
            for priority, rule in self._unmatched.items()
            if rule.storage_class == image.storage_class and rule.matches_tags(image.image_tags)
        ]
        for priority in matched:
            del self._unmatched[priority]

    def update(self, images: Iterable[RepositoryImage]) -> None:
        """Take in every one of ``images``."""
        for image in images:
            self.add(image)

    def detail(self, image_digest: str) -> ImageDetail | None:
        """Return what is known of an image, or None for one that DescribeImages did not list."""
        return self._details.get(digest_key(image_digest))


def digest_key(image_digest: str) -> bytes:
    """Return a digest in the least memory; a join over a million images holds a million of them."""
    if image_digest.startswith(_SHA256_PREFIX):
        return bytes.fromhex(image_digest[len(_SHA256_PREFIX) :])
    return image_digest.encode()
