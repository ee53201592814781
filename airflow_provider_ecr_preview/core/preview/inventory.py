"""The images of a repository as DescribeImages lists them, reduced to the details that a preview needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple, Self

from airflow_provider_ecr_preview.core.policy.rule import Rule
from airflow_provider_ecr_preview.core.referrers import ImageKind, last_change, subject_digests
from airflow_provider_ecr_preview.core.repository import DigestKey, RepositoryImage, digest_key

PUSHES_DAYS = 30
"""The number of days over which the pace of the pushes is measured."""


class ImageDetail(NamedTuple):
    """The details that DescribeImages adds to a previewed image."""

    image_size_in_bytes: int | None
    last_recorded_pull_time: datetime | None
    image_manifest_media_type: str | None
    artifact_media_type: str | None
    storage_class: str
    kind: ImageKind

    @classmethod
    def of(cls, image: RepositoryImage, kind: ImageKind) -> Self:
        """Return the details of an image of this kind."""
        return cls(
            image.image_size_in_bytes,
            image.last_recorded_pull_time,
            image.image_manifest_media_type,
            image.artifact_media_type,
            image.storage_class,
            kind,
        )


class RepositoryInventory:
    """Every image of one repository, archived ones included.

    :param rules: the rules of the previewed policy, to find those that match no image's tags.
    :param keep_images: whether to hold the images themselves, which takes about twice the memory.
    """

    def __init__(self, rules: Sequence[Rule] = (), *, keep_images: bool = False) -> None:
        self.newest_image: RepositoryImage | None = None
        """The newest runnable image."""
        self.subjects: dict[DigestKey, tuple[DigestKey, ...]] = {}
        """The subjects of each referrer."""
        self._details: dict[DigestKey, ImageDetail | RepositoryImage] = {}
        self._keep_images = keep_images
        self._pushed_on: Counter[date] = Counter()
        self._unmatched = {rule.priority: rule for rule in rules}

    @property
    def total_image_count(self) -> int:
        """Number of images in the repository."""
        return len(self._details)

    @property
    def images(self) -> list[RepositoryImage]:
        """The images, if they are held."""
        return [image for image in self._details.values() if isinstance(image, RepositoryImage)]

    @property
    def unmatched_rules(self) -> list[Rule]:
        """The rules whose tag requirements no image meets, whatever its storage class."""
        return list(self._unmatched.values())

    def add(self, image: RepositoryImage) -> None:
        """Add one image; one that appears on two pages is counted once."""
        key, kind = digest_key(image.image_digest), ImageKind.of(image)
        if key not in self._details:
            self._pushed_on[image.image_pushed_at.astimezone(UTC).date()] += 1
        self._details[key] = image if self._keep_images else ImageDetail.of(image, kind)
        if subjects := subject_digests(image):
            self.subjects[key] = tuple(map(digest_key, subjects))
        if kind.can_be_run and (self.newest_image is None or _newness(image) > _newness(self.newest_image)):
            self.newest_image = image
        matched = [priority for priority, rule in self._unmatched.items() if rule.matches_tags(image.image_tags)]
        for priority in matched:
            del self._unmatched[priority]

    def pushed_since(self, time: datetime) -> int:
        """Return how many of the images were pushed since the day of a time.

        :param time: the time (aware).
        """
        first = time.astimezone(UTC).date()
        return sum(count for day, count in self._pushed_on.items() if day >= first)

    def update(self, images: Iterable[RepositoryImage]) -> None:
        """Add all of ``images``."""
        for image in images:
            self.add(image)

    def kinds(self) -> Iterator[tuple[DigestKey, ImageKind]]:
        """Yield every image with its kind."""
        for key, _, kind in self.entries():
            yield key, kind

    def entries(self) -> Iterator[tuple[DigestKey, ImageDetail | RepositoryImage, ImageKind]]:
        """Yield every image with its details and its kind."""
        for key, detail in self._details.items():
            yield key, detail, detail.kind if isinstance(detail, ImageDetail) else ImageKind.of(detail)

    def kind_of(self, key: DigestKey) -> ImageKind | None:
        """Return the kind of an image, or None if it is not in the repository."""
        detail = self._details.get(key)
        if detail is None:
            return None
        return detail.kind if isinstance(detail, ImageDetail) else ImageKind.of(detail)

    def detail(self, image_digest: str) -> ImageDetail | RepositoryImage | None:
        """Return the details of an image, or None if DescribeImages did not list it."""
        return self._details.get(digest_key(image_digest))


def _newness(image: RepositoryImage) -> tuple[datetime, str]:
    return last_change(image), image.image_digest
