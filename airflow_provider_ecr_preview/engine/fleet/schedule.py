"""Decide what to do next with a fleet of previews: which to start, which to visit, and when.

All previews are started first, as far as the bound allows, and collected in the order of their start, so that most are
complete at their first visit. Nothing here makes calls or waits; callers hold a lock while they use it.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from airflow_provider_ecr_preview.aws.errors import CallSite
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.engine.fleet.pace import Pace

Step = Literal["start", "visit"]


_LATER = 1.25


_SOONER = 0.995


_SOONEST_VISIT = 0.05


_REVISIT_SHARE_OF_AGE = 0.3


_LEAST_REVISIT_SECONDS = 0.25


@dataclass(slots=True, eq=False)
class RepositoryWork:
    """One repository on its way through an audit.

    :param site: the repository.
    :param policy: the policy to preview; None for the applied one.
    :param policy_fingerprint: the policy that the preview must be of, once it is known.
    :param started_at: when the preview was started.
    :param deadline: when to give up; set at the first step.
    :param attached: whether a preview was already running; it may be ours or one of another policy.
    :param faults: number of interrupted calls in a row.
    :param restarts: how often the preview was lost and restarted.
    :param visits: how often the preview was visited since its start.
    :param preview_calls: number of Start- and GetLifecyclePolicyPreview calls.
    """

    site: CallSite
    policy: LifecyclePolicy | None = None
    policy_fingerprint: str | None = None
    started_at: float = 0.0
    deadline: float = math.inf
    attached: bool = False
    faults: int = 0
    restarts: int = 0
    visits: int = 0
    preview_calls: int = 0


class Job(NamedTuple):
    """A step that is due, with its slot in the operation's pace reserved."""

    step: Step
    work: RepositoryWork


class VisitTime:
    """Learns from the duration of previews how long after its start to visit a preview for the first time.

    A visit that comes too soon raises the time by a quarter; one that finds a complete preview lowers it by half a
    percent. So about one visit in fifty comes too soon.

    :param seconds: the initial time.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = max(seconds, _SOONEST_VISIT)

    def learn(self, age: float, *, is_complete: bool) -> None:
        """Learn from the first visit of a preview.

        :param age: time since the start.
        :param is_complete: whether the preview was complete.
        """
        if not is_complete:
            # Use the age, not the current value, which other visits may have just raised. One extremely slow preview
            # must not hold back all others.
            self.seconds = max(self.seconds, _LATER * min(age, 2 * self.seconds))
        elif age < _LATER * self.seconds:  # a visit that was late for other reasons proves nothing
            self.seconds = max(_SOONER * self.seconds, _SOONEST_VISIT)


class Schedule:
    """The order of the steps.

    :param works: the repositories whose preview to start, in order.
    :param started: those whose preview was started earlier, the oldest first.
    :param start_pace: pace of StartLifecyclePolicyPreview.
    :param visit_pace: pace of GetLifecyclePolicyPreview.
    :param visit_time: when to visit a preview for the first time.
    :param max_in_flight: number of previews that may be started but not yet read.
    """

    def __init__(
        self,
        works: Iterable[RepositoryWork],
        started: Iterable[RepositoryWork] = (),
        *,
        start_pace: Pace,
        visit_pace: Pace,
        visit_time: VisitTime,
        max_in_flight: int,
    ) -> None:
        self.visit_time = visit_time
        self._new = deque(works)
        self._unvisited = deque(started)
        self._in_flight = len(self._unvisited)
        self._max_in_flight = max_in_flight
        self._again: dict[Step, list[tuple[float, int, RepositoryWork]]] = {"start": [], "visit": []}
        self._paces: dict[Step, Pace] = {"start": start_pace, "visit": visit_pace}
        self._serials = itertools.count()

    @property
    def new_count(self) -> int:
        """Number of repositories that no work has started on."""
        return len(self._new)

    @property
    def in_flight_count(self) -> int:
        """Number of repositories that work has started on and that are not finished."""
        return self._in_flight

    @property
    def is_finished(self) -> bool:
        """Whether every repository is finished."""
        return not self._new and not self._in_flight

    def next(self, now: float) -> Job | float:
        """Return the step that is due, or the time at which to check again.

        When both are due, a start goes before a visit. Otherwise the last starts would wait behind the visits, and the
        whole audit would wait for the last previews. A pace that holds back starts does not hold back visits.

        :param now: the current time.
        """
        soonest = math.inf
        for step in ("start", "visit"):
            due = max(self._due(step), self._paces[step].ready_at)
            if due <= now:
                self._paces[step].reserve()
                return Job(step, self._take(step, now))
            soonest = min(soonest, due)
        return soonest

    def put_started(self, work: RepositoryWork) -> None:
        """Add a repository whose preview has just started, to visit it in its turn."""
        self._unvisited.append(work)

    def put_again(self, job: Job, due: float) -> None:
        """Add a step to do later, or to repeat.

        :param job: the step.
        :param due: when to do it.
        """
        heapq.heappush(self._again[job.step], (due, next(self._serials), job.work))

    def finish(self) -> None:
        """Count a repository as finished; it is no longer in the schedule."""
        self._in_flight -= 1

    def _due(self, step: Step) -> float:
        again = self._again[step]
        return min(again[0][0] if again else math.inf, self._fresh_due(step))

    def _fresh_due(self, step: Step) -> float:
        if step == "start":
            return -math.inf if self._new and self._in_flight < self._max_in_flight else math.inf
        return self._unvisited[0].started_at + self.visit_time.seconds if self._unvisited else math.inf

    def _take(self, step: Step, now: float) -> RepositoryWork:
        if (again := self._again[step]) and again[0][0] <= now:
            return heapq.heappop(again)[2]
        if step == "visit":
            return self._unvisited.popleft()
        self._in_flight += 1
        return self._new.popleft()


def revisit_after(age: float) -> float:
    """Return how long to wait before revisiting an incomplete preview of the given age."""
    return max(_LEAST_REVISIT_SECONDS, _REVISIT_SHARE_OF_AGE * age)
