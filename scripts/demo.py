"""Preview a lifecycle policy in a real Airflow against the local ECR, and print the summary: ``make demo``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from local_airflow import KEPT, ROOT, LocalAirflow, free_port
from rich.console import Console
from rich.table import Table

from airflow_provider_ecr_preview.tables import summary_table

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.local.calls import CallLog
    from airflow_provider_ecr_preview.xcom import PreviewSummaryXCom

DAG_ID = "ecr_preview_single"
RUN = f"dags/{DAG_ID}/dagRuns/demo"
IMAGES = KEPT / "demo-images.jsonl.gz"

_RUN_SECONDS = 300
_FINISHED = ("success", "failed", "skipped", "upstream_failed")


def main() -> None:
    """Run the demo."""
    console = Console(highlight=False)
    console.print("A real Airflow previews a lifecycle policy of a local ECR, all on this machine.\n")
    airflow = LocalAirflow(
        "scheduler",
        "dag-processor",
        "api-server",
        registry="small",
        preview_seconds=5,
        port=free_port(),
        console=console,
    )
    with airflow, airflow.reporting("demo-logs"):
        ecr = airflow.start()
        airflow.wait_for_dag(DAG_ID)
        ecr.calls.clear()
        _run_dag(airflow)
        summary = airflow.get(f"{RUN}/taskInstances/summarize/xcomEntries/return_value")["value"]
        _explain(console, summary, ecr.calls)


def _run_dag(airflow: LocalAirflow) -> None:
    """Trigger the DAG, say how each task ends, and come back when all have."""
    body = {"dag_run_id": "demo", "logical_date": None, "conf": {"images_path": f"file://{IMAGES}"}}
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
                if task["state"] in _FINISHED and task["task_id"] not in said:
                    said.add(task["task_id"])
                    airflow.progress.done(f"  {task['task_id']}: {task['state']}", task["duration"])
                if task["state"] == "failed":
                    airflow.fail(f"The task {task['task_id']} failed.", f"dag_id=*/*/task_id={task['task_id']}/*.log")


def _explain(console: Console, summary: PreviewSummaryXCom, calls: CallLog) -> None:
    """Print the summary, what it means and where to look next."""
    console.print("\n[bold]The summary, as it is in XCom[/]\n")
    console.print(summary_table(summary))
    operations = ", ".join(f"{name} {count}" for name, count in sorted(calls.operations.items()))
    console.print(
        f"\nThis is what the policy of {summary['repository_name']} would do now; nothing was done. "
        f"The DAG's calls to ECR were {operations}: {len(calls.mutating) or 'none'} of them can change anything.\n"
    )
    table = Table.grid(padding=(0, 2))
    table.add_row("[bold]Next[/]")
    table.add_row("  make ui", "the same in Airflow's UI, with more repositories")
    table.add_row(f"  {IMAGES.relative_to(ROOT)}", "every image of the preview (zcat shows it)")
    table.add_row(f"  example_dags/{DAG_ID}.py", "the DAG that ran")
    table.add_row("  README.md", "how to use it with AWS")
    console.print(table)


if __name__ == "__main__":
    main()
