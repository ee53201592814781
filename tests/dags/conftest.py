from __future__ import annotations

import fcntl
import inspect
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.seeds import seed_registry

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.stem for path in (ROOT / "example_dags").glob("*.py"))
"""The examples: each file has one DAG of the same name."""

RUN_SECONDS = 500
"""Only a guard against a run that hangs: a busy machine takes minutes."""

RunDag = Callable[..., dict[str, Any]]


@pytest.fixture
def team_ecr(local_ecr: LocalEcr) -> LocalEcr:
    """Return the registry that ``make ui`` has, for which the defaults of the examples are meant."""
    seed_registry(local_ecr, "team", seed=0)
    local_ecr.preview_seconds = 0.5
    local_ecr.calls.clear()
    return local_ecr


@pytest.fixture(scope="session")
def examples() -> dict[str, DAG]:
    """Return the examples by their names."""
    try:
        from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415
    except ImportError:  # Airflow 3.1
        from airflow.models.dagbag import DagBag  # noqa: PLC0415
    name = {"bundle_name": "examples"} if "bundle_name" in inspect.signature(DagBag).parameters else {}
    folder = ROOT / "example_dags"
    bag = DagBag(folder, bundle_path=folder, **name)
    assert not bag.import_errors
    return dict(bag.dags)


@pytest.fixture
def untouched_form(examples: dict[str, DAG]) -> Callable[[str], dict[str, Any]]:
    """Return what makes the configuration that the trigger form of an example sends when nothing is changed in it."""
    return lambda dag_id: examples[dag_id].params.dump()


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of an Airflow in which nothing has run, to be copied; making its database takes seconds.

    All workers of one run share it: the folder above theirs is the run's.
    """
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    shared = tmp_path_factory.getbasetemp().parent if is_worker else tmp_path_factory.getbasetemp()
    home = shared / "new-home"
    with (shared / "new-home.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            made = tmp_path_factory.mktemp("new-home")
            environment = {**os.environ, "AIRFLOW_HOME": str(made), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
            migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
            subprocess.run(migrate, env=environment, check=True, capture_output=True)
            made.rename(home)
    return home


@pytest.fixture
def run_dag(local_ecr: LocalEcr, new_home: Path, tmp_path: Path) -> RunDag:
    """Return a function that runs a DAG in a separate Airflow, and returns its state and the states and results of its tasks.

    ``approve`` is a regular expression for the tasks that are taken for done, ``answers`` is what a person chooses by the
    id of the task that asks, ``again`` are tasks that are cleared and run once more at the end, and ``then`` is a DAG that
    is run after that, with its configuration, in which ``RUN_ID`` stands for the id of the first run.
    """
    environment = {
        **os.environ,
        **local_ecr.environment,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }

    def run(
        dag_id: str,
        conf: dict[str, Any] | None = None,
        folder: Path = ROOT / "example_dags",
        *,
        approve: str = "",
        answers: dict[str, str] | None = None,
        again: Sequence[str] = (),
        then: tuple[str, dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        shutil.copy(new_home / "airflow.db", tmp_path)
        wanted = {
            "folder": str(folder),
            "dag_id": dag_id,
            "conf": conf or {},
            "approve": approve,
            "answers": answers or {},
            "again": list(again),
            "then": then and {"dag_id": then[0], "conf": then[1]},
        }
        done = subprocess.run(
            [sys.executable, Path(__file__).with_name("dag_runner.py"), json.dumps(wanted)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_SECONDS,
        )
        results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        assert results, done.stdout[-3000:] + done.stderr[-3000:]
        result: dict[str, Any] = json.loads(results[0].removeprefix("RESULT "))
        return result | {"log": done.stdout + done.stderr}

    return run
