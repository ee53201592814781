"""The images of a repository that must be kept, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import combinations

from airflow_provider_ecr_preview.core.protection.rules import ImageProtection
from airflow_provider_ecr_preview.core.recommendation.tag_families import FamilyKind, family_of, is_moving
from airflow_provider_ecr_preview.core.referrers import can_be_run, last_change, subject_digests
from airflow_provider_ecr_preview.core.repository import RepositoryImage

KEEP_RELEASES = 5
SAFE_DAYS = 14
SAFE_PUSHES = 10
MAX_RULES = 6

_MAX_MOVING_TAGS = 4
"""Above this number of moving tags, an image loses one or all of them; up to it, any combination."""


class KeepReason(StrEnum):
    """Why an image must be kept."""

    IN_USE = "in use"
    RECENTLY_PULLED = "pulled recently"
    RELEASE = "a release to roll back to"
    PROTECTED_TAG = "has a protected tag"
    NEWEST = "among the newest"
    RECENTLY_PUSHED = "pushed recently"
    REFERRER = "belongs to an image that is kept"


@dataclass(frozen=True, kw_only=True)
class RecommendationSettings:
    """The images that a recommended policy must keep.

    :param keep_releases: how many of the newest images of each release family can be rolled back to; of a repository without
        releases, how many of the newest tagged images.
    :param safe_days: the number of days without a push that every required image must survive.
    :param safe_pushes: the number of pushes of one kind that it must survive within those days.
    :param max_rules: how many rules the policy may have.
    :param protection: further images to keep: by tag, age, last pull and being among the newest.
    :raises ValueError: if a number is out of range.
    """

    keep_releases: int = KEEP_RELEASES
    safe_days: int = SAFE_DAYS
    safe_pushes: int = SAFE_PUSHES
    max_rules: int = MAX_RULES
    protection: ImageProtection = field(default_factory=ImageProtection)

    def __post_init__(self) -> None:
        for name, least, most in (
            ("keep_releases", 0, 1000),
            ("safe_days", 1, 365),
            ("safe_pushes", 1, 1000),
            ("max_rules", 1, 10),
        ):
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}. Use {least} to {most}.")


@dataclass(frozen=True, slots=True)
class KeptImage:
    """An image that must be kept.

    :param image: the image.
    :param reason: why; the first if there are several reasons.
    :param is_protected: returns whether tags are a reason on their own; the image must be kept only as long as it has
        such a tag. None if it must be kept whatever its tags.
    """

    image: RepositoryImage
    reason: KeepReason
    protection: ImageProtection | None = None

    def states(self) -> Iterator[tuple[str, ...]]:
        """Yield the tags that the image may have while it must be kept: moving tags may go to another image."""
        tags = self.image.image_tags
        moving = [tag for tag in tags if is_moving(tag)]
        sizes = range(len(moving) + 1) if len(moving) <= _MAX_MOVING_TAGS else (0, 1, len(moving))
        for size in sizes:
            for moved in combinations(moving, size):
                left = tuple(tag for tag in tags if tag not in moved)
                if self.protection is None or self.protection.has_protected_tag(left):
                    yield left


def images_to_keep(
    images: Sequence[RepositoryImage], in_use: Iterable[str], settings: RecommendationSettings, now: datetime
) -> list[KeptImage]:
    """Return the images that a recommended policy must keep, in the order of ``images``.

    :param images: the images of one repository that can be deleted by rules of the standard storage class.
    :param in_use: digests of the images in use.
    :param settings: the settings that say which images must be kept.
    :param now: the time (aware).
    """
    protection = settings.protection
    used, newest, releases = set(in_use), protection.newest(images), _releases(images, settings.keep_releases)
    kept: dict[str, KeptImage] = {}
    for image in images:
        digest = image.image_digest
        reason = None
        if digest in used:
            reason = KeepReason.IN_USE
        elif protection.is_recently_pulled(image, now):
            reason = KeepReason.RECENTLY_PULLED
        elif digest in releases:
            reason = KeepReason.RELEASE
        elif digest in newest:
            reason = KeepReason.NEWEST
        elif protection.is_too_young(image, now):
            reason = KeepReason.RECENTLY_PUSHED
        if reason is not None:
            kept[digest] = KeptImage(image, reason)
        elif protection.has_protected_tag(image.image_tags):
            kept[digest] = KeptImage(image, KeepReason.PROTECTED_TAG, protection)
    _keep_referrers(images, kept)
    return [kept[image.image_digest] for image in images if image.image_digest in kept]


def _releases(images: Iterable[RepositoryImage], count: int) -> set[str]:
    """Return the digests of the newest images of each release family, including all that share a push time."""
    families: dict[str, list[RepositoryImage]] = {}
    tagged = []
    for image in images:
        if not image.image_tags or not can_be_run(image):
            continue
        tagged.append(image)
        for kind, pattern in set(map(family_of, image.image_tags)):
            if kind is FamilyKind.RELEASE and pattern is not None:
                families.setdefault(pattern, []).append(image)
    return {digest for family in families.values() or [tagged] for digest in _newest(family, count)}


def _newest(images: Sequence[RepositoryImage], count: int) -> Iterator[str]:
    times = sorted(map(last_change, images), reverse=True)
    if not count or not times:
        return
    oldest = times[min(count, len(times)) - 1]
    yield from (image.image_digest for image in images if last_change(image) >= oldest)


def _keep_referrers(images: Sequence[RepositoryImage], kept: dict[str, KeptImage]) -> None:
    """Keep the signatures and SBOMs of kept images, and their own referrers in turn."""
    referrers = {image.image_digest: subjects for image in images if (subjects := subject_digests(image))}
    by_digest = {image.image_digest: image for image in images}
    while True:
        newly = [
            digest
            for digest, subjects in referrers.items()
            if digest not in kept and not kept.keys().isdisjoint(subjects)
        ]
        if not newly:
            return
        kept |= {digest: KeptImage(by_digest[digest], KeepReason.REFERRER) for digest in newly}
