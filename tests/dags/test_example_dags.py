from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_ecr_preview.local import LocalEcr

ROOT = Path(__file__).parents[2]

RUN = """
import json, sys
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.dagbundle import DagBundleModel
from airflow.utils.session import create_session

path, dag_id, conf = sys.argv[1:]
bag = DagBag(path, bundle_path=path, bundle_name="examples")
assert not bag.import_errors, bag.import_errors
with create_session() as session:
    session.merge(DagBundleModel(name="examples"))
sync_bag_to_db(bag, "examples", None)
run = bag.dags[dag_id].test(run_conf=json.loads(conf))
states = {f"{ti.task_id}[{ti.map_index}]": ti.state for ti in run.get_task_instances()}
print("RESULT", json.dumps({"state": run.state, "tasks": states}))
"""


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
                "preview.summarize[0]": "success",
                "preview.summarize[1]": "success",
                "total[-1]": "success",
            },
        ),
    ],
)
def test_the_example_runs_in_airflow_against_the_local_ecr(
    local_ecr: LocalEcr, tmp_path: Path, dag_id: str, expected: dict[str, str]
) -> None:
    for repository in ("payments/api", "payments/worker"):
        local_ecr.create_repository(repository)
        local_ecr.push_many(repository, 30, oldest_days_ago=300)
        local_ecr.put_policy(
            repository,
            {
                "rules": [
                    {
                        "rulePriority": 1,
                        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10},
                        "action": {"type": "expire"},
                    }
                ]
            },
        )
    local_ecr.preview_seconds = 0.5
    conf = {"ecr_preview_mapped": {"repositories": ["payments/api", "payments/worker"]}}.get(dag_id, {})
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=environment, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(ROOT / "example_dags"), dag_id, json.dumps(conf)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert results, done.stdout[-3000:] + done.stderr[-3000:]
    assert json.loads(results[0].removeprefix("RESULT ")) == {"state": "success", "tasks": expected}
