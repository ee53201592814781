"""Learn from ECR's answers how fast one operation may be called.

ECR publishes no rate for the preview operations. The pace starts modestly and doubles until the first throttle. After
that, every accepted call raises it a little and every throttled call lowers it by more. It settles where about one call
in twenty-five is throttled, whatever the limit, the size of its bucket, and the other clients that draw from it.

botocore's own adaptive mode has one rate for all operations of a client, and recovers from zero after the first
throttle.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

INITIAL_RATE = 50.0


LOWEST_RATE = 1.0


_OPENING_RISE = 2.0


_SHARE_OF_RISE = 0.002


# Lets a very slow pace recover within a minute or two.
_LEAST_RISE = 0.01


_FIRST_CUT = 0.5


_CUT = 0.95


class Pace:
    """The pace of one operation, shared by all threads that call it.

    :param initial_rate: calls a second at the start.
    :param clock: returns monotonic seconds.
    """

    def __init__(self, initial_rate: float = INITIAL_RATE, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = initial_rate
        """The current pace, in calls a second."""
        self.accepted_count = 0
        self.throttled_count = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._next_at = clock()
        self._holds_back = False

    @property
    def call_count(self) -> int:
        """Number of calls that were answered."""
        return self.accepted_count + self.throttled_count

    @property
    def ready_at(self) -> float:
        """The time at which the next call may go."""
        return self._next_at

    def reserve(self) -> float:
        """Take the next slot, and return the time at which the call may go, now or later."""
        with self._lock:
            now = self._clock()
            interval = 1 / self.rate
            # A caller that is late by less than one interval does not move the following slots. Otherwise every late
            # wake-up would slow the pace.
            self._holds_back = now - self._next_at < interval
            slot = max(self._next_at, now - interval)
            self._next_at = slot + interval
            return slot

    def accepted(self) -> None:
        """Learn that a call was not throttled."""
        with self._lock:
            self.accepted_count += 1
            # Calls slower than the pace reveal nothing about the limit.
            if self._holds_back:
                self.rate += _SHARE_OF_RISE * self.rate + _LEAST_RISE if self.throttled_count else _OPENING_RISE

    def throttled(self) -> None:
        """Learn that a call was throttled."""
        with self._lock:
            self.rate = max(LOWEST_RATE, self.rate * (_CUT if self.throttled_count else _FIRST_CUT))
            self.throttled_count += 1
