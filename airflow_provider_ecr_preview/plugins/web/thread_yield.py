"""Let other threads of the process run, while one is busy in Python for long."""

from __future__ import annotations

import time
from threading import local

EVERY_SECONDS = 0.001


PAUSE_SECONDS = 0.00005


_thread = local()


def breathe() -> None:
    """Pause briefly if this thread has not done so in the last millisecond.

    Python hands its lock over every 5 milliseconds, and answering a request needs it dozens of times: next to one
    busy thread, an answer that takes 10 ms takes 200.
    """
    now = time.perf_counter()
    if now - getattr(_thread, "last", 0.0) > EVERY_SECONDS:
        time.sleep(PAUSE_SECONDS)
        _thread.last = time.perf_counter()
