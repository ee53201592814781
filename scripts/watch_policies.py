"""Change a policy of the local ECR, and measure how long a real Airflow takes to report who did it: ``python scripts/watch_policies.py``.

The example runs unchanged but for its form: it gets a folder of policies, and restores the former policy once approved.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from local_airflow import ROOT, LocalAirflow, free_port
from rich.console import Console

DAG_ID = "ecr_watch_policies"
REPOSITORY = "payments/api"
REGION = "us-east-1"
USER = "anna"
MAX_SECONDS = 60

_WAIT_SECONDS = 240
_READING_SECONDS = 10
_ENDED = ("success", "failed", "skipped", "upstream_failed")


def main() -> None:
    """Run the example from the event to the restored policy."""
    console = Console(highlight=False)
    airflow = LocalAirflow(
        "scheduler",
        "dag-processor",
        "triggerer",
        "api-server",
        registry="team",
        preview_seconds=2,
        port=free_port(),
        console=console,
    )
    with tempfile.TemporaryDirectory() as folder, airflow, airflow.reporting("watch-logs"):
        airflow.processes.environment["AIRFLOW__CORE__DAGS_FOLDER"] = folder
        ecr = airflow.start()
        client = ecr.client()
        former = keep(1_000)
        client.put_lifecycle_policy(repositoryName=REPOSITORY, lifecyclePolicyText=former)
        _send_changes_to_a_queue(ecr)
        write_dag(Path(folder), former)
        airflow.wait_for_dag(DAG_ID)
        changed_at = time.monotonic()
        _client_of_user(ecr).put_lifecycle_policy(repositoryName=REPOSITORY, lifecyclePolicyText=keep(1))
        with airflow.progress.step("From the event to the finding"):
            run = wait_for_report(airflow)
        seconds = time.monotonic() - changed_at
        path = f"dags/{DAG_ID}/dagRuns/{run}/taskInstances"
        report = airflow.get(f"{path}/report/xcomEntries/return_value")["value"]
        (repository,) = report["repositories"]
        console.print(
            f"{seconds:.1f} s after the change: {repository['severity']}: {repository['repository_name']}, changed by "
            f"{repository['changed_by']}: {repository['message']}"
        )
        console.print(f"The task that restores the policy: {answer(airflow, path)}")
        restored = client.get_lifecycle_policy(repositoryName=REPOSITORY)["lifecyclePolicyText"]
        console.print(
            f"After the approval, the former policy is restored: {json.loads(restored) == json.loads(former)}"
        )
        is_named = repository["changed_by"].endswith(f":user/{USER}")
        if seconds > MAX_SECONDS or not is_named or json.loads(restored) != json.loads(former):
            sys.exit(1)


def keep(count: int) -> str:
    """Return a policy that keeps the newest images of a repository.

    :param count: how many it keeps.
    """
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}
    return json.dumps({"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]})


def write_dag(folder: Path, former: str) -> None:
    """Write the example with defaults of its form that say where the policies are, and that it acts.

    :param folder: the folder of DAGs.
    :param former: the policy of the repository.
    """
    policies = folder / "git" / f"{REPOSITORY}.json"
    policies.parent.mkdir(parents=True)
    policies.write_text(former)
    (folder / ".airflowignore").write_text("git\n")
    text = (ROOT / "example_dags" / f"{DAG_ID}.py").read_text()
    for before, after in (
        (
            '"expected_policies": Param(\n            None',
            f'"expected_policies": Param(\n            {str(folder / "git")!r}',
        ),
        ('"dry_run": Param(True', '"dry_run": Param(False'),
        ("response_timeout=timedelta(hours=12)", "response_timeout=timedelta(minutes=5)"),
    ):
        if before not in text:
            raise ValueError(f"The example has no {before}")
        text = text.replace(before, after)
    (folder / f"{DAG_ID}.py").write_text(text)


def wait_for_report(airflow: LocalAirflow) -> str:
    """Return the run whose report has ended.

    :param airflow: where it runs.
    """
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        if time.monotonic() > deadline:
            airflow.fail(f"No report after {_WAIT_SECONDS} s.", "triggerer.log")
        for run in airflow.get(f"dags/{DAG_ID}/dagRuns")["dag_runs"]:
            task = airflow.get(f"dags/{DAG_ID}/dagRuns/{run['dag_run_id']}/taskInstances/report")
            if task["state"] in _ENDED:
                return str(run["dag_run_id"])
        airflow.pause()


def answer(airflow: LocalAirflow, path: str) -> str:
    """Approve, and return the state of the task that acts upon it.

    :param airflow: where it runs.
    :param path: the task instances of the run.
    """
    deadline = time.monotonic() + _WAIT_SECONDS
    asked_at: float | None = None
    is_answered = False
    while True:
        if time.monotonic() > deadline:
            airflow.fail(f"Nothing was restored after {_WAIT_SECONDS} s.", "scheduler.log")
        states = {task["task_id"]: task["state"] for task in airflow.get(path)["task_instances"]}
        if states["approve"] in ("awaiting_input", "deferred") and not is_answered:
            asked_at = asked_at or time.monotonic()
            if time.monotonic() > asked_at + _READING_SECONDS:
                airflow.patch(f"{path}/approve/-1/hitlDetails", {"chosen_options": ["Approve"], "params_input": {}})
                is_answered = True
        if states["restore"] in _ENDED:
            return str(states["restore"])
        airflow.pause()


def _send_changes_to_a_queue(ecr: Any) -> None:
    ecr.client("sqs").create_queue(QueueName="ecr-policy-changes")
    bus = ecr.client("events")
    bus.put_rule(Name="ecr-policy-changes", EventPattern=json.dumps({"source": ["aws.ecr"]}))
    arn = f"arn:aws:sqs:{REGION}:123456789012:ecr-policy-changes"
    bus.put_targets(Rule="ecr-policy-changes", Targets=[{"Id": "1", "Arn": arn}])


def _client_of_user(ecr: Any) -> Any:
    import boto3  # noqa: PLC0415  # takes a second

    iam = ecr.client("iam")
    iam.create_user(UserName=USER)
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    return boto3.client(
        "ecr",
        endpoint_url=ecr.endpoint_url,
        region_name=REGION,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


if __name__ == "__main__":
    main()
