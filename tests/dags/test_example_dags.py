from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.seeds import seed_registry

ROOT = Path(__file__).parents[2]

RUN = """
import json, sys
try:
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
except ImportError:  # Airflow 3.1
    from airflow.models.dagbag import DagBag, sync_bag_to_db
from airflow.models.dagbundle import DagBundleModel
from airflow.utils.session import create_session

path, dag_id = sys.argv[1:]
bag = DagBag(path, bundle_path=path, bundle_name="examples")
assert not bag.import_errors, bag.import_errors
with create_session() as session:
    session.merge(DagBundleModel(name="examples"))
sync_bag_to_db(bag, "examples", None)
run = bag.dags[dag_id].test()
states = {f"{ti.task_id}[{ti.map_index}]": ti.state for ti in run.get_task_instances()}
print("RESULT", json.dumps({"state": run.state, "tasks": states}))
"""


@pytest.fixture
def team_ecr(local_ecr: LocalEcr) -> LocalEcr:
    """Return the registry that ``make ui`` has, for which the defaults of the examples are meant."""
    seed_registry(local_ecr, "team", seed=0)
    local_ecr.preview_seconds = 0.5
    return local_ecr


@pytest.mark.parametrize(
    ("dag_id", "expected"),
    [
        (
            "ecr_preview_single",
            {
                "start[-1]": "success",
                "wait[-1]": "success",
                "summarize[-1]": "success",
                "anything_to_look_at[-1]": "success",
                "list_digests[-1]": "success",
                "nothing_to_do[-1]": "skipped",
            },
        ),
        (
            "ecr_preview_deferrable",
            {"start[-1]": "success", "wait[-1]": "success", "summarize[-1]": "success"},
        ),
        (
            "ecr_preview_mapped",
            {
                "repositories[-1]": "success",
                "preview.start[0]": "success",
                "preview.start[1]": "success",
                "preview.start[2]": "success",
                "preview.summarize[0]": "success",
                "preview.summarize[1]": "success",
                "preview.summarize[2]": "success",
                "total[-1]": "success",
            },
        ),
    ],
)
def test_the_example_runs_with_its_defaults_in_airflow_against_the_registry_of_make_ui(
    team_ecr: LocalEcr, tmp_path: Path, dag_id: str, expected: dict[str, str]
) -> None:
    environment = {
        **os.environ,
        **team_ecr.environment,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=environment, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(ROOT / "example_dags"), dag_id],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert results, done.stdout[-3000:] + done.stderr[-3000:]
    assert json.loads(results[0].removeprefix("RESULT ")) == {"state": "success", "tasks": expected}
