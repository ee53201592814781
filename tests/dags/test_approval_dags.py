"""The examples that ask a person first, answered as the API server does it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.local import LocalEcr

RunDag = Callable[..., dict[str, Any]]
Form = Callable[[str], dict[str, Any]]

OF_POLICIES = ["web/storefront", "web/checkout"]
NAMES = ["payments/api", "payments/webhooks", *OF_POLICIES]
APPROVED = {"approve": "Approve"}


def held(ecr: LocalEcr) -> list[Any]:
    repositories = [ecr.repository(name) for name in NAMES]
    return [
        (
            {image.get_image_digest() for image in repository.local_images},
            json.loads(repository.lifecycle_policy or "null"),
        )
        for repository in repositories
    ]


@pytest.mark.parametrize(
    ("dag_id", "task_id"), [("ecr_clean_up_approved", "clean_up"), ("ecr_put_policy_approved", "put")]
)
def test_an_approval_changes_nothing_by_default(
    team_ecr: LocalEcr, run_dag: RunDag, untouched_form: Form, tmp_path: Path, *, dag_id: str, task_id: str
) -> None:
    before = held(team_ecr)
    reports = {"reports_path": f"file://{tmp_path}/reports"}
    result = run_dag(dag_id, {**untouched_form(dag_id), **reports}, answers=APPROVED)
    assert result["state"] == "success", result["log"][-3000:]
    assert result["values"][f"{task_id}[-1]"]["status"] == "dry_run"
    assert held(team_ecr) == before
    assert not team_ecr.calls.mutating


@pytest.mark.changes_registry
def test_an_approved_policy_is_applied_to_every_repository_and_no_image_changes(
    team_ecr: LocalEcr, run_dag: RunDag, tmp_path: Path
) -> None:
    before = held(team_ecr)
    conf = {"dry_run": False, "reports_path": f"file://{tmp_path}/reports"}
    result = run_dag("ecr_put_policy_approved", conf, answers=APPROVED)
    assert result["state"] == "success", result["log"][-3000:]
    applied = result["values"]["put[-1]"]
    assert (applied["status"], applied["changed_repository_count"]) == ("changed", 2)
    after = held(team_ecr)
    assert [digests for digests, _ in after] == [digests for digests, _ in before]
    changed = [policy for (_, policy), (_, former) in zip(after, before, strict=True) if policy != former]
    assert [policy["rules"][0]["description"] for policy in changed] == ["Untagged leftovers go after 90 days"] * 2


@pytest.mark.changes_registry
def test_an_audit_that_is_run_again_after_the_approval_deletes_nothing(
    team_ecr: LocalEcr, run_dag: RunDag, tmp_path: Path
) -> None:
    conf = {"dry_run": False, "reports_path": f"file://{tmp_path}/reports"}
    before = held(team_ecr)
    # The approved images would be deleted, so the clean-up counts as done until the audit has run again.
    result = run_dag("ecr_clean_up_approved", conf, approve="clean_up", answers=APPROVED, again=["audit", "clean_up"])
    assert result["values"]["approve[-1]"]["chosen_options"] == ["Approve"]
    cleaned = result["values"]["clean_up[-1]"]
    assert (result["tasks"]["clean_up[-1]"], cleaned["status"]) == ("failed", "blocked")
    checks = [check for repository in cleaned["repositories"] for check in repository["checks"]]
    assert {check["code"] for check in checks if check["verdict"] == "blocked"} == {"approved_unchanged"}
    assert cleaned["approval"]["responded_by"] == "ada"
    assert held(team_ecr) == before
    assert not team_ecr.calls.mutating


@pytest.mark.nightly
@pytest.mark.changes_registry
def test_exactly_what_was_approved_is_deleted(team_ecr: LocalEcr, run_dag: RunDag, tmp_path: Path) -> None:
    conf = {"dry_run": False, "reports_path": f"file://{tmp_path}/reports"}
    result = run_dag("ecr_clean_up_approved", conf, answers=APPROVED)
    assert result["state"] == "success", result["log"][-3000:]
    cleaned = result["values"]["clean_up[-1]"]
    assert cleaned["status"] == "done"
    assert cleaned["touched_image_count"] > 0
    assert {check["code"]: check["verdict"] for check in cleaned["checks"]}["approval_given"] == "passed"
    assert cleaned["approval"]["digest"] == result["values"]["approve[-1]"]["digest"]


@pytest.mark.nightly
@pytest.mark.changes_registry
@pytest.mark.parametrize("run_to_undo", [{"put_run_id": "RUN_ID"}, {}], ids=["named run", "newest change"])
def test_a_policy_that_was_put_is_taken_back_by_the_dag_that_is_for_it(
    team_ecr: LocalEcr, run_dag: RunDag, tmp_path: Path, run_to_undo: dict[str, str]
) -> None:
    before = held(team_ecr)
    conf = {"dry_run": False, "reports_path": f"file://{tmp_path}/reports"}
    result = run_dag(
        "ecr_put_policy_approved", conf, answers=APPROVED, then=("ecr_restore_policies", conf | run_to_undo)
    )
    assert result["state"] == "success", result["log"][-3000:]
    assert result["values"]["restore[-1]"]["changed_repository_count"] == 2
    assert held(team_ecr) == before
    assert [call.operation for call in team_ecr.calls.mutating].count("PutLifecyclePolicy") >= 2


def test_where_no_policy_was_changed_the_restore_is_skipped(
    team_ecr: LocalEcr, run_dag: RunDag, untouched_form: Form, tmp_path: Path
) -> None:
    reports = {"reports_path": f"file://{tmp_path}/reports"}
    result = run_dag("ecr_restore_policies", {**untouched_form("ecr_restore_policies"), **reports})
    assert (result["state"], result["tasks"]["restore[-1]"]) == ("success", "skipped"), result["log"][-3000:]
    assert not team_ecr.calls.mutating


def test_a_run_that_put_no_policy_cannot_be_undone(team_ecr: LocalEcr, run_dag: RunDag) -> None:
    result = run_dag("ecr_restore_policies", {"put_run_id": "manual__never"})
    assert result["state"] == "failed"
    assert "ecr_put_policy_approved has no run manual__never" in result["log"]
    assert not team_ecr.calls.mutating
