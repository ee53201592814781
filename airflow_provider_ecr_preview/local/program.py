"""Run a program within a limit of time, and leave nothing of it running."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

_MARK = "AIRFLOW_HOME"
"""The variable whose value is unique to a program: its processes inherit it, wherever they move."""


_END_SECONDS = 30
"""How long a killed process may take to disappear."""


def run_python(arguments: list[str], environment: Mapping[str, str], log: Path, timeout: float) -> int | None:
    """Run this Python and kill every process that it leaves behind.

    :param arguments: the arguments of Python.
    :param environment: the environment variables; ``AIRFLOW_HOME`` must be a folder that no other program uses.
    :param log: the file to write the output to.
    :param timeout: how long it may run, in seconds.
    :return: the exit code, or None if it did not end in time.
    """
    # Unbuffered, so that the log of a killed program is complete.
    unbuffered = {**environment, "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as output:
        # A file and not a pipe: a process that is left behind would keep the pipe open.
        program = subprocess.Popen(
            [sys.executable, *arguments],
            env=unbuffered,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    process = psutil.Process(program.pid)
    try:
        return program.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _kill_all(process, environment[_MARK])
        program.wait(_END_SECONDS)


def _kill_all(program: psutil.Process, mark: str) -> None:
    found: set[psutil.Process] = set()
    # Stop all of them before killing the first: a stopped process starts no other, and a killed one loses its children.
    while new := set(_processes(program, mark)) - found:
        for process in new:
            with suppress(psutil.Error):
                process.suspend()
        found |= new
    for process in found:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(found - {program}, timeout=_END_SECONDS)


def _processes(program: psutil.Process, mark: str) -> Iterator[psutil.Process]:
    """Yield a program and what it started, also what has lost its parent."""
    with suppress(psutil.NoSuchProcess):
        started = program.children(recursive=True)
        yield program
        yield from started
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(_MARK) == mark:
                yield process
