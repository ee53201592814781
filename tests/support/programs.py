"""Programs that a test starts: when the wait for one ends, and what is left of it."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

LIMIT_SECONDS = 300
"""Only a guard against a program that hangs: a busy machine takes minutes."""


def raise_when(path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Raise an error from the wait for a program once it has written a file."""

    class Popen(subprocess.Popen[Any]):
        def wait(self, timeout: float | None = None) -> int:
            if timeout != LIMIT_SECONDS:
                return super().wait(timeout)
            deadline = time.monotonic() + LIMIT_SECONDS
            while self.poll() is None and not path.exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            raise error

    monkeypatch.setattr(subprocess, "Popen", Popen)


def running(pids: Path) -> list[int]:
    """Return which processes still run.

    :param pids: a file with the ids of processes as JSON.
    """
    return [pid for pid in json.loads(pids.read_text()) if psutil.pid_exists(pid)]
