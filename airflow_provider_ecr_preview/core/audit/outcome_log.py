"""Record the progress of an audit for later attempts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Self

from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome, StartedPreview
from airflow_provider_ecr_preview.core.parts import PartedLines, Parts

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


class OutcomeLog:
    """The previews started and the outcomes known, in order.

    A part holds few entries, so little is lost if the process is killed.

    :param parts: the storage.
    :param clock: returns a running number of seconds.
    """

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept = PartedLines(parts)
        self._clock = clock
        self._lines: list[str] = []
        self._first_at = 0.0

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
        self._kept.write(self._lines)
        self._lines = []

    def read(self) -> Iterator[Entry]:
        """Yield all entries, including those of earlier attempts, holding one part in memory at a time."""
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
        yield from map(_entry, self._kept)

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
        self._kept.clear()


def _is_outcome(entry: Entry) -> bool:
    return isinstance(entry, RepositoryOutcome)


def _line(entry: Entry | AttemptBegun) -> str:
    kind = next(kind for kind, cls in _KINDS.items() if isinstance(entry, cls))
    return json.dumps({kind: {field.name: getattr(entry, field.name) for field in fields(entry)}})


def _entry(line: str) -> Entry | AttemptBegun:
    ((kind, values),) = json.loads(line).items()
    arguments: dict[str, Any] = values
    return _KINDS[kind](**arguments)
