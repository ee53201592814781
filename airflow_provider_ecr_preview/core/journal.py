"""Record what a task is about to change, and has changed, before it continues.

A task can be killed at any moment, and its result dies with it. The entries here survive for the next attempt. Each
attempt writes to its own place, so an attempt that is believed dead but still runs overwrites nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_ecr_preview.core.parts import MemoryParts, PartedLines, Parts


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
        self._own: PartedLines | None = None

    def write(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Write entries; they are kept when this returns.

        :param entries: plain JSON types.
        """
        if not entries:
            return
        if self._own is None:
            self._own = PartedLines(self._parts_of(self.attempt))
        self._own.write([*map(json.dumps, entries)])

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the entries of all attempts up to this one, in order."""
        for attempt in self._attempts():
            yield from map(json.loads, PartedLines(self._parts_of(attempt)))

    def clear(self) -> None:
        """Forget everything."""
        for attempt in self._attempts():
            self._parts_of(attempt).clear()
        self._own = None

    def _attempts(self) -> Sequence[int]:
        # In memory there is one place for all.
        return range(1, self.attempt + 1) if self.place else (self.attempt,)
