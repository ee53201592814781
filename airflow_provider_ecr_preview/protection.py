"""Which images of a repository a clean-up may never touch, whoever approved it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import translate
from functools import cached_property

from airflow_provider_ecr_preview.policy_evaluation import RepositoryImage

PROTECTED_TAGS = ("latest", "prod*", "stable*")
"""Globs of the tags that are protected unless told otherwise."""

MIN_AGE_DAYS = 7
RECENTLY_PULLED_DAYS = 30
NEWEST_IMAGES_KEPT = 1

_RECORDING_DELAY = timedelta(days=1)
"""ECR refreshes the last pull of an image once a day, so a recorded time may be a day older than the last pull."""

_REFERRER_TAG = re.compile(r"sha256-[0-9a-f]{64}(\..*)?")
"""How cosign and other tools tag what belongs to an image: its signature, attestations, SBOM."""


@dataclass(frozen=True)
class ImageProtection:
    """What keeps an image from being deleted or archived.

    :param protected_tags: globs; an image with a tag that one of them matches is protected.
    :param protected_tag_patterns: regular expressions, searched for in every tag; to the same effect.
    :param min_age_days: images that were pushed, or restored from the archive, within so many days are protected.
    :param recently_pulled_days: images that were pulled within so many days are protected.
    :param newest_images_kept: so many of the most recently pushed images are protected, and as many of the tagged ones.
    :raises ValueError: if a regular expression or a number is not valid.
    """

    protected_tags: Sequence[str] = PROTECTED_TAGS
    protected_tag_patterns: Sequence[str] = ()
    min_age_days: float = MIN_AGE_DAYS
    recently_pulled_days: float = RECENTLY_PULLED_DAYS
    newest_images_kept: int = NEWEST_IMAGES_KEPT

    def __post_init__(self) -> None:
        for name in ("min_age_days", "recently_pulled_days", "newest_images_kept"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}. Use 0 to switch it off, or more.")
        _ = self._tag_expressions

    @cached_property
    def _tag_expressions(self) -> tuple[re.Pattern[str], ...]:
        expressions = [re.compile(rf"\A{translate(glob)}") for glob in self.protected_tags]
        for pattern in self.protected_tag_patterns:
            try:
                expressions.append(re.compile(pattern))
            except re.error as error:
                raise ValueError(
                    f"protected_tag_patterns: {pattern!r} is not a regular expression ({error})."
                ) from error
        return tuple(expressions)

    def has_protected_tag(self, image_tags: Iterable[str]) -> bool:
        """Return whether one of the tags is protected."""
        return any(expression.search(tag) for tag in image_tags for expression in self._tag_expressions)

    def is_too_young(self, image: RepositoryImage, now: datetime) -> bool:
        """Return whether the image was pushed or restored too recently."""
        return bool(self.min_age_days) and _last_change(image) > now - timedelta(days=self.min_age_days)

    def is_recently_pulled(self, image: RepositoryImage, now: datetime) -> bool:
        """Return whether the image may have been pulled recently."""
        pulled_at = image.last_recorded_pull_time
        if not self.recently_pulled_days or pulled_at is None:
            return False
        return pulled_at > now - timedelta(days=self.recently_pulled_days) - _RECORDING_DELAY

    def newest(self, images: Collection[RepositoryImage]) -> frozenset[str]:
        """Return the digests of the newest images; where push times are equal, of all of them.

        :param images: every image of the repository.
        """
        usable = [image for image in images if is_usable(image)]
        tagged = [image for image in usable if image.image_tags]
        return frozenset(_newest(usable, self.newest_images_kept) | _newest(tagged, self.newest_images_kept))


def is_usable(image: RepositoryImage) -> bool:
    """Return whether somebody could run the image now: it is not archived, and no signature or the like."""
    is_referrer = bool(image.image_tags) and all(_REFERRER_TAG.fullmatch(tag) for tag in image.image_tags)
    return image.storage_class == "standard" and not is_referrer


def _newest(images: Sequence[RepositoryImage], count: int) -> set[str]:
    if not count or not images:
        return set()
    times = sorted(map(_last_change, images), reverse=True)
    oldest_kept = times[min(count, len(times)) - 1]
    return {image.image_digest for image in images if _last_change(image) >= oldest_kept}


def _last_change(image: RepositoryImage) -> datetime:
    return max(image.image_pushed_at, image.last_activated_at or image.image_pushed_at)
