"""Audit a registry in a real Airflow against the local ECR, and print what was found: ``make demo``."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import demo_clean_up
from dag_runs import run_dag
from local_airflow import KEPT, ROOT, LocalAirflow, free_port
from rich.console import Console
from rich.table import Table

from airflow_provider_ecr_preview.display.audit import audit_table
from airflow_provider_ecr_preview.display.text import LOG_WIDTH

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom
    from airflow_provider_ecr_preview.local.calls import CallLog

DAG_ID = "ecr_audit_registry"
RUN = f"dags/{DAG_ID}/dagRuns/demo"
REPORTS = KEPT / "demo-reports"

_ROWS = 12


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
        run_dag(airflow, DAG_ID, "demo", {"reports_path": f"file://{REPORTS}"})
        audit = airflow.get(f"{RUN}/taskInstances/lifecycle_audit.merge/xcomEntries/return_value")["value"]
        _explain(console, audit, ecr.calls)
        demo_clean_up.demonstrate(airflow, ecr, f"file://{REPORTS}", console)
        _say_what_is_next(console)


def _explain(console: Console, audit: AuditXCom, calls: CallLog) -> None:
    """Print the audit, what it means and where to look next."""
    console.print("\n[bold]The audit, as it is in XCom[/]\n")
    console.print(audit_table(audit, rows=_ROWS))
    operations = ", ".join(f"{name} {count}" for name, count in sorted(calls.operations.items()))
    console.print(
        f"\nThis is what the policies of {audit['repository_count']} repositories would do now; nothing was done. "
        f"The DAG's calls to ECR were {operations}: {len(calls.mutating) or 'none'} of them can change anything."
    )


def _say_what_is_next(console: Console) -> None:
    console.print()
    table = Table.grid(padding=(0, 2))
    table.add_row("[bold]Next[/]")
    table.add_row("  make ui", "the same in Airflow's UI: trigger the DAG with a policy of your own in its form")
    table.add_row(
        f"  {REPORTS.relative_to(ROOT)}", "a report to paste in a ticket, tables, every image (zcat shows them)"
    )
    table.add_row(f"  example_dags/{DAG_ID}.py", "the audit")
    table.add_row(f"  example_dags/{demo_clean_up.DAG_ID}.py", "the clean-up")
    table.add_row("  docs/guides/connect-to-aws.md", "how to use it with AWS")
    console.print(table)


if __name__ == "__main__":
    main()
