"""The two clocks of the local ECR: the time in the registry, and a monotonic clock for durations."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """The time in the registry, which ages are based on, and a monotonic clock for durations.

    :param now: the time in the registry (aware), which then stands still; None for the real time.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self._begin = now
        self.reset()

    def reset(self) -> None:
        """Go back to the initial time."""
        self._advanced = timedelta()
        self._fixed: datetime | None = None
        if self._begin is not None:
            self.set(self._begin)

    def now(self) -> datetime:
        """Return the time in the registry."""
        if self._fixed is not None:
            return self._fixed + self._advanced
        return datetime.now(UTC) + self._advanced

    def set(self, now: datetime) -> None:
        """Set the time in the registry; it stands still from then on.

        :raises ValueError: if ``now`` has no time zone.
        """
        if now.tzinfo is None:
            raise ValueError(f"{now} has no time zone; write datetime(..., tzinfo=UTC).")
        self._fixed = now.astimezone(UTC) - self._advanced

    def monotonic(self) -> float:
        """Return monotonic seconds, to measure durations."""
        return time.monotonic() + self._advanced.total_seconds()

    def advance(self, duration: timedelta) -> None:
        """Move both clocks forward, so that no test needs to sleep."""
        self._advanced += duration
