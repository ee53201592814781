"""A program with a limit of time leaves nothing running, whichever way it ends."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider_ecr_preview.local.program import run_python
from tests.support.programs import LIMIT_SECONDS, raise_when, running

FAMILY = """
import json, os, subprocess, sys, time
from pathlib import Path

sleep = ["sleep", "600"]
child = subprocess.Popen(sleep)
elsewhere = subprocess.Popen(sleep, start_new_session=True)
stranger = subprocess.Popen(sleep, env={"PATH": os.defpath}, start_new_session=True)
orphan = subprocess.run(["sh", "-c", "sleep 600 >/dev/null & echo $!"], stdout=subprocess.PIPE, check=True).stdout
written = Path(sys.argv[1])
written.with_suffix(".new").write_text(json.dumps([os.getpid(), child.pid, elsewhere.pid, stranger.pid, int(orphan)]))
written.with_suffix(".new").rename(written)
print("the family is there")
time.sleep(float(sys.argv[2]))
os._exit(7)
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., int | None]:
    environment = {"AIRFLOW_HOME": str(tmp_path)}
    return lambda *arguments, timeout=LIMIT_SECONDS: run_python(
        list(arguments), environment, tmp_path / "output.log", timeout
    )


def test_a_program_that_ends_gives_its_exit_code_and_its_output(run: Callable[..., int | None], tmp_path: Path) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3 if not sys.stdin.read() else 4)"
    assert run("-c", code) == 3
    assert (tmp_path / "output.log").read_text() == "out\nerr\n"


def test_a_program_that_hangs_is_killed_with_all_that_it_started(
    run: Callable[..., int | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = tmp_path / "pids.json"
    raise_when(pids, monkeypatch, subprocess.TimeoutExpired("program", LIMIT_SECONDS))
    assert run("-c", FAMILY, str(pids), "600") is None
    assert not running(pids)


def test_what_a_program_leaves_behind_is_killed_and_not_waited_for(
    run: Callable[..., int | None], tmp_path: Path
) -> None:
    code = FAMILY.replace(', env={"PATH": os.defpath}', "")
    pids = tmp_path / "pids.json"
    assert run("-c", code, str(pids), "0") == 7
    assert not running(pids)


def test_a_program_is_killed_when_the_test_is_interrupted(
    run: Callable[..., int | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = tmp_path / "pids.json"
    raise_when(pids, monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run("-c", FAMILY, str(pids), "600")
    assert not running(pids)


def test_a_limit_of_time_is_kept(run: Callable[..., int | None]) -> None:
    assert run("-c", "import time; time.sleep(600)", timeout=0.01) is None
