"""The fixture ``run_dag``: what a run that does not end in time leaves, and what its message says."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.local.pytest_plugin import RunDag, _unfinished
from tests.support.programs import LIMIT_SECONDS, raise_when, running

FILE = Path("/dags/my_audit.py")

HANGS = """
import json, os, subprocess, time
from airflow.sdk import dag, task

@task
def prepare():
    return 1

@task
def hang(value):
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    with open({pids!r} + ".new", "w") as file:
        json.dump([os.getpid(), child.pid], file)
    print("waits for ever", flush=True)
    os.rename({pids!r} + ".new", {pids!r})
    time.sleep(600)

@task
def report():
    pass

@dag
def it_hangs():
    hang(prepare()) >> report()

it_hangs()
"""


@pytest.fixture
def new_airflow_home(new_home: Path) -> Path:
    """Return the home that the other tests use, too."""
    return new_home


@pytest.fixture
def home(tmp_path: Path) -> Callable[..., Path]:
    """Return what makes the home of an Airflow with task instances."""

    def make(*tasks: tuple[str, int, str | None]) -> Path:
        with closing(sqlite3.connect(tmp_path / "airflow.db")) as database, database:
            database.execute("CREATE TABLE task_instance (id, dag_id, task_id, map_index, state)")
            rows = [(number, "my_audit", *task) for number, task in enumerate(tasks)]
            database.executemany("INSERT INTO task_instance VALUES (?, ?, ?, ?, ?)", rows)
        return tmp_path

    return make


def test_the_message_names_the_dag_and_the_tasks_that_had_not_finished(home: Callable[..., Path]) -> None:
    tasks = home(("plan", -1, "success"), ("start", 0, "running"), ("start", 1, "failed"), ("merge", -1, None))
    message = _unfinished(tasks, FILE, None, 600)
    assert message == (
        "The DAG my_audit of /dags/my_audit.py did not end within 600 s; all its processes were killed. "
        "Tasks that had not finished: start[0] (running), merge (not started).\n"
        "If it needs more time, pass timeout= to run_dag."
    )


@pytest.mark.parametrize(("dag_id", "named"), [("my_audit", "The DAG my_audit of"), (None, "The DAG of")])
def test_the_message_says_that_no_task_had_started(home: Callable[..., Path], dag_id: str | None, named: str) -> None:
    message = _unfinished(home(), FILE, dag_id, 0.5)
    assert message.startswith(
        f"{named} /dags/my_audit.py did not end within 0.5 s; all its processes were killed. No task"
    )


def test_the_message_says_that_only_the_process_had_not_ended(home: Callable[..., Path]) -> None:
    assert "All its tasks had finished, but its process had not." in _unfinished(
        home(("plan", -1, "skipped")), FILE, None, 600
    )


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), None, "600"])
def test_a_timeout_that_is_no_time_is_refused(run_dag: RunDag, timeout: Any) -> None:
    with pytest.raises(ValueError, match=r"^timeout is .*; it must be a number of seconds above 0\.$"):
        run_dag("no_such_file.py", timeout=timeout)


def test_a_run_that_does_not_end_in_time_fails_the_test(run_dag: RunDag, tmp_path: Path) -> None:
    file = tmp_path / "slow_to_import.py"
    file.write_text("import time; time.sleep(600)")
    with pytest.raises(pytest.fail.Exception, match=r"The DAG of \S+ did not end within 0.01 s.* No task had started;"):
        run_dag(file, timeout=0.01)


@pytest.mark.nightly
def test_a_dag_that_hangs_fails_the_test_and_is_killed(
    run_dag: RunDag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = tmp_path / "pids.json"
    file = tmp_path / "it_hangs.py"
    file.write_text(HANGS.format(pids=str(pids)))
    raise_when(pids, monkeypatch, subprocess.TimeoutExpired("program", LIMIT_SECONDS))
    with pytest.raises(pytest.fail.Exception) as raised:
        run_dag(file, timeout=LIMIT_SECONDS)
    message = str(raised.value)
    assert message.startswith(
        f"The DAG it_hangs of {file} did not end within 300 s; all its processes were killed. "
        "Tasks that had not finished: hang (running), report (not started).\n"
    )
    assert "waits for ever" in message
    assert not running(pids)


@pytest.mark.nightly
def test_a_run_gives_its_states_outputs_and_log(run_dag: RunDag, tmp_path: Path) -> None:
    file = tmp_path / "it_hangs.py"
    file.write_text(HANGS.format(pids=str(tmp_path / "pids.json")).replace("time.sleep(600)", "return value"))
    result = run_dag(file)
    assert (result.state, result.tasks["report"], result.outputs["hang"]) == ("success", "success", 1)
    assert "waits for ever" in result.log
    assert not running(tmp_path / "pids.json")
    file.write_text(file.read_text().replace("prepare())", "3)"))
    assert set(run_dag(file).outputs) == {"hang"}, "The second run must not see the first."


@pytest.mark.nightly
def test_a_file_that_cannot_be_imported_fails_the_test(run_dag: RunDag, tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text("import no_such_module")
    with pytest.raises(pytest.fail.Exception, match=r"(?s)ended without a result.*broken.py cannot be imported:"):
        run_dag(file)
