"""How long to wait before something is tried again, and when to give up."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_DELAY_SECONDS = 20.0


MAX_THROTTLED = 20


MAX_FAILURES = 4


_DOUBLINGS = 8
"""More doublings would exceed the longest delay from any useful start."""


@dataclass
class Backoff:
    """Waits longer each time, with full jitter, so that many workers do not retry at the same moment.

    :param seconds: the total time to keep trying.
    :param wait: waits for a number of seconds, and returns whether it was asked to stop in the meantime.
    :param base: the first delay is at most twice as long, in seconds.
    :param clock: returns a running number of seconds.
    :param jitter: returns a number from 0 to 1.
    """

    seconds: float
    wait: Callable[[float], bool]
    base: float = 0.5
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    _begun_at: float | None = field(default=None, init=False)
    _tries: int = field(default=0, init=False)
    _failures: int = field(default=0, init=False)

    def again(self, *, throttled: bool) -> bool:
        """Wait, and return whether to try again.

        :param throttled: whether the call was throttled; other failures are retried less often.
        :return: False if the time or the tries are used up, or a stop was requested.
        """
        now = self.clock()
        if self._begun_at is None:
            self._begun_at = now
        self._tries += 1
        self._failures += not throttled
        delay = min(MAX_DELAY_SECONDS, self.base * 2 ** min(self._tries, _DOUBLINGS)) * max(self.jitter(), 0.1)
        if self._failures > MAX_FAILURES or self._tries > MAX_THROTTLED or now + delay - self._begun_at > self.seconds:
            return False
        return not self.wait(delay)
