"""The schedule of an audit, shared by the threads that work on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from airflow_provider_ecr_preview.engine.fleet.schedule import Job, RepositoryWork, Schedule

_LONGEST_WAIT = 1.0


class JobQueue:
    """Hands out jobs as they fall due, and makes threads wait in between.

    :param schedule: the schedule.
    :param stop: set when the threads must stop.
    :param clock: returns monotonic seconds.
    """

    def __init__(self, schedule: Schedule, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._schedule = schedule
        self._stop = stop
        self._clock = clock
        self._changed = threading.Condition()

    @property
    def in_flight_count(self) -> int:
        """Number of repositories that work has started on and that are not finished."""
        return self._schedule.in_flight_count

    @property
    def new_count(self) -> int:
        """Number of repositories that no work has started on."""
        return self._schedule.new_count

    def take(self) -> Job | None:
        """Return the next job as soon as it is due, or None when no more will follow."""
        with self._changed:
            while not self._stop.is_set() and not self._schedule.is_finished:
                now = self._clock()
                due = self._schedule.next(now)
                if isinstance(due, Job):
                    return due
                self._changed.wait(min(due - now, _LONGEST_WAIT))
            return None

    def put_started(self, work: RepositoryWork) -> None:
        """Add a repository whose preview has just started."""
        with self._changed:
            self._schedule.put_started(work)
            self._changed.notify()

    def put_again(self, job: Job, due: float) -> None:
        """Add a step to do later, or to repeat.

        :param job: the step.
        :param due: when to do it.
        """
        with self._changed:
            self._schedule.put_again(job, due)
            self._changed.notify()

    def learn(self, age: float, *, is_complete: bool) -> None:
        """Learn from the first visit of a preview.

        :param age: time since the start.
        :param is_complete: whether the preview was complete.
        """
        with self._changed:
            self._schedule.visit_time.learn(age, is_complete=is_complete)

    def finish(self) -> None:
        """Count a repository as finished."""
        with self._changed:
            self._schedule.finish()
            if self._schedule.is_finished:
                self._changed.notify_all()
            else:
                self._changed.notify()

    def stop(self) -> None:
        """Hand out no more jobs, and let the threads end."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
