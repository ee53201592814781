"""Record what a task is about to change, and has changed, before it continues.

A task can be killed at any moment, and its result dies with it. The entries here survive for the next attempt. Each
attempt writes to its own place, so an attempt that is believed dead but still runs overwrites nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol


class Parts(Protocol):
    """The storage of the entries of one attempt: texts numbered from 0 without gaps."""

    def write(self, number: int, text: str) -> None:
        """Keep a text, wholly or not at all; it is kept when this returns."""
        ...

    def read(self, number: int) -> str | None:
        """Return a text, or None if there is none."""
        ...

    def clear(self) -> None:
        """Forget all texts."""
        ...


class MemoryParts:
    """Parts that end with the process."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}

    def write(self, number: int, text: str) -> None:
        """Keep a text."""
        self._texts[number] = text

    def read(self, number: int) -> str | None:
        """Return a text, or None if there is none."""
        return self._texts.get(number)

    def clear(self) -> None:
        """Forget all texts."""
        self._texts = {}


class Journal:
    """The entries of this attempt and of the earlier ones.

    :param parts_of: returns where an attempt keeps its entries, by its number.
    :param attempt: number of this attempt, from 1 on.
    :param place: the location, for messages; None for memory, which the next attempt cannot read.
    :param is_in_files: whether the entries are in files, which must be removed when no longer needed.
    """

    def __init__(
        self,
        parts_of: Callable[[int], Parts] | None = None,
        *,
        attempt: int = 1,
        place: str | None = None,
        is_in_files: bool = False,
    ) -> None:
        memory = MemoryParts()
        self._parts_of = parts_of or (lambda _: memory)
        self.attempt = attempt
        self.place = place
        self.is_in_files = is_in_files
        self._next: int | None = None

    def write(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Write entries; they are kept when this returns.

        :param entries: plain JSON types.
        """
        if not entries:
            return
        parts = self._parts_of(self.attempt)
        if self._next is None:
            self._next = sum(1 for _ in _texts(parts))
        parts.write(self._next, "\n".join(map(json.dumps, entries)))
        self._next += 1

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the entries of all attempts up to this one, in order."""
        for attempt in self._attempts():
            for text in _texts(self._parts_of(attempt)):
                yield from map(json.loads, text.splitlines())

    def clear(self) -> None:
        """Forget everything."""
        for attempt in self._attempts():
            self._parts_of(attempt).clear()
        self._next = None

    def _attempts(self) -> Sequence[int]:
        # In memory there is one place for all.
        return range(1, self.attempt + 1) if self.place else (self.attempt,)


def _texts(parts: Parts) -> Iterator[str]:
    number = 0
    while (text := parts.read(number)) is not None:
        yield text
        number += 1
