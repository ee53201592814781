"""Audit a registry in a real Airflow against the local ECR, and print what was found: ``make demo``."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import demo_clean_up
from dag_runs import run_dag
from local_airflow import KEPT, ROOT, LocalAirflow, free_port
from rich import box
from rich.console import Console
from rich.table import Table

from airflow_provider_ecr_preview.display.text import LOG_WIDTH, human_bytes

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom
    from airflow_provider_ecr_preview.local.calls import CallLog

DAG_ID = "ecr_audit_registry"
RUN = f"dags/{DAG_ID}/dagRuns/demo"
REPORTS = KEPT / "demo-reports"


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
    """Print what the audit found, in a few lines."""
    freed = audit["expiring_bytes_upper_bound"]
    console.print(
        f"\nThe policies of {audit['repository_count']} repositories would delete {audit['expiring_image_count']:,} of "
        f"{audit['total_image_count']:,} images and archive {audit['archiving_image_count']:,}"
        f"{'' if freed is None else f'; at most {human_bytes(freed)} freed'}. Nothing was changed: of "
        f"{calls.operations.total()} calls to ECR, {len(calls.mutating)} can change anything.\n"
    )
    findings = Table("Severity", "Finding", "Repositories", "For example", box=box.SIMPLE_HEAD)
    for finding in audit["findings"]:
        example = finding["repositories"][0]["repository_name"]
        findings.add_row(finding["severity"], finding["code"], str(finding["repository_count"]), example)
    console.print(findings)


def _say_what_is_next(console: Console) -> None:
    console.print(f"\nThe report: {REPORTS.relative_to(ROOT)}/audits")
    console.print("[bold]Next[/]: make ui shows every image in Airflow's UI. docs/tutorial explains the DAG.")


if __name__ == "__main__":
    main()
