"""Audit a registry in a real Airflow against the local ECR, and print what was found: ``make demo``."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

from local_airflow import KEPT, ROOT, LocalAirflow, free_port
from rich.console import Console
from rich.table import Table

from airflow_provider_ecr_preview.audit_table import audit_table
from airflow_provider_ecr_preview.tables import LOG_WIDTH

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.local.calls import CallLog
    from airflow_provider_ecr_preview.xcom import AuditXCom

DAG_ID = "ecr_audit_registry"
RUN = f"dags/{DAG_ID}/dagRuns/demo"
REPORTS = KEPT / "demo-reports"

_RUN_SECONDS = 300
_ROWS = 12
_FINISHED = ("success", "failed", "skipped", "upstream_failed")


def main() -> None:
    """Run the demo."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else LOG_WIDTH)
    console.print("A real Airflow audits the lifecycle policies of a local ECR, all on this machine.\n")
    # Reports of an earlier demo would be compared with, and they are of another registry.
    shutil.rmtree(REPORTS, ignore_errors=True)
    airflow = LocalAirflow(
        "scheduler",
        "dag-processor",
        "triggerer",
        "api-server",
        registry="team",
        preview_seconds=5,
        port=free_port(),
        console=console,
    )
    with airflow, airflow.reporting("demo-logs"):
        ecr = airflow.start()
        airflow.wait_for_dag(DAG_ID)
        ecr.calls.clear()
        _run_dag(airflow)
        audit = airflow.get(f"{RUN}/taskInstances/lifecycle_audit.merge/xcomEntries/return_value")["value"]
        _explain(console, audit, ecr.calls)


def _run_dag(airflow: LocalAirflow) -> None:
    """Trigger the DAG, say how each task ends, and come back when all have."""
    body = {"dag_run_id": "demo", "logical_date": None, "conf": {"reports_path": f"file://{REPORTS}"}}
    airflow.post(f"dags/{DAG_ID}/dagRuns", body)
    said: set[str] = set()
    deadline = time.monotonic() + _RUN_SECONDS
    with airflow.progress.step(f"DAG {DAG_ID}"):
        state = "queued"
        while state not in _FINISHED:
            if time.monotonic() > deadline:
                airflow.fail(f"The DAG run is {state} after {_RUN_SECONDS} s.", "scheduler.log")
            airflow.pause()
            # Read first, so that the tasks below are at least as far as the run says.
            state = airflow.get(RUN)["state"]
            for task in airflow.get(f"{RUN}/taskInstances?order_by=end_date")["task_instances"]:
                name = _name(task)
                if task["state"] in _FINISHED and name not in said:
                    said.add(name)
                    airflow.progress.done(f"  {name}: {task['state']}", task["duration"])
                if task["state"] == "failed":
                    airflow.fail(f"The task {name} failed.", f"dag_id=*/*/task_id={task['task_id']}/**/*.log")


def _name(task: dict[str, Any]) -> str:
    return task["task_id"] if task["map_index"] < 0 else f"{task['task_id']}[{task['map_index']}]"


def _explain(console: Console, audit: AuditXCom, calls: CallLog) -> None:
    """Print the audit, what it means and where to look next."""
    console.print("\n[bold]The audit, as it is in XCom[/]\n")
    console.print(audit_table(audit, rows=_ROWS))
    operations = ", ".join(f"{name} {count}" for name, count in sorted(calls.operations.items()))
    console.print(
        f"\nThis is what the policies of {audit['repository_count']} repositories would do now; nothing was done. "
        f"The DAG's calls to ECR were {operations}: {len(calls.mutating) or 'none'} of them can change anything.\n"
    )
    table = Table.grid(padding=(0, 2))
    table.add_row("[bold]Next[/]")
    table.add_row("  make ui", "the same in Airflow's UI: trigger the DAG with a policy of your own in its form")
    table.add_row(
        f"  {REPORTS.relative_to(ROOT)}", "a report to paste in a ticket, tables, every image (zcat shows them)"
    )
    table.add_row(f"  example_dags/{DAG_ID}.py", "the DAG that ran")
    table.add_row("  README.md", "how to use it with AWS")
    console.print(table)


if __name__ == "__main__":
    main()
