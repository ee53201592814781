"""A clock for tests that moves only when code waits: minutes of retries take no time, and a slow machine changes nothing."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
import time
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import pytest
from botocore.retries.bucket import TokenBucket

from airflow_provider_ecr_preview.engine.fleet.jobs import JobQueue

PACKAGE = "airflow_provider_ecr_preview."
REAL = time.monotonic


class VirtualTime:
    """Stands for the clocks of the process: waiting moves it forward, and nothing else does."""

    def __init__(self) -> None:
        self.waited = 0.0
        self._lock = threading.Lock()
        self._monotonic = REAL()
        self._epoch = time.time()

    def advance(self, seconds: float = 0.0, *, timeout: float = 0.0) -> None:
        """Let time pass."""
        with self._lock:
            self.waited += max(seconds, timeout, 0.001)

    def monotonic(self) -> float:
        return self._monotonic + self.waited

    def time(self) -> float:
        return self._epoch + self.waited


def functions_of_the_package() -> Iterator[FunctionType]:
    """Yield the functions and methods of the product that have defaults."""
    for name, module in list(sys.modules.items()):
        if not name.startswith(PACKAGE) or name.startswith(PACKAGE + "local"):
            continue
        for member in list(vars(module).values()):
            if getattr(member, "__module__", None) != name:
                continue
            found = vars(member).values() if inspect.isclass(member) else [member]
            yield from (function for function in found if isinstance(function, FunctionType))


def install(monkeypatch: pytest.MonkeyPatch) -> VirtualTime:
    """Replace the clocks and the waits of the process.

    Threads that wait for each other without a time limit still do.
    """
    clock = VirtualTime()
    for function in functions_of_the_package():
        if REAL in (function.__defaults__ or ()):
            defaults = tuple(clock.monotonic if value is REAL else value for value in function.__defaults__ or ())
            monkeypatch.setattr(function, "__defaults__", defaults)
        for name, value in (function.__kwdefaults__ or {}).items():
            if value is REAL:
                monkeypatch.setitem(function.__kwdefaults__, name, clock.monotonic)  # type: ignore[arg-type]
    event_wait = threading.Event.wait

    def wait(event: threading.Event, timeout: float | None = None) -> bool:
        if timeout is None:
            return event_wait(event)
        clock.advance(timeout)
        return event.is_set()

    create_queue = JobQueue.__init__

    def create(queue: Any, *args: Any, **kwargs: Any) -> None:
        create_queue(queue, *args, **kwargs)
        # The only worker waits for nothing but the time.
        queue._changed.wait = clock.advance

    create_bucket = TokenBucket.__init__

    def bucket(tokens: Any, *args: Any, **kwargs: Any) -> None:
        create_bucket(tokens, *args, **kwargs)
        tokens._new_fill_rate_condition.wait = clock.advance

    async def sleep(seconds: float, *_: object) -> None:
        clock.advance(seconds)

    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    monkeypatch.setattr(time, "time", clock.time)
    monkeypatch.setattr(time, "sleep", clock.advance)
    monkeypatch.setattr(threading.Event, "wait", wait)
    monkeypatch.setattr(JobQueue, "__init__", create)
    monkeypatch.setattr(TokenBucket, "__init__", bucket)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return clock
