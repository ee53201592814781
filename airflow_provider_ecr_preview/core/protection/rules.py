"""The images that a clean-up never touches, even if they were approved."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import translate
from functools import cached_property
from typing import Any

from airflow_provider_ecr_preview.core.parameters.times import MAX_DAYS
from airflow_provider_ecr_preview.core.protection.pattern_validation import check_tag_glob, check_tag_pattern, tag_globs
from airflow_provider_ecr_preview.core.referrers import can_be_run, last_change
from airflow_provider_ecr_preview.core.repository import RepositoryImage

PROTECTED_TAGS = ("latest", "live*", "prod*", "stable*")
"""Globs of the tags that are protected by default."""


MIN_AGE_DAYS = 7


RECENTLY_PULLED_DAYS = 30


NEWEST_IMAGES_KEPT = 1


_RECORDING_DELAY = timedelta(days=1)
"""ECR refreshes the last pull of an image once a day, so a recorded time may be a day older than the last pull."""


@dataclass(frozen=True)
class ImageProtection:
    """Settings that protect images from a clean-up.

    :param protected_tags: globs; an image with a tag that one of them matches is protected.
    :param protected_tag_patterns: regular expressions, searched for in every tag; to the same effect.
    :param min_age_days: images that were pushed, or restored from the archive, within this number of days are protected.
    :param recently_pulled_days: images that were pulled within this number of days are protected.
    :param newest_images_kept: the number of most recently pushed images, and of tagged ones, that are protected.
    :raises ValueError: if a number is out of range, or a glob or an expression matches no tag or can take too long.
    """

    protected_tags: Sequence[str] = PROTECTED_TAGS
    protected_tag_patterns: Sequence[str] = ()
    min_age_days: float = MIN_AGE_DAYS
    recently_pulled_days: float = RECENTLY_PULLED_DAYS
    newest_images_kept: int = NEWEST_IMAGES_KEPT

    def __post_init__(self) -> None:
        for name in ("min_age_days", "recently_pulled_days"):
            # Written this way round, the check also refuses NaN.
            if not 0 <= getattr(self, name) <= MAX_DAYS:
                raise ValueError(f"{name} is {getattr(self, name)}. Use 0 to switch it off, or more, up to {MAX_DAYS}.")
        if self.newest_images_kept < 0:
            raise ValueError(f"newest_images_kept is {self.newest_images_kept}. Use 0 to switch it off, or more.")
        for glob in self.protected_tags:
            check_tag_glob(glob, "protected_tags")
        for pattern in self.protected_tag_patterns:
            check_tag_pattern(pattern, "protected_tag_patterns")

    @cached_property
    def _tag_expressions(self) -> tuple[re.Pattern[str], ...]:
        globs = [rf"\A{translate(glob)}" for glob in self.protected_tags]
        return tuple(map(re.compile, [*globs, *self.protected_tag_patterns]))

    def has_protected_tag(self, image_tags: Iterable[str]) -> bool:
        """Return whether one of the tags is protected."""
        return any(expression.search(tag) for tag in image_tags for expression in self._tag_expressions)

    def protected_tag_of(self, image_tags: Iterable[str]) -> str | None:
        """Return the first of the tags that is protected, or None."""
        return next((tag for tag in image_tags if any(glob.search(tag) for glob in self._tag_expressions)), None)

    def protecting(self, image_tags: Iterable[str]) -> tuple[str, str] | None:
        """Return the first protected tag, with the glob or expression that protects it; None if no tag is protected.

        :param image_tags: the tags.
        """
        written = [*self.protected_tags, *self.protected_tag_patterns]
        for tag in image_tags:
            for expression, text in zip(self._tag_expressions, written, strict=True):
                if expression.search(tag):
                    return tag, text
        return None

    def is_too_young(self, image: RepositoryImage, now: datetime) -> bool:
        """Return whether the image was pushed or restored too recently."""
        return bool(self.min_age_days) and last_change(image) > now - timedelta(days=self.min_age_days)

    def is_recently_pulled(self, image: RepositoryImage, now: datetime) -> bool:
        """Return whether the image may have been pulled recently."""
        pulled_at = image.last_recorded_pull_time
        if not self.recently_pulled_days or pulled_at is None:
            return False
        return pulled_at > now - timedelta(days=self.recently_pulled_days) - _RECORDING_DELAY

    def newest(self, images: Collection[RepositoryImage]) -> frozenset[str]:
        """Return the digests of the newest runnable images, including all that share a push time.

        :param images: every image of the repository.
        """
        runnable = [image for image in images if can_be_run(image)]
        tagged = [image for image in runnable if image.image_tags]
        return frozenset(_newest(runnable, self.newest_images_kept) | _newest(tagged, self.newest_images_kept))


def tags_protected_by(value: Any) -> ImageProtection:
    """Return the protection of images by their tags alone.

    :param value: the parameter ``protected_tags`` of an operator, in any form of a list; None for the default.
    :raises ValueError: if it is not a list, or one of its globs matches no tag.
    """
    return ImageProtection(protected_tags=tag_globs(value, "protected_tags", PROTECTED_TAGS))


def _newest(images: Sequence[RepositoryImage], count: int) -> set[str]:
    if not count or not images:
        return set()
    times = sorted(map(last_change, images), reverse=True)
    oldest_kept = times[min(count, len(times)) - 1]
    return {image.image_digest for image in images if last_change(image) >= oldest_kept}
