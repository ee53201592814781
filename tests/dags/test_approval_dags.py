"""The examples that ask a person first, with the answer taken for given; the demo has them answered over Airflow's API."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.local import LocalEcr

RunDag = Callable[..., dict[str, Any]]
Form = Callable[[str], dict[str, Any]]

NAMES = ["payments/api", "payments/webhooks"]


def held(ecr: LocalEcr) -> list[Any]:
    repositories = [ecr.repository(name) for name in NAMES]
    return [
        ({image.get_image_digest() for image in each.local_images}, json.loads(each.lifecycle_policy or "null"))
        for each in repositories
    ]


@pytest.mark.parametrize(
    ("dag_id", "task_id"), [("ecr_clean_up_approved", "clean_up"), ("ecr_put_policy_approved", "put")]
)
def test_an_approval_changes_nothing_by_default(
    team_ecr: LocalEcr, run_dag: RunDag, untouched_form: Form, tmp_path: Path, *, dag_id: str, task_id: str
) -> None:
    before = held(team_ecr)
    reports = {"reports_path": f"file://{tmp_path}/reports"} if dag_id == "ecr_clean_up_approved" else {}
    result = run_dag(dag_id, {**untouched_form(dag_id), **reports}, approve="approve")
    assert result["state"] == "success", result["log"][-3000:]
    assert result["values"][f"{task_id}[-1]"]["status"] == "dry_run"
    assert held(team_ecr) == before
    assert not team_ecr.calls.mutating


@pytest.mark.changes_registry
def test_an_approved_policy_is_applied_to_every_repository_and_no_image_changes(
    team_ecr: LocalEcr, run_dag: RunDag
) -> None:
    before = held(team_ecr)
    result = run_dag("ecr_put_policy_approved", {"dry_run": False}, approve="approve")
    assert result["state"] == "success", result["log"][-3000:]
    applied = result["values"]["put[-1]"]
    assert (applied["status"], applied["changed_repository_count"]) == ("changed", 2)
    after = held(team_ecr)
    assert [digests for digests, _ in after] == [digests for digests, _ in before]
    assert {policy["rules"][0]["description"] for _, policy in after} == {"Untagged leftovers go after 90 days"}
