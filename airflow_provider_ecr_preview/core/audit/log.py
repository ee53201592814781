"""Record the progress of an audit for later attempts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self

from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome, StartedPreview

Entry = RepositoryOutcome | StartedPreview


@dataclass(frozen=True, slots=True)
class AttemptBegun:
    """The first attempt at an audit, or the first one after its task was cleared.

    :param audited_at: when the first attempt began, in seconds since the epoch; all attempts share it.
    :param run_id: the run that it belongs to.
    :param clearing: identifies which time the task of the run was cleared.
    """

    audited_at: float
    run_id: str
    clearing: str


MAX_ENTRIES = 10


MAX_SECONDS = 1.0


_KINDS: dict[str, type[Entry | AttemptBegun]] = {
    "outcome": RepositoryOutcome,
    "started": StartedPreview,
    "begun": AttemptBegun,
}


class Segments(Protocol):
    """The storage of a log: texts numbered from 0 without gaps."""

    def write(self, number: int, text: str) -> None:
        """Keep a text, wholly or not at all."""
        ...

    def read(self, number: int) -> str | None:
        """Return a text, or None if there is none."""
        ...

    def clear(self) -> None:
        """Forget all texts."""
        ...


class OutcomeLog:
    """The previews started and the outcomes known, in order.

    It is written in segments, because an S3 object cannot be appended to. A segment holds few entries, so little is
    lost if the process is killed.

    :param segments: the storage.
    :param clock: returns a running number of seconds.
    """

    def __init__(self, segments: Segments, clock: Callable[[], float] = time.monotonic) -> None:
        self.segments = segments
        self._clock = clock
        self._lines: list[str] = []
        self._first_at = 0.0
        self._next: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()

    def append(self, entry: Entry | AttemptBegun) -> None:
        """Add an entry: an outcome, a started preview, or the start of an attempt."""
        now = self._clock()
        if not self._lines:
            self._first_at = now
        self._lines.append(_line(entry))
        if len(self._lines) >= MAX_ENTRIES or now - self._first_at >= MAX_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write all pending entries."""
        if not self._lines:
            return
        if self._next is None:
            self._next = sum(1 for _ in self._texts())
        self.segments.write(self._next, "\n".join(self._lines))
        self._next += 1
        self._lines = []

    def read(self) -> Iterator[Entry]:
        """Yield all entries, including those of earlier attempts, holding one segment in memory at a time."""
        for entry in self._all():
            if not isinstance(entry, AttemptBegun):
                yield entry

    def first_attempt(self) -> AttemptBegun | None:
        """Return the first attempt; None if the log is empty or written by an earlier version."""
        first = next(self._all(), None)
        return first if isinstance(first, AttemptBegun) else None

    def last_attempt(self) -> AttemptBegun | None:
        """Return the last attempt, or None as for :meth:`first_attempt`."""
        last = None
        for entry in self._all():
            last = entry if isinstance(entry, AttemptBegun) else last
        return last

    def _all(self) -> Iterator[Entry | AttemptBegun]:
        self.flush()
        for text in self._texts():
            yield from map(_entry, text.splitlines())

    def outcomes(self) -> Iterator[RepositoryOutcome]:
        """Yield the last outcome of each repository, in order.

        A repository can have several, because the next attempt retries one that failed.
        """
        last = {entry.repository_name: index for index, entry in enumerate(self.read()) if _is_outcome(entry)}
        for index, entry in enumerate(self.read()):
            if isinstance(entry, RepositoryOutcome) and last[entry.repository_name] == index:
                yield entry

    def clear(self) -> None:
        """Forget everything."""
        self._lines = []
        self._next = None
        self.segments.clear()

    def _texts(self) -> Iterator[str]:
        number = 0
        while (text := self.segments.read(number)) is not None:
            yield text
            number += 1


def _is_outcome(entry: Entry) -> bool:
    return isinstance(entry, RepositoryOutcome)


def _line(entry: Entry | AttemptBegun) -> str:
    kind = next(kind for kind, cls in _KINDS.items() if isinstance(entry, cls))
    return json.dumps({kind: {field.name: getattr(entry, field.name) for field in fields(entry)}})


def _entry(line: str) -> Entry | AttemptBegun:
    ((kind, values),) = json.loads(line).items()
    arguments: dict[str, Any] = values
    return _KINDS[kind](**arguments)
