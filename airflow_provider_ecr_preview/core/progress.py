"""Keep what a task has found out, so that its next attempt repeats only what was under way.

Entries of a task that only reads are no more than a shortcut: if they cannot be read or written, the task starts from the
beginning, and does not fail.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from airflow_provider_ecr_preview.core.journal import Journal

log = logging.getLogger(__name__)


MAX_ENTRIES = 10


MAX_SECONDS = 1.0


_BEGUN = "begun"


class Progress:
    """The entries that the attempts at the same work share.

    :param journal: the storage. Without a place, only this attempt can read it, so nothing is kept.
    :param settings: what the work depends on, as plain JSON. Entries of other settings are discarded.
    :param max_age: entries of work that began longer ago than this are discarded, in seconds.
    :param now: returns seconds since the epoch.
    """

    def __init__(
        self, journal: Journal, settings: object, max_age: float, now: Callable[[], float] = time.time
    ) -> None:
        self._journal = journal
        self._now = now
        self._pending: list[dict[str, Any]] = []
        self._first_at = 0.0
        self._is_kept = journal.place is not None
        self.began_at = now()
        """When the first of the attempts began, in seconds since the epoch."""
        self.is_continued = False
        """Whether an earlier attempt left entries."""
        self._settings = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()
        self._begin(max_age)

    @property
    def is_kept(self) -> bool:
        """Whether the next attempt can read the entries."""
        return self._is_kept

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the entries of all attempts in order, each with the time ``at`` which it was written."""
        self.flush()
        try:
            for entry in self._journal.read() if self._is_kept else ():
                if _BEGUN not in entry:
                    yield entry
        except Exception:  # storage fails in many ways
            log.warning("The progress of earlier attempts cannot be read from %s.", self._journal.place, exc_info=True)

    def write(self, entry: Mapping[str, Any]) -> None:
        """Add an entry. A few entries are written together, so the last ones may be lost if the process is killed."""
        if not self._is_kept:
            return
        now = self._now()
        if not self._pending:
            self._first_at = now
        self._pending.append({**entry, "at": now})
        if len(self._pending) >= MAX_ENTRIES or now - self._first_at >= MAX_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write all pending entries."""
        pending, self._pending = self._pending, []
        self._try(lambda: self._journal.write(pending))

    def clear(self) -> None:
        """Discard all entries: the work is complete."""
        self._pending = []
        self._try(self._journal.clear)

    def start_over(self) -> None:
        """Discard all entries, and keep the next ones."""
        self.clear()
        self._write_begun()

    def _begin(self, max_age: float) -> None:
        if not self._is_kept:
            return
        begun: dict[str, Any] | None = None
        try:
            begun = next(iter(self._journal.read()), None)
        except Exception:  # as above
            # What is there may be of other settings.
            self._is_kept = False
            log.warning("The progress of earlier attempts cannot be read from %s.", self._journal.place, exc_info=True)
            return
        if begun is not None and begun.get(_BEGUN) == self._settings and self.began_at - begun["at"] <= max_age:
            self.began_at, self.is_continued = begun["at"], True
            return
        if begun is not None:
            self.clear()
        self._write_begun()

    def _write_begun(self) -> None:
        self._try(lambda: self._journal.write([{_BEGUN: self._settings, "at": self.began_at}]))

    def _try(self, change: Callable[[], None]) -> None:
        if not self._is_kept:
            return
        try:
            change()
        except Exception:  # as above
            self._is_kept = False
            log.warning(
                "The progress of this task cannot be kept in %s. If the task is killed, its next attempt starts from the "
                "beginning.",
                self._journal.place,
                exc_info=True,
            )
