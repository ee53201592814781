"""The summary of a preview: the images it lists, summed up as they stream by.

:class:`PreviewSummary` holds counts, a sample and the digests, so its size does not depend on tags, and two halves
of a preview merge into the same summary as the whole, in any order.
"""

from __future__ import annotations

import hashlib
import heapq
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE, TRANSITION
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.repository import DigestKey, digest_key, digest_of
from airflow_provider_ecr_preview.core.xcom.preview import MAX_SAMPLE_IMAGES, RuleSummary

_NO_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class RuleCount:
    """The number of images one rule takes, and their known bytes."""

    image_count: int = 0
    known_bytes: int = 0
    unknown_sizes: int = 0

    @property
    def bytes_upper_bound(self) -> int | None:
        """The sum of the sizes, or None if one is unknown."""
        return None if self.unknown_sizes else self.known_bytes

    def add(self, size: int | None) -> None:
        """Count one image of ``size`` bytes; None if unknown."""
        self.image_count += 1
        if size is None:
            self.unknown_sizes += 1
        else:
            self.known_bytes += size

    def __iadd__(self, other: RuleCount) -> Self:
        self.image_count += other.image_count
        self.known_bytes += other.known_bytes
        self.unknown_sizes += other.unknown_sizes
        return self


@dataclass
class PreviewSummary:
    """The sum of a preview, built image by image.

    :param repository_name: the repository.
    :param registry_id: the registry (account) it is in.
    :param region_name: the Region.
    :param policy: the policy that was previewed.
    :param previewed_at: when the preview was read (aware, UTC).
    :param status: status of the preview.
    """

    repository_name: str
    registry_id: str
    region_name: str
    policy: LifecyclePolicy
    previewed_at: datetime
    status: str = "COMPLETE"

    next_token: str | None = None
    """The token to continue reading from, if ``max_items`` cut the preview short."""

    counts: dict[tuple[int, str], RuleCount] = field(default_factory=dict)
    """Images and bytes by rule priority and action."""

    untagged_image_count: int = 0
    oldest_pushed_at: datetime | None = None
    newest_pushed_at: datetime | None = None
    _actions: dict[DigestKey, str] = field(default_factory=dict, repr=False)
    _newest: list[tuple[datetime, str, PreviewedImage]] = field(default_factory=list, repr=False)

    def add(self, image: PreviewedImage) -> None:
        """Count one image.

        :raises ValueError: if the image was already counted; a preview lists every image once.
        """
        key = digest_key(image.image_digest)
        if key in self._actions:
            raise ValueError(f"The preview lists the image {image.image_digest} twice.")
        # Every response creates a new string for the action; a million images can share one.
        self._actions[key] = sys.intern(image.action)
        rule = (image.applied_rule_priority, image.action)
        count = self.counts.get(rule)
        if count is None:
            count = self.counts[rule] = RuleCount()
        count.add(image.image_size_in_bytes)
        if not image.image_tags:
            self.untagged_image_count += 1
        pushed_at = image.image_pushed_at
        if pushed_at is not None:
            if self.oldest_pushed_at is None or pushed_at < self.oldest_pushed_at:
                self.oldest_pushed_at = pushed_at
            if self.newest_pushed_at is None or pushed_at > self.newest_pushed_at:
                self.newest_pushed_at = pushed_at
        self._sample(pushed_at or _NO_TIME, image)

    def update(self, images: Iterable[PreviewedImage]) -> None:
        """Count all of ``images``."""
        for image in images:
            self.add(image)

    def merge(self, other: PreviewSummary) -> None:
        """Add another part of the same preview. The whole counts as read when its first part was read.

        Parts may come in any order, so the caller must set ``next_token``.

        :raises ValueError: if the other part is of another repository or policy, or shares an image with this one.
        """
        if self._identity() != other._identity():
            raise ValueError(f"Cannot merge previews of {self._identity()} and {other._identity()}.")
        if not self._actions.keys().isdisjoint(other._actions):
            raise ValueError("Cannot merge previews that list the same image.")
        self.previewed_at = min(self.previewed_at, other.previewed_at)
        self._actions |= other._actions
        for rule, count in other.counts.items():
            self.counts.setdefault(rule, RuleCount())
            self.counts[rule] += count
        self.untagged_image_count += other.untagged_image_count
        self.oldest_pushed_at = min(_known(self.oldest_pushed_at, other.oldest_pushed_at), default=None)
        self.newest_pushed_at = max(_known(self.newest_pushed_at, other.newest_pushed_at), default=None)
        for pushed_at, _, image in other._newest:
            self._sample(pushed_at, image)

    @property
    def image_count(self) -> int:
        """Number of affected images, expiring and archiving."""
        return len(self._actions)

    @property
    def expiring_image_count(self) -> int:
        """Number of images that the policy would delete."""
        return self._count(EXPIRE)

    @property
    def archiving_image_count(self) -> int:
        """Number of images that the policy would move to the archive storage class."""
        return self._count(TRANSITION)

    @property
    def tagged_image_count(self) -> int:
        """Number of affected images with at least one tag."""
        return self.image_count - self.untagged_image_count

    @property
    def expiring_bytes_upper_bound(self) -> int | None:
        """Sum of the sizes of the expiring images; None if one is unknown. Shared layers make it an upper bound."""
        expiring = RuleCount()
        for (_, action), count in self.counts.items():
            if action == EXPIRE:
                expiring += count
        return expiring.bytes_upper_bound

    @property
    def images_fingerprint(self) -> str:
        """SHA-256 (hexadecimal) over the sorted lines ``<digest> <ACTION>`` of the affected images, each ended by LF."""
        return images_fingerprint((digest_of(key), action) for key, action in self._actions.items())

    @property
    def sample(self) -> list[PreviewedImage]:
        """The most recently pushed affected images, newest first; at most ten."""
        return [image for _, _, image in sorted(self._newest, key=lambda entry: entry[:2], reverse=True)]

    def __contains__(self, image_digest: object) -> bool:
        return isinstance(image_digest, str) and digest_key(image_digest) in self._actions

    @property
    def actions(self) -> Mapping[DigestKey, str]:
        """The action on each affected image, ``EXPIRE`` or ``TRANSITION``."""
        return self._actions

    def action_of(self, image_digest: str) -> str | None:
        """Return ``EXPIRE`` or ``TRANSITION``, or None if the image is not affected."""
        return self._actions.get(digest_key(image_digest))

    def rules(self) -> list[RuleSummary]:
        """Return the counts of each rule by priority, including rules that take nothing."""
        described = {(rule.priority, rule.action): rule for rule in self.policy.rules}
        nothing = RuleCount()
        return [
            RuleSummary(
                priority=priority,
                action=action.lower(),
                description=rule.description if (rule := described.get((priority, action))) else None,
                image_count=(count := self.counts.get((priority, action), nothing)).image_count,
                bytes_upper_bound=count.bytes_upper_bound,
            )
            for priority, action in sorted({*described, *self.counts})
        ]

    def _identity(self) -> tuple[str, str, str, str, str]:
        return (
            self.registry_id,
            self.region_name,
            self.repository_name,
            self.status,
            self.policy.fingerprint,
        )

    def _count(self, action: str) -> int:
        return sum(count.image_count for (_, of), count in self.counts.items() if of == action)

    def _sample(self, pushed_at: datetime, image: PreviewedImage) -> None:
        newest = self._newest
        if len(newest) < MAX_SAMPLE_IMAGES:
            heapq.heappush(newest, (pushed_at, image.image_digest, image))
        elif (pushed_at, image.image_digest) > newest[0][:2]:
            heapq.heapreplace(newest, (pushed_at, image.image_digest, image))


def images_fingerprint(actions: Iterable[tuple[str, str]]) -> str:
    """Return SHA-256 (hexadecimal) over the sorted lines ``<digest> <ACTION>`` of images, each ended by LF.

    :param actions: digest and action of every affected image.
    """
    fingerprint = hashlib.sha256()
    for line in sorted(f"{image_digest} {action}\n" for image_digest, action in actions):
        fingerprint.update(line.encode())
    return fingerprint.hexdigest()


def _known(*times: datetime | None) -> list[datetime]:
    return [time for time in times if time is not None]
