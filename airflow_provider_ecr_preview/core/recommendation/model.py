"""Compute the space a rule frees, and the number with which it keeps the required images, after any earlier rules.

The lowest rule whose selector an image meets decides alone about that image, whether or not it expires it. So the
images that a rule decides about depend on the set of selectors before it, not on their numbers; and the number of
images that count before an image depends only on the selector of the deciding rule. Images that meet the same selectors
therefore form one *cell*, whose sums are computed once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from airflow_provider_ecr_preview.core.recommendation.keeping import KeptImage, RecommendationSettings
from airflow_provider_ecr_preview.core.recommendation.tag_families import Selector
from airflow_provider_ecr_preview.core.repository import RepositoryImage

_DAY = timedelta(days=1)

COUNT = "imageCountMoreThan"
DAYS = "sinceImagePushed"


@dataclass(frozen=True, slots=True)
class Gain:
    """The effect of a rule at one position in a policy.

    :param freed_bytes: bytes of the images that it expires now, as far as they are known.
    :param freed_images: number of the images that it expires now.
    :param count_type: ``imageCountMoreThan`` or ``sinceImagePushed``.
    :param count_number: the lowest number that keeps every required image.
    """

    freed_bytes: int
    freed_images: int
    count_type: str
    count_number: int


@dataclass(slots=True)
class _Cell:
    """The images of one repository that meet the same selectors."""

    positions: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    pushed: list[tuple[datetime, int]] = field(default_factory=list)
    bytes_from: list[int] = field(default_factory=list)
    bytes_before: list[int] = field(default_factory=list)

    def close(self) -> None:
        self.pushed.sort()
        self.bytes_from = [*accumulate(reversed(self.sizes), initial=0)][::-1]
        self.bytes_before = [*accumulate((size for _, size in self.pushed), initial=0)]

    def beyond(self, position: int) -> tuple[int, int]:
        """Return bytes and number of the images from a position on, newest first."""
        first = bisect_left(self.positions, position)
        return self.bytes_from[first], len(self.positions) - first

    def older(self, cutoff: datetime) -> tuple[int, int]:
        """Return bytes and number of the images that were pushed before a time."""
        count = bisect_left(self.pushed, (cutoff, -1))
        return self.bytes_before[count], count


@dataclass(slots=True)
class _Need:
    """The required images that meet, or may later meet, the same selectors."""

    oldest: datetime | None = None
    oldest_arriving: datetime | None = None
    oldest_push: datetime | None = None


def signature_of(image_tags: Sequence[str], selectors: Sequence[Selector]) -> int:
    """Return which selectors an image with these tags meets, one bit for each."""
    return sum(1 << number for number, selector in enumerate(selectors) if selector.matches(image_tags))


class RepositoryModel:
    """One repository, reduced to the facts that a search needs.

    :param images: the images that rules of the standard storage class look at.
    :param kept: the images that must be kept.
    :param selectors: the selectors that are searched through.
    :param settings: the settings that say how long they must be kept.
    :param now: the time (aware).
    """

    def __init__(
        self,
        images: Sequence[RepositoryImage],
        kept: Sequence[KeptImage],
        selectors: Sequence[Selector],
        settings: RecommendationSettings,
        now: datetime,
    ) -> None:
        self._settings = settings
        self._now = now.astimezone(UTC)
        self._cells: dict[int, _Cell] = {}
        self._needs: dict[int, _Need] = {}
        self._positions: list[list[int]] = [[] for _ in selectors]
        self._times: list[list[datetime]] = [[] for _ in selectors]
        newest_first = sorted(images, key=_newness, reverse=True)
        for position, image in enumerate(newest_first):
            self._add(position, image, signature_of(image.image_tags, selectors))
        for times in self._times:
            times.reverse()
        for cell in self._cells.values():
            cell.close()
        for of in kept:
            own = signature_of(of.image.image_tags, selectors)
            for tags in of.states():
                self._need(of.image, signature_of(tags, selectors), own)

    @property
    def signatures(self) -> frozenset[int]:
        """The combinations of selectors that images meet, or may later meet."""
        return frozenset(self._cells) | frozenset(self._needs)

    def least_count(self, selector: int, covered: int) -> int:
        """Return the lowest ``countNumber`` with which a rule that counts images keeps every required image.

        :param selector: number of the selector of the rule.
        :param covered: the selectors before it, one bit for each.
        """
        pushes = self._settings.safe_pushes
        least = pushes
        for need in self._needs_of(selector, covered):
            for oldest, arriving in ((need.oldest, 0), (need.oldest_arriving, 1)):
                if oldest is not None:
                    # Images pushed at the same time may count before it.
                    newer = len(self._times[selector]) - bisect_left(self._times[selector], oldest)
                    least = max(least, newer + arriving + pushes)
        return least

    def least_days(self, selector: int, covered: int) -> int:
        """Return the lowest ``countNumber`` with which a rule that counts days keeps every required image.

        :param selector: number of the selector of the rule.
        :param covered: the selectors before it, one bit for each.
        """
        days = self._settings.safe_days
        pushes = (need.oldest_push for need in self._needs_of(selector, covered))
        oldest = min((push for push in pushes if push is not None), default=self._now)
        return max(days, days - (oldest - self._now) // _DAY)

    def freed(self, selector: int, covered: int, count_type: str, count_number: int) -> tuple[int, int]:
        """Return bytes and number of the images that a rule would expire now.

        :param selector: number of the selector of the rule.
        :param covered: the selectors before it, one bit for each.
        :param count_type: how it counts.
        :param count_number: its number.
        """
        cells = [
            cell for signature, cell in self._cells.items() if signature >> selector & 1 and not signature & covered
        ]
        if count_type == DAYS:
            cutoff = self._now - timedelta(days=count_number)
            sums = [cell.older(cutoff) for cell in cells]
        else:
            positions = self._positions[selector]
            if count_number >= len(positions):
                return 0, 0
            sums = [cell.beyond(positions[count_number]) for cell in cells]
        return sum(size for size, _ in sums), sum(count for _, count in sums)

    def _needs_of(self, selector: int, covered: int) -> list[_Need]:
        return [
            need for signature, need in self._needs.items() if signature >> selector & 1 and not signature & covered
        ]

    def _add(self, position: int, image: RepositoryImage, signature: int) -> None:
        cell = self._cells.setdefault(signature, _Cell())
        size = image.image_size_in_bytes or 0
        cell.positions.append(position)
        cell.sizes.append(size)
        cell.pushed.append((image.image_pushed_at.astimezone(UTC), size))
        for selector, positions in enumerate(self._positions):
            if signature >> selector & 1:
                positions.append(position)
                self._times[selector].append(image.ordered_at.astimezone(UTC))

    def _need(self, image: RepositoryImage, signature: int, own: int) -> None:
        need = self._needs.setdefault(signature, _Need())
        ordered, pushed = image.ordered_at.astimezone(UTC), image.image_pushed_at.astimezone(UTC)
        need.oldest_push = min(need.oldest_push or pushed, pushed)
        if signature == own:
            need.oldest = min(need.oldest or ordered, ordered)
        else:
            need.oldest_arriving = min(need.oldest_arriving or ordered, ordered)


def gain_of(models: Sequence[RepositoryModel], selector: int, covered: int) -> Gain:
    """Return the gain of a rule with a selector at one position, with the way of counting that frees more.

    :param models: the repositories that share the policy.
    :param selector: number of the selector of the rule.
    :param covered: the selectors before it, one bit for each.
    """
    gains = []
    for count_type in (COUNT, DAYS):
        least = RepositoryModel.least_count if count_type == COUNT else RepositoryModel.least_days
        number = max(least(model, selector, covered) for model in models)
        sums = [model.freed(selector, covered, count_type, number) for model in models]
        gains.append(Gain(sum(size for size, _ in sums), sum(count for _, count in sums), count_type, number))
    return max(gains, key=lambda gain: (gain.freed_bytes, gain.freed_images))


def _newness(image: RepositoryImage) -> tuple[datetime, str]:
    return image.ordered_at.astimezone(UTC), image.image_digest
