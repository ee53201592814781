"""Collect affected images that were pulled recently, are in use, or have a protected tag, as they stream by."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE
from airflow_provider_ecr_preview.core.protection.rules import RECENTLY_PULLED_DAYS
from airflow_provider_ecr_preview.core.repository import DigestKey, digest_key, digest_of
from airflow_provider_ecr_preview.core.xcom.preview import MAX_FINDING_DIGESTS

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.preview.image import PreviewedImage


class RecentPulls:
    """The affected images that were pulled recently, collected as they stream by.

    :param since: pulls at or after this time are recent.
    """

    def __init__(self, since: datetime) -> None:
        self.since = since
        self.image_count = 0
        self._latest: list[tuple[datetime, str]] = []

    def add(self, image: PreviewedImage) -> None:
        """Add one affected image."""
        pulled_at = image.last_recorded_pull_time
        if pulled_at is None or pulled_at < self.since:
            return
        self.image_count += 1
        entry = (pulled_at, image.image_digest)
        if len(self._latest) < MAX_FINDING_DIGESTS:
            heapq.heappush(self._latest, entry)
        else:
            heapq.heappushpop(self._latest, entry)

    @property
    def image_digests(self) -> tuple[str, ...]:
        """The most recently pulled images, latest first; at most ten."""
        return tuple(digest for _, digest in sorted(self._latest, reverse=True))


class UsedImages:
    """The affected images in use, collected as they stream by.

    :param users_of: describes who uses an image with this digest and these tags.
    :param unread_sources: the sources that could not be read.
    :param replicas: the same collection for each replica that also deletes expiring images.
    """

    def __init__(
        self,
        users_of: Callable[[str, Sequence[str]], Sequence[str]],
        unread_sources: Sequence[str],
        replicas: Sequence[UsedImages] = (),
    ) -> None:
        sources = [*unread_sources, *(source for replica in replicas for source in replica.unread_sources)]
        self.unread_sources: Sequence[str] = list(dict.fromkeys(sources))
        self.image_count = 0
        self.examples: dict[str, str] = {}
        """The users of the first images, by digest; at most ten."""
        self._users_of = users_of
        self._used: set[DigestKey] = set()
        self._replicas = replicas

    def with_replicas(self, replicas: Sequence[UsedImages]) -> UsedImages:
        """Return an empty collection that also knows the images in use in the replicas.

        :param replicas: the same collection for each replica.
        """
        return UsedImages(self._users_of, self.unread_sources, replicas)

    def add(self, image: PreviewedImage) -> None:
        """Add one affected image."""
        # Only deletions are replicated: an image archived here stays in the replicas.
        places = [self, *self._replicas] if image.action == EXPIRE else [self]
        users = [user for place in places for user in place._users_of(image.image_digest, image.image_tags)]  # noqa: SLF001
        if not users:
            return
        self.image_count += 1
        self._used.add(digest_key(image.image_digest))
        if len(self.examples) < MAX_FINDING_DIGESTS:
            self.examples[image.image_digest] = users[0]

    def uses(self, key: DigestKey) -> bool:
        """Return whether an image is in use, by its digest or as one of the affected images."""
        return key in self._used or bool(self._users_of(digest_of(key), ()))


class ProtectedImages:
    """The affected images with a protected tag, collected as they stream by.

    :param protected_tag_of: returns the first tag of an image that is protected, or None.
    """

    def __init__(self, protected_tag_of: Callable[[Iterable[str]], str | None]) -> None:
        self.image_count = 0
        self.examples: dict[str, str] = {}
        """The protected tags of the first images, by digest; at most ten."""
        self._protected_tag_of = protected_tag_of

    def add(self, image: PreviewedImage) -> None:
        """Add one affected image."""
        tag = self._protected_tag_of(image.image_tags)
        if tag is None:
            return
        self.image_count += 1
        if len(self.examples) < MAX_FINDING_DIGESTS:
            self.examples[image.image_digest] = tag


def recent_pulls_since(now: datetime, days: float = RECENTLY_PULLED_DAYS) -> RecentPulls:
    """Return an empty collection of the images pulled in the last ``days`` days."""
    return RecentPulls(now - timedelta(days=days))
