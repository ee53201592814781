"""Plain JSON values: times, sums with unknown addends, lists and texts that are cut, and results that fit."""

from __future__ import annotations

import json
from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


CLOCK_SKEW = timedelta(minutes=5)
"""How far the clocks of two machines may differ: a time that lies less than this in the future is no error."""


_key = itemgetter(0)


class Leading(Generic[T]):
    """The first of all values added so far, ordered by key.

    :param limit: how many are kept.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._entries: list[tuple[Any, T]] = []

    def add(self, key: Any, value: T) -> None:
        """Add a value under a key that orders it among the others."""
        if len(self._entries) == self.limit and key >= self._entries[-1][0]:
            return
        insort(self._entries, (key, value), key=_key)
        del self._entries[self.limit :]

    def merge(self, other: Leading[T]) -> None:
        """Add all values of another list."""
        for key, value in other._entries:
            self.add(key, value)

    def __iter__(self) -> Iterator[T]:
        return (value for _, value in self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def cut(text: str | None, characters: int) -> str | None:
    """Return a text of at most ``characters``, with an ellipsis where it was cut."""
    if text is None or len(text) <= characters:
        return text
    return f"{text[: max(characters - 1, 0)]}…"


Value = TypeVar("Value")


Limits = TypeVar("Limits")


def json_size(value: Any) -> int:
    """Return the length of a value as the JSON that Airflow stores."""
    return len(json.dumps(value))


def fitted(value: Value, max_bytes: int, limits: Iterable[Limits], cut_to: Callable[[Value, Limits], Value]) -> Value:
    """Return a value cut to the first limits under which it fits, or to the last ones if it fits under none.

    :param value: the value.
    :param max_bytes: the largest size that fits, as JSON.
    :param limits: how much of each list is kept, the most generous first.
    :param cut_to: returns the value cut to such limits.
    """
    shorter = value
    for limit in limits:
        shorter = cut_to(value, limit)
        if json_size(shorter) <= max_bytes:
            break
    return shorter


def fitting_count(items: Sequence[Any], max_bytes: int) -> int:
    """Return how many of the first items fit into a JSON list of at most ``max_bytes``.

    :param items: the items, the most important first.
    :param max_bytes: the size of the list.
    """
    size = len("[]")
    for count, item in enumerate(items):
        size += json_size(item) + len(", ")
        if size > max_bytes:
            return count
    return len(items)


_ROOM_FOR_A_NUMBER = 16
"""The extra characters reserved for the number of repositories left out, which starts as 0."""


def with_fitting_repositories(value: Value, max_bytes: int, most: int | None = None) -> Value:
    """Return a result with as many of its first ``repositories`` as fit; ``repositories_left_out`` counts the others.

    :param value: the result.
    :param max_bytes: the largest size that fits, as JSON.
    :param most: how many repositories are kept at most; None for no limit.
    """
    whole = cast("Mapping[str, Any]", value)
    repositories = whole["repositories"]
    rest = json_size({**whole, "repositories": []}) + _ROOM_FOR_A_NUMBER
    kept = fitting_count(repositories[:most], max_bytes - rest)
    left_out = whole["repositories_left_out"] + len(repositories) - kept
    return cast("Value", {**whole, "repositories": repositories[:kept], "repositories_left_out": left_out})


def isoformat(time: datetime | None) -> str | None:
    """Return an aware time as ISO 8601 in UTC."""
    return None if time is None else _in_utc(time)


def _in_utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()


def from_isoformat(text: str | None) -> datetime | None:
    """Return the time that :func:`isoformat` wrote.

    :param text: the text; None stays None.
    :raises ValueError: if it is no time, or has no time zone.
    """
    return None if text is None else aware_time(text)


def aware_time(text: str) -> datetime:
    """Return the time that a text in ISO 8601 names.

    :param text: the text.
    :raises ValueError: if it is no time, or has no time zone.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return time


def known_sum(sizes: Iterable[int | None]) -> int | None:
    """Return the sum, or None if any addend is unknown.

    :param sizes: the addends.
    """
    total = 0
    for size in sizes:
        if size is None:
            return None
        total += size
    return total
