"""Audit one registry in one task and in batches on two Celery workers, and kill a worker halfway: ``make distributed``."""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_airflow import ROOT, LocalAirflow, free_port
from processes import FailedError
from rich.console import Console
from rich.table import Table
from services import start_postgres, start_redis

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.local.ecr import LocalEcr

REPOSITORIES = 500
MOST_ASKED_TWICE = 0.1
TOTALS = (
    "repository_count",
    "failed_count",
    "total_image_count",
    "expiring_image_count",
    "expiring_bytes_upper_bound",
)

_KEEP_ONE = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
            "action": {"type": "expire"},
        }
    ]
}
_PREVIEW_SECONDS = 3
_RUN_SECONDS = 300
_FINISHED = ("success", "failed")


@dataclass(frozen=True)
class Audited:
    """An audit and what it took.

    :param title: what to call it.
    :param totals: its totals, by name.
    :param seconds: how long it took.
    :param asked_twice: of how many repositories a preview was started more than once.
    :param attempts: how many attempts its tasks took, beyond one each.
    """

    title: str
    totals: dict[str, int]
    seconds: float
    asked_twice: int
    attempts: int


def main() -> None:
    """Run all three audits, and fail if their totals differ or a kill made too many calls again."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    console.print(f"Airflow with Celery audits {REPOSITORIES} repositories; workers are killed on the way.\n")
    airflow = LocalAirflow(
        "scheduler",
        "dag-processor",
        "triggerer",
        "api-server",
        registry=None,
        preview_seconds=_PREVIEW_SECONDS,
        port=free_port(),
        console=console,
    )
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder, airflow, airflow.reporting("distributed-logs"):
        with airflow.progress.step("PostgreSQL and Redis"):
            database = start_postgres(airflow.processes, Path(folder))
            airflow.processes.environment.update(_settings(database, start_redis(airflow.processes)))
        ecr = airflow.start()
        expected = _fill(ecr)
        for dag_id in ("audit_in_one_task", "audit_in_batches"):
            airflow.wait_for_dag(dag_id)

        def killed(name: str, successor: str) -> Callable[[], None]:
            def kill() -> None:
                airflow.processes.kill(name)
                airflow.progress.done(f"  {name} killed halfway")
                _start_worker(airflow, successor)

            return kill

        _start_worker(airflow, "worker-1")
        audits = [_audit(airflow, ecr, "one task", "audit_in_one_task/audit")]
        audits.append(
            _audit(airflow, ecr, "one task, killed", "audit_in_one_task/audit", killed("worker-1", "worker-2"))
        )
        _start_worker(airflow, "worker-3")
        audits.append(
            _audit(
                airflow,
                ecr,
                "batches on two workers, one killed",
                "audit_in_batches/lifecycle_audit.merge",
                killed("worker-2", "worker-4"),
            )
        )
        console.print(_table(expected, audits))
        _check(expected, audits)


def _settings(database: str, broker: str) -> dict[str, str]:
    return {
        "AIRFLOW__CELERY__BROKER_URL": broker,
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "scripts" / "distributed_dags"),
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CORE__PARALLELISM": "8",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        # A worker that was killed is missed after this time; the default is five minutes.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
    }


def _fill(ecr: LocalEcr) -> dict[str, int]:
    """Make the repositories, and return the totals that an audit has to find."""
    sizes = 0
    for number in range(REPOSITORIES):
        name = f"team-{number % 20:02}/service-{number:03}"
        ecr.create_repository(name, policy=_KEEP_ONE)
        ecr.push_many(name, 2 + number % 5)
    images: dict[str, list[dict[str, Any]]] = {}
    client = ecr.client()
    for repository in _all(client, "describe_repositories", "repositories"):
        name = repository["repositoryName"]
        images[name] = _all(client, "describe_images", "imageDetails", repositoryName=name)
        newest = max(images[name], key=lambda image: image["imagePushedAt"])
        sizes += sum(image["imageSizeInBytes"] for image in images[name] if image is not newest)
    total = sum(map(len, images.values()))
    return dict(zip(TOTALS, (REPOSITORIES, 0, total, total - REPOSITORIES, sizes), strict=True))


def _all(client: Any, operation: str, key: str, **request: str) -> list[dict[str, Any]]:
    return [item for page in client.get_paginator(operation).paginate(**request) for item in page[key]]


def _start_worker(airflow: LocalAirflow, name: str) -> None:
    options = ["--concurrency", "2", "--celery-hostname", f"{name}@local", "--skip-serve-logs", "--without-gossip"]
    airflow.processes.start(name, [sys.executable, "-m", "airflow", "celery", "worker", *options])


def _audit(
    airflow: LocalAirflow, ecr: LocalEcr, title: str, task: str, halfway: Callable[[], None] | None = None
) -> Audited:
    """Run an audit to its end, with something that happens halfway; ``task`` is of the form ``dag_id/task_id``."""
    ecr.calls.clear()
    dag_id, task_id = task.split("/")
    run = f"dags/{dag_id}/dagRuns/{title.replace(' ', '-').replace(',', '')}"
    began_at = time.monotonic()
    with airflow.progress.step(f"Audit in {title}"):
        airflow.post(f"dags/{dag_id}/dagRuns", {"dag_run_id": run.rsplit("/", 1)[1], "logical_date": None})
        while (state := airflow.get(run)["state"]) not in _FINISHED:
            if time.monotonic() - began_at > _RUN_SECONDS:
                airflow.fail(f"The DAG run is {state} after {_RUN_SECONDS} s.", "scheduler.log")
            if halfway and ecr.calls.count("DescribeImages") >= REPOSITORIES / 2:
                halfway()
                halfway = None
            airflow.pause()
    if state != "success":
        airflow.fail(f"The DAG run {run} ended as {state}.", f"dag_id={dag_id}/**/*.log")
    if halfway:
        raise FailedError(f"The audit in {title} ended before anything was killed.")
    value = airflow.get(f"{run}/taskInstances/{task_id}/xcomEntries/return_value")["value"]
    started = Counter(call.repository for call in ecr.calls.of("StartLifecyclePolicyPreview"))
    tasks = airflow.get(f"{run}/taskInstances")["task_instances"]
    return Audited(
        title,
        {name: value[name] for name in TOTALS},
        time.monotonic() - began_at,
        sum(count > 1 for count in started.values()),
        sum(task["try_number"] - 1 for task in tasks),
    )


def _table(expected: dict[str, int], audits: list[Audited]) -> Table:
    table = Table(title=f"{REPOSITORIES} repositories", title_justify="left")
    table.add_column("")
    columns = ["as pushed", *(audit.title for audit in audits)]
    for column in columns:
        table.add_column(column, justify="right")
    for name in TOTALS:
        table.add_row(name, *(f"{totals[name]:,}" for totals in (expected, *(audit.totals for audit in audits))))
    table.add_row("previews started twice", "", *(str(audit.asked_twice) for audit in audits))
    table.add_row("further attempts", "", *(str(audit.attempts) for audit in audits))
    table.add_row("seconds", "", *(f"{audit.seconds:.0f}" for audit in audits))
    return table


def _check(expected: dict[str, int], audits: list[Audited]) -> None:
    for audit in audits:
        if audit.totals != expected:
            raise FailedError(f"The audit in {audit.title} found {audit.totals}, not {expected}.")
        if audit.asked_twice > MOST_ASKED_TWICE * REPOSITORIES:
            raise FailedError(f"The audit in {audit.title} started {audit.asked_twice} previews twice.")


if __name__ == "__main__":
    main()
