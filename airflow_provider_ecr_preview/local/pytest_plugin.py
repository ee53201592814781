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
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.local.ecr import LocalEcr


OTHER_SETTINGS = ("AWS_ENDPOINT_URL_ECR", "AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN")
"""Variables in a developer's environment that would divert calls elsewhere."""


_RUNNER = Path(__file__).with_name("dag_run.py")


_RESULT = "RESULT "


_LOG_CHARACTERS = 5000


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
        self, file: str | os.PathLike[str], dag_id: str | None = None, conf: Mapping[str, Any] | None = None
    ) -> DagRunResult:
        """Run a DAG in a new Airflow and return the result.

        :param file: the file that defines the DAG at its top level, relative to the working directory.
        :param dag_id: which DAG of the file; the only one if None.
        :param conf: the configuration of the run.
        :raises pytest.fail.Exception: if the file cannot be imported or has no such DAG.
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
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    done = subprocess.run(command, env=_environment(home), check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"airflow db migrate failed:\n{(done.stdout + done.stderr)[-_LOG_CHARACTERS:]}", pytrace=False)
    return home


@pytest.fixture
def run_dag(local_ecr: LocalEcr, new_airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDag:  # noqa: ARG001 - sets the environment
    """Return a function that runs a DAG against the local ECR, in a separate Airflow with a new database."""

    def run(
        file: str | os.PathLike[str], dag_id: str | None = None, conf: Mapping[str, Any] | None = None
    ) -> DagRunResult:
        path = Path(file).resolve()
        if not path.is_file():
            pytest.fail(f"There is no file {path}.", pytrace=False)
        home = tmp_path_factory.mktemp("run-dag")
        shutil.copytree(new_airflow_home, home, dirs_exist_ok=True)
        environment = _environment(home)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(path.parent), *sys.path]))
        wanted = {"file": str(path), "dag_id": dag_id, "conf": dict(conf or {})}
        done = subprocess.run(
            [sys.executable, str(_RUNNER), json.dumps(wanted)],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        log = done.stdout + done.stderr
        results = [line for line in done.stdout.splitlines() if line.startswith(_RESULT)]
        if not results:
            pytest.fail(log[-_LOG_CHARACTERS:], pytrace=False)
        result = json.loads(results[-1].removeprefix(_RESULT))
        return DagRunResult(result["state"], _by_name(result["tasks"]), _by_name(result["outputs"]), log)

    return run


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OTHER_AIRFLOW)}
    return {**kept, "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}


def _by_name(entries: list[Any]) -> dict[str, Any]:
    return {name if index < 0 else f"{name}[{index}]": value for name, index, value in entries}
