"""Lists that stay short however much is put in, and that merge into the same list in any order."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from operator import itemgetter
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_key = itemgetter(0)


class Leading(Generic[T]):
    """The first of all values that were ever added, by their keys.

    :param limit: how many are kept.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._entries: list[tuple[Any, T]] = []

    def add(self, key: Any, value: T) -> None:
        """Take in a value under a key that orders it among the others."""
        if len(self._entries) == self.limit and key >= self._entries[-1][0]:
            return
        insort(self._entries, (key, value), key=_key)
        del self._entries[self.limit :]

    def merge(self, other: Leading[T]) -> None:
        """Take in all values of another list."""
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
