"""Fixtures to test your own DAGs.

In ``conftest.py``::

    pytest_plugins = ["airflow_provider_ecr_preview.local.pytest_plugin"]

In a test::

    def test_the_audit_changes_nothing(local_ecr, run_dag):
        local_ecr.create_repository("payments/api")
        local_ecr.push("payments/api", tags=["v1.0.0"], pushed_days_ago=400)
        assert run_dag("dags/my_audit.py").state == "success"
        assert not local_ecr.calls.mutating
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from airflow_provider_ecr_preview.local.program import run_python

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.local.ecr import LocalEcr


OTHER_SETTINGS = ("AWS_ENDPOINT_URL_ECR", "AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN")
"""Variables in a developer's environment that would divert calls elsewhere."""


_RUNNER = Path(__file__).with_name("dag_run.py")


_LOG_CHARACTERS = 5000


_SECONDS = 600
"""How long a run may take by default, and how long Airflow may take to make its database."""


_FINISHED = ("success", "failed", "skipped", "upstream_failed", "removed")


_OTHER_AIRFLOW = (
    "AIRFLOW_CONFIG",
    "AIRFLOW_HOME",
    "AIRFLOW__CORE__DAGS_FOLDER",
    "AIRFLOW__CORE__EXECUTOR",
    "AIRFLOW__DATABASE__",
    "AIRFLOW__DAG_PROCESSOR__",
    "AIRFLOW__SECRETS__",
    "AIRFLOW__WORKERS__SECRETS_BACKEND",
)
"""Variables that would lead to the database, DAGs or connections of another Airflow."""


@dataclass(frozen=True)
class DagRunResult:
    """The result of a run.

    :param state: the state of the run, such as ``success``.
    :param tasks: the state of every task by its id; for a mapped task, ``task_id[0]`` and so on.
    :param outputs: the return values of the tasks, by the same ids; a task that returned nothing is missing.
    :param log: the output of the run.
    """

    state: str
    tasks: Mapping[str, str]
    outputs: Mapping[str, Any]
    log: str = field(repr=False)


class RunDag(Protocol):
    """Runs a DAG."""

    def __call__(
        self,
        file: str | os.PathLike[str],
        dag_id: str | None = None,
        conf: Mapping[str, Any] | None = None,
        *,
        timeout: float = _SECONDS,
    ) -> DagRunResult:
        """Run a DAG in a new Airflow and return the result.

        :param file: the file that defines the DAG at its top level, relative to the working directory.
        :param dag_id: which DAG of the file; the only one if None.
        :param conf: the configuration of the run.
        :param timeout: how long the run may take, in seconds; after that, all its processes are killed.
        :raises pytest.fail.Exception: if the file cannot be imported or has no such DAG, or if the run does not end in time.
        :raises ValueError: if ``timeout`` is not a number above 0.
        """


@pytest.fixture(scope="session")
def local_ecr_server() -> Iterator[LocalEcr]:
    """Serve a local ECR for the whole run; every worker of pytest-xdist has its own."""
    # Import it here, so that test runs that do not need it do not wait for moto.
    from airflow_provider_ecr_preview.local.ecr import LocalEcr  # noqa: PLC0415

    with LocalEcr() as ecr:
        yield ecr


@pytest.fixture
def local_ecr(local_ecr_server: LocalEcr, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalEcr]:
    """Return the local ECR, empty, and make boto3, the AWS CLI and Airflow's ``aws_default`` connection use it."""
    local_ecr_server.reset()
    for name, value in local_ecr_server.environment.items():
        monkeypatch.setenv(name, value)
    for name in OTHER_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    yield local_ecr_server
    local_ecr_server.reset()


@pytest.fixture(scope="session")
def new_airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of an unused Airflow to copy, because creating its database takes seconds."""
    home = tmp_path_factory.mktemp("airflow")
    log = home / "output.log"
    exit_code = run_python(["-m", "airflow", "db", "migrate"], _environment(home), log, _SECONDS)
    if exit_code is None:
        pytest.fail(f"airflow db migrate did not end within {_SECONDS} s.{_end_of(log)}", pytrace=False)
    if exit_code:
        pytest.fail(f"airflow db migrate failed.{_end_of(log)}", pytrace=False)
    return home


@pytest.fixture
def run_dag(local_ecr: LocalEcr, new_airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDag:  # noqa: ARG001 - sets the environment
    """Return a function that runs a DAG against the local ECR, in a separate Airflow with a new database."""

    def run(
        file: str | os.PathLike[str],
        dag_id: str | None = None,
        conf: Mapping[str, Any] | None = None,
        *,
        timeout: float = _SECONDS,
    ) -> DagRunResult:
        if not isinstance(timeout, int | float) or not timeout > 0:
            raise ValueError(f"timeout is {timeout!r}; it must be a number of seconds above 0.")
        path = Path(file).resolve()
        if not path.is_file():
            pytest.fail(f"There is no file {path}.", pytrace=False)
        home = tmp_path_factory.mktemp("run-dag")
        # Its airflow.cfg stays behind: it has the path of its own database.
        shutil.copy(new_airflow_home / "airflow.db", home)
        environment = _environment(home)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(path.parent), *sys.path]))
        log, written = home / "output.log", home / "result.json"
        wanted = {"file": str(path), "dag_id": dag_id, "conf": dict(conf or {}), "result": str(written)}
        if run_python([str(_RUNNER), json.dumps(wanted)], environment, log, timeout) is None:
            pytest.fail(f"{_unfinished(home, path, dag_id, timeout)}{_end_of(log)}", pytrace=False)
        if not written.is_file():
            pytest.fail(f"The run of {path} ended without a result.{_end_of(log)}", pytrace=False)
        result = json.loads(written.read_text(encoding="utf-8"))
        return DagRunResult(result["state"], _by_name(result["tasks"]), _by_name(result["outputs"]), _text(log))

    return run


def _unfinished(home: Path, file: Path, dag_id: str | None, timeout: float) -> str:
    """Say which DAG did not end in time, and which of its tasks."""
    with closing(sqlite3.connect(home / "airflow.db")) as database:
        database.row_factory = sqlite3.Row
        rows = [dict(row) for row in database.execute("SELECT * FROM task_instance ORDER BY id")]
    # Airflow 3.4 has renamed the column of the map index.
    index_in = "map_index" if rows and "map_index" in rows[0] else "region_index"
    tasks = [(row["dag_id"], row["task_id"], row[index_in], row["state"]) for row in rows]
    name = dag_id or (tasks[0][0] if tasks else "")
    dag = f"The DAG {name} of {file}" if name else f"The DAG of {file}"
    left = [
        f"{task if index < 0 else f'{task}[{index}]'} ({state or 'not started'})"
        for _, task, index, state in tasks
        if state not in _FINISHED
    ]
    if left:
        which = f"Tasks that had not finished: {', '.join(left)}."
    elif tasks:
        which = "All its tasks had finished, but its process had not."
    else:
        which = "No task had started; look at the code at the top level of the file."
    return (
        f"{dag} did not end within {timeout:g} s; all its processes were killed. {which}\n"
        "If it needs more time, pass timeout= to run_dag."
    )


def _end_of(log: Path) -> str:
    return f"\nThe end of its log:\n{_text(log)[-_LOG_CHARACTERS:]}"


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OTHER_AIRFLOW)}
    return {**kept, "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}


def _by_name(entries: list[Any]) -> dict[str, Any]:
    return {name if index < 0 else f"{name}[{index}]": value for name, index, value in entries}
