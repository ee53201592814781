"""The second part of the demo: a clean-up that is rejected, and the same approved, each compared by digest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dag_runs import run_dag
from processes import FailedError

from airflow_provider_ecr_preview.reports.lists import read_image_list

if TYPE_CHECKING:
    from local_airflow import LocalAirflow
    from rich.console import Console

    from airflow_provider_ecr_preview.local.ecr import LocalEcr

DAG_ID = "ecr_clean_up_approved"
REPOSITORIES = ["payments/api", "payments/webhooks"]

_PULLED_LATELY = timedelta(days=31)
"""The 30 days of the operator, and the one by which a recorded pull may be late."""

_Digests = dict[str, set[str]]


def demonstrate(airflow: LocalAirflow, ecr: LocalEcr, reports_path: str, console: Console) -> None:
    """Reject a clean-up, approve it, and compare what is left in the registry.

    :param airflow: where the example runs.
    :param ecr: the registry.
    :param reports_path: folder for reports.
    :param console: where to say what was found.
    :raises FailedError: if an image is gone that should not be, or the other way round.
    """
    conf = {"repository_names": REPOSITORIES, "dry_run": False, "reports_path": reports_path}
    console.print("\n[bold]Clean up two repositories; a person has to approve it[/]\n")
    before = _digests(ecr)
    run_dag(airflow, DAG_ID, "rejected", conf, "Reject")
    _compare("rejected", _digests(ecr), before)
    console.print("  Rejected: every image is still there.")
    run_dag(airflow, DAG_ID, "approved", conf, "Approve")
    approved = airflow.get(f"dags/{DAG_ID}/dagRuns/approved/taskInstances/audit/xcomEntries/return_value")["value"]
    takes = {summary["repository_name"]: _deletable(summary["images_uri"]) for summary in approved["summaries"]}
    after = _digests(ecr)
    _compare("approved", after, {name: before[name] - takes[name] for name in REPOSITORIES})
    for name in REPOSITORIES:
        console.print(
            f"  {name}: {len(before[name] - after[name])} of {len(before[name])} images deleted: all that were approved and not spared, and no other."
        )


def _digests(ecr: LocalEcr) -> _Digests:
    return {name: {image.get_image_digest() for image in ecr.repository(name).local_images} for name in REPOSITORIES}


def _deletable(images_uri: str) -> set[str]:
    """Return what was approved to go, without what the clean-up leaves out: these repositories have pulls only."""
    earliest = datetime.now(UTC) - _PULLED_LATELY
    return {
        image.image_digest
        for image in read_image_list(images_uri)
        if image.last_recorded_pull_time is None or image.last_recorded_pull_time < earliest
    }


def _compare(run_id: str, found: _Digests, expected: _Digests) -> None:
    if found != expected:
        wrong = {name: sorted(found[name] ^ expected[name]) for name in REPOSITORIES}
        raise FailedError(f"The run {run_id} left other images than it should: {wrong}.", None)
