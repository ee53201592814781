"""Clean-ups that run side by side, one step at a time, in an order that a seed determines."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

from airflow_provider_ecr_preview.local import Call, Fault, Registry
from tests.operators.cleanup.worlds.spec import KillSpec

LIMIT_SECONDS = 600
"""As long as a whole test may take: only a guard against a worker that hangs."""


class KilledError(BaseException):
    """Unwinds the thread of a worker that was killed, when the world is over."""


def _take(turn: threading.Semaphore) -> None:
    if not turn.acquire(timeout=LIMIT_SECONDS):
        raise TimeoutError(f"No worker gave its turn away within {LIMIT_SECONDS} s.")


class Worker:
    """A worker that runs one attempt, and waits before each of its calls until it is its turn.

    :param work: runs the attempt.
    :param kill: when it dies.
    :param on_stop: tells the attempt to stop.
    """

    def __init__(self, work: Callable[[], Any], kill: KillSpec | None, on_stop: Callable[[], None]) -> None:
        self.kill = kill
        self.on_stop = on_stop
        self.calls = 0
        self.is_killed = False
        self.has_ended = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.turn = threading.Semaphore(0)
        self.back = threading.Semaphore(0)
        self._work = work
        self.thread = threading.Thread(target=self._run, daemon=True)

    def step(self) -> None:
        """Let it go on to its next call, or to its end."""
        if not self.thread.is_alive() and not self.has_ended:
            self.thread.start()
        self.turn.release()
        _take(self.back)

    def bury(self) -> None:
        """End the thread of a killed worker; nothing that it does any more is looked at."""
        if self.is_killed:
            self.turn.release()
            self.thread.join(LIMIT_SECONDS)

    def pause(self) -> None:
        """Wait for the next turn."""
        self.back.release()
        _take(self.turn)

    def die(self) -> None:
        """Be killed here: no code of the attempt runs any more."""
        self.is_killed = self.has_ended = True
        self.pause()
        raise KilledError

    def _run(self) -> None:
        _take(self.turn)
        try:
            self.result = self._work()
        except KilledError:
            return
        except BaseException as error:  # noqa: BLE001 - the world judges it
            self.error = error
        finally:
            self.has_ended = True
            if not self.is_killed:
                self.back.release()


class Gate(Fault):
    """Stops each worker at its calls, and kills it where that is due.

    :param workers: the workers by thread.
    """

    def __init__(self, workers: dict[int, Worker]) -> None:
        self._workers = workers

    def before(self, call: Call, registry: Registry) -> None:
        worker = self._workers.get(threading.get_ident())
        if worker is None:
            return
        if worker.is_killed:
            raise KilledError
        worker.pause()
        if worker.kill is not None and worker.calls == worker.kill.call:
            if worker.kill.when == "before":
                worker.die()
            elif worker.kill.when == "stop":
                worker.on_stop()
        worker.calls += 1


class Death(Fault):
    """Kills a worker after a call had its effect, and before its reply comes. To be injected after all others.

    :param workers: the workers by thread.
    """

    def __init__(self, workers: dict[int, Worker]) -> None:
        self._workers = workers

    def after(self, call: Call, registry: Registry, reply: Any) -> Any:
        worker = self._workers.get(threading.get_ident())
        kill = None if worker is None else worker.kill
        if worker is not None and kill is not None and kill.when == "after" and worker.calls == kill.call + 1:
            worker.die()
        return reply


def in_turns(seed: int, workers: list[Worker], next_of: Callable[[Worker], Worker | None]) -> None:
    """Let workers run in turns until all have ended.

    :param seed: determines whose turn it is.
    :param workers: the first attempts.
    :param next_of: returns the next attempt after one that has ended, if there is one.
    """
    rng = random.Random(seed)
    active = [*workers]
    while active:
        worker = rng.choice(active) if len(active) > 1 else active[0]
        worker.step()
        if worker.has_ended:
            active.remove(worker)
            if (follower := next_of(worker)) is not None:
                active.append(follower)
