"""Distinguish an outage from a fault of one repository, and pause the whole fleet until it ends."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from airflow_provider_ecr_preview.aws.retries import NEVER_ANSWERED_SECONDS, OUTAGE_SECONDS

log = logging.getLogger(__name__)


FIRST_PAUSE = 0.5


LONGEST_PAUSE = 5.0


LOG_INTERVAL = 30.0


_VICTIMS = 2
"""This many repositories must fail in a row to count as an outage."""


class Outage:
    """Tracks from the calls of a fleet whether ECR is down. All threads share it.

    :param unfinished: returns the number of unfinished repositories. If only one is left, its failures alone count as
        an outage, because no other can show that ECR answers.
    :param seconds: how long an outage may last.
    :param is_known: whether the endpoint has answered before. An unknown one may be a typo, so it is given up within seconds.
    :param clock: returns monotonic seconds.
    """

    def __init__(
        self,
        *,
        unfinished: Callable[[], int] = lambda: _VICTIMS,
        seconds: float = OUTAGE_SECONDS,
        is_known: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._unfinished = unfinished
        self._seconds = seconds
        self._created_at = clock()
        self._clock = clock
        self._lock = threading.Lock()
        self._answered_at: float | None = None
        self._is_known = is_known
        self._victims: dict[str, float] = {}
        self._began_at: float | None = None
        self._probe_at = 0.0
        self._pause = FIRST_PAUSE
        self._logged_at = 0.0
        self.last_error = ""
        """The error of the last call that got no answer."""

    @property
    def is_on(self) -> bool:
        """Whether every call currently fails."""
        return self._began_at is not None

    def answered(self) -> None:
        """Record that a call was answered, whatever the answer."""
        with self._lock:
            now = self._clock()
            if self._began_at is not None:
                log.info("ECR answers again after %.0f s. The task goes on.", now - self._began_at)
            self._answered_at, self._began_at, self._pause = now, None, FIRST_PAUSE
            self._is_known = True
            self._victims.clear()

    def failed(self, repository_name: str, error: object, *, is_served: bool = False) -> bool:
        """Record that a call got no answer, and return whether only this repository is at fault.

        :param repository_name: the repository.
        :param error: what happened, for the log.
        :param is_served: whether a server responded, with an HTTP status such as 503.
        """
        with self._lock:
            self._is_known = self._is_known or is_served
            now = self._clock()
            is_new = repository_name not in self._victims
            self._victims.setdefault(repository_name, now)
            self.last_error = str(error)
            if len(self._victims) >= min(_VICTIMS, self._unfinished()):
                self._begin_or_go_on(now, error)
            # The first failure since an answer may be the repository's own; after that, others must succeed in between.
            return is_new or (not self.is_on and self._answered_at is not None)

    def pause(self) -> float:
        """Return how many seconds to wait before the next call; 0 to call now, which one thread at a time does."""
        with self._lock:
            if self._began_at is None:
                return 0.0
            now = self._clock()
            if now >= self._probe_at:
                self._probe_at = now + self._pause
                self._pause = min(self._pause * 2, LONGEST_PAUSE)
                return 0.0
            return self._probe_at - now

    def is_over_limit(self) -> bool:
        """Return whether the outage has lasted too long to keep waiting."""
        with self._lock:
            if self._began_at is None:
                return False
            if not self._is_known:
                return self._clock() - self._created_at >= min(self._seconds, NEVER_ANSWERED_SECONDS)
            return self._clock() - self._began_at >= self._seconds

    def _begin_or_go_on(self, now: float, error: object) -> None:
        if self._began_at is None:
            # It began with the first failure, including calls that timed out.
            self._began_at = min(self._victims.values())
            self._probe_at = now + self._pause
            self._logged_at = now
            limit = self._seconds if self._is_known else min(self._seconds, NEVER_ANSWERED_SECONDS)
            if limit > 0:
                log.warning("Every call fails: %s The task pauses and tries again, for up to %.0f s.", error, limit)
        elif now - self._logged_at >= LOG_INTERVAL:
            self._logged_at = now
            log.warning("Every call has failed for %.0f s: %s", now - self._began_at, error)
