"""The progress of an audit, for whoever waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class FleetProgress:
    """The progress of an audit.

    :param total: number of repositories.
    :param done: those that are finished, with any outcome, including those finished before this run.
    :param failed: those that failed in this run.
    :param in_flight: those whose preview was started but not read yet.
    :param images: number of affected images read.
    :param calls: number of calls of AWS.
    :param throttled: number of calls that were throttled.
    :param elapsed_seconds: time since the start of this run.
    :param remaining_seconds: estimate of the time to the end; None while there is too little to go on.
    """

    total: int
    done: int
    failed: int
    in_flight: int
    images: int
    calls: int
    throttled: int
    elapsed_seconds: float
    remaining_seconds: float | None

    @property
    def images_per_second(self) -> float:
        """Affected images read per second, on average."""
        return self.images / self.elapsed_seconds if self.elapsed_seconds > 0 else 0.0

    def __str__(self) -> str:
        to_go = (
            ""
            if self.remaining_seconds is None
            else f", about {timedelta(seconds=round(self.remaining_seconds))} to go"
        )
        return (
            f"{self.done} of {self.total} repositories done ({self.failed} failed, {self.in_flight} in progress), "
            f"{self.images} images, {self.images_per_second:.0f} a second, {self.calls} calls "
            f"({self.throttled} throttled){to_go}"
        )


def remaining_seconds(todo: int, started: int, finished: int, elapsed_seconds: float) -> float | None:
    """Return an estimate of the time to the end.

    A start counts as half a repository. All previews start before the first finishes, so the estimate would otherwise
    be infinite until then.

    :param todo: number of repositories of this run.
    :param started: those that work has started on.
    :param finished: those that are finished.
    :param elapsed_seconds: time since the start of this run.
    """
    steps = started + finished
    return (2 * todo - steps) * elapsed_seconds / steps if steps else None
