"""Child processes that end with this one, with everything that they started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import psutil

_POLL_SECONDS = 0.2
_STOP_SECONDS = 6
_KILL_SECONDS = 60
_RUN_SECONDS = 900


class Interrupted(Exception):  # noqa: N818  # no error: somebody wants this to end
    """Raised while waiting, after a signal has asked for the end."""


class FailedError(Exception):
    """Raised when something does not go as it should.

    :param message: what happened.
    :param log: the log that says why, if there is one.
    """

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log


class Processes:
    """Child processes, a log file each.

    :param environment: their environment variables.
    :param logs: the folder of their logs.
    :param while_waiting: called every now and then.
    """

    def __init__(self, environment: dict[str, str], logs: Path, while_waiting: Callable[[], None]) -> None:
        self.environment = environment
        self._logs = logs
        self._while_waiting = while_waiting
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._lasting: set[str] = set()
        self._is_interrupted = False

    def __enter__(self) -> Self:
        # Noted here and raised while waiting, so that no child can be started and not remembered.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def run(self, name: str, command: Sequence[str]) -> None:
        """Run a process to its end.

        :param name: what to call it.
        :param command: the command.
        :raises FailedError: if it fails, or does not end in time.
        :raises Interrupted: if a signal asks for the end.
        """
        child = self._spawn(name, command)
        deadline = time.monotonic() + _RUN_SECONDS
        while child.poll() is None:
            if time.monotonic() > deadline:
                raise FailedError(f"The {name} did not end within {_RUN_SECONDS} s.", self.log(name))
            self.pause()
        if child.returncode:
            raise self._ended(name)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a process that goes on.

        :param name: what to call it.
        :param command: the command.
        """
        self._spawn(name, command)
        self._lasting.add(name)

    def pause(self) -> None:
        """Wait a moment.

        :raises FailedError: if a process has ended that should go on.
        :raises Interrupted: if a signal asks for the end.
        """
        time.sleep(_POLL_SECONDS)
        if self._is_interrupted:
            raise Interrupted
        for name in self._lasting:
            if self._children[name].poll() is not None:
                raise self._ended(name)
        self._while_waiting()

    def kill(self, name: str) -> None:
        """End a process that goes on, and all that it started, by SIGKILL.

        :param name: what it was called.
        """
        child = self._children[name]
        self._lasting.discard(name)
        for process in [*psutil.Process(child.pid).children(recursive=True), psutil.Process(child.pid)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        child.wait(_KILL_SECONDS)

    def log(self, name: str) -> Path:
        """Return the log of a process.

        :param name: what it was called.
        """
        return self._logs / f"{name}.log"

    def _spawn(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with self.log(name).open("wb") as log:
            # A session each: Ctrl-C in the terminal reaches us alone, and what a child starts can be found.
            self._children[name] = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self._children[name]

    def _ended(self, name: str) -> FailedError:
        return FailedError(f"The {name} ended with {self._children[name].returncode}.", self.log(name))

    def _interrupt(self, *_: object) -> None:
        self._is_interrupted = True

    def _stop(self) -> None:
        for child in self._children.values():
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while (left := list(self._left())) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        for child in self._children.values():
            child.wait(_KILL_SECONDS)

    def _left(self) -> Iterator[psutil.Process]:
        """Yield what is left of the children and of all that they started, also where its parent has gone."""
        sessions = {child.pid for child in self._children.values()}
        for process in psutil.process_iter():
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                if os.getsid(process.pid) in sessions and process.status() != psutil.STATUS_ZOMBIE:
                    yield process
