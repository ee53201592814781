from __future__ import annotations

import inspect
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.seeds import seed_registry

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.stem for path in (ROOT / "example_dags").glob("*.py"))
"""The examples: each file has one DAG of the same name."""

RUN = """
import inspect, json, sys
try:
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
except ImportError:  # Airflow 3.1
    from airflow.models.dagbag import DagBag, sync_bag_to_db
from airflow.models.asset import AssetEvent
from airflow.models.dagbundle import DagBundleModel
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import select

path, dag_id, conf, approve = sys.argv[1:]
name = {"bundle_name": "examples"} if "bundle_name" in inspect.signature(DagBag).parameters else {}  # not in 3.1
bag = DagBag(path, bundle_path=path, **name)
assert not bag.import_errors, bag.import_errors
with create_session() as session:
    session.merge(DagBundleModel(name="examples"))
sync_bag_to_db(bag, "examples", None)
run = bag.dags[dag_id].test(run_conf=json.loads(conf), mark_success_pattern=approve or None)
tasks = {f"{ti.task_id}[{ti.map_index}]": ti.state for ti in run.get_task_instances()}
with create_session() as session:
    results = session.scalars(select(XComModel).where(XComModel.key == "return_value"))
    values = {f"{xcom.task_id}[{xcom.map_index}]": XComModel.deserialize_value(xcom) for xcom in results}
    events = [event.extra for event in session.scalars(select(AssetEvent))]
print("RESULT", json.dumps({"state": run.state, "tasks": tasks, "values": values, "events": events}))
"""

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
    """Return what makes the configuration that the trigger form of an example sends when nobody touches it."""
    return lambda dag_id: examples[dag_id].params.dump()


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of an Airflow in which nothing has run, to be copied; making its database takes seconds."""
    home = tmp_path_factory.mktemp("new-home")
    environment = {**os.environ, "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=environment, check=True, capture_output=True)
    return home


@pytest.fixture
def run_dag(local_ecr: LocalEcr, new_home: Path, tmp_path: Path) -> RunDag:
    """Return what runs a DAG in an Airflow of its own, and tells its state and those and the results of its tasks.

    Nobody is there to answer: ``approve`` is a regular expression for the tasks that are taken for approved.
    """
    environment = {
        **os.environ,
        **local_ecr.environment,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }

    def run(
        dag_id: str, conf: dict[str, Any] | None = None, folder: Path = ROOT / "example_dags", *, approve: str = ""
    ) -> dict[str, Any]:
        shutil.copy(new_home / "airflow.db", tmp_path)
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(folder), dag_id, json.dumps(conf or {}), approve],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        assert results, done.stdout[-3000:] + done.stderr[-3000:]
        result: dict[str, Any] = json.loads(results[0].removeprefix("RESULT "))
        return result | {"log": done.stdout + done.stderr}

    return run
