"""The message about a result is one that a person would send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.display.notification import MAX_CHARACTERS, message_about

FROZEN = Path(__file__).parents[1] / "frozen" / "0.1.0"
TASK = "weekly.audit, run manual"
PLACE = {"registry_id": "123456789012", "region_name": "eu-west-1", "repository_name": "payments/api"}


def frozen(name: str) -> Any:
    return json.loads((FROZEN / f"{name}.json").read_text())


@pytest.mark.parametrize(
    ("name", "subject", "lines"),
    [
        ("audit", r"audited", ["Audited ", "Findings: "]),
        ("summary_with_list", "would expire", ["payments/api (123456789012, us-east-1): "]),
        ("cleanup_done", "deleted", ["deleted."]),
        ("cleanup_dry_run", "DRY RUN", ["DRY RUN: "]),
        ("cleanup_blocked", "deleted", ["Blocked: "]),
        ("put", "changed", ["changed."]),
        ("put_dry_run", "DRY RUN", ["DRY RUN: "]),
        ("restore", "changed", ["changed."]),
    ],
)
def test_the_message_says_what_was_found_or_changed(name: str, subject: str, lines: list[str]) -> None:
    message = message_about(frozen(name), task=TASK)
    assert subject in message.subject
    assert message.plain.startswith(f"OK: {TASK}\n")
    for line in lines:
        assert line in message.plain
    assert len(message.plain) <= MAX_CHARACTERS
    assert len(message.markdown) <= MAX_CHARACTERS
    assert str(message) == message.plain


@pytest.mark.parametrize(("kind", "done"), [("put", "applied"), ("restore", "restored")])
def test_the_message_distinguishes_a_restored_policy_from_an_applied_one(kind: str, done: str) -> None:
    assert f"\n1 policy {done}." in message_about({**frozen("put"), "kind": kind}, task=TASK).plain


def test_an_alarm_about_a_changed_policy_names_who_changed_it() -> None:
    repository = {"registry_id": "123456789012", "region_name": "eu-west-1", "repository_name": "payments/api"}
    changed = {
        **repository,
        "event_name": "PutLifecyclePolicy",
        "changed_by": "ann",
        "message": "30 images",
        "is_alarm": True,
    }
    watched = {
        "schema": "ecr-lifecycle-policy-watch/1",
        "repository_count": 1,
        "alarm_count": 1,
        "repositories": [changed],
    }
    message = message_about(watched, task=TASK)
    assert "alarms about changed policies: 1" in message.subject
    assert "- payments/api (123456789012, eu-west-1): PutLifecyclePolicy by ann. 30 images" in message.plain


def test_a_failed_task_says_so_with_its_error_and_its_log() -> None:
    message = message_about(
        frozen("audit"), task=TASK, error="Not previewed: 2 of 3", log_url="https://airflow/log?a=b"
    )
    assert message.subject.startswith("FAILED: ECR: ")
    assert message.plain.startswith(f"FAILED: {TASK}\nNot previewed: 2 of 3\n")
    assert "Log: <https://airflow/log?a=b>" in message.markdown


@pytest.mark.parametrize("result", [None, "payments/api", ["a"], {"schema": "other/1"}])
def test_another_result_gives_a_message_about_the_task(result: Any) -> None:
    assert message_about(result, task=TASK).plain == f"OK: {TASK}"


def test_what_it_costs_is_in_the_message_if_it_was_measured() -> None:
    audit = {**frozen("audit"), "storage": {"monthly_cost_usd": 1234.5, "leaving_monthly_cost_usd": 0.001}}
    assert "All images cost $1,234.50 a month, of which less than $0.01 are" in message_about(audit, task=TASK).plain


def test_a_long_result_ends_with_how_much_is_missing() -> None:
    summary = frozen("summary_with_list")
    summary |= {"findings": [{"severity": "critical", "message": "x" * 900}] * 3, "repository_name": "a" * 256}
    message = message_about(summary, task=TASK * 20, error="y" * 900, log_url="https://airflow/" + "z" * 900)
    assert len(message.plain) <= MAX_CHARACTERS
    assert message.plain.endswith("... and 2 more lines")


def test_an_audit_with_everything_in_it_says_everything() -> None:
    finding = {"code": "would_empty_repository", "severity": "critical", "repository_count": 1, "repositories": [PLACE]}
    changes = {"newly_affected_image_count": 5, "alarm_count": 1, "alarms": [{**PLACE, "alarm": "grew by half"}]}
    audit = frozen("audit") | {
        "expiring_bytes_upper_bound": None,
        "missing_part_count": 1,
        "failed_count": 2,
        "failures": [{"message": "throttled", "error": None}, {"message": None, "error": None}],
        "findings": [finding],
        "changes": changes,
        "report_uri": "s3://aws_default@reports/a.md",
        "archiving_image_count": 1,
    }
    plain = message_about(audit, task=TASK).plain
    for part in (
        "of unknown size",
        "and 1 image would be archived",
        "Missing: 1 part. Nothing is known",
        "Not previewed: 2 repositories.",
        "- no reason was given",
        "- would_empty_repository in 1 repository, such as payments/api",
        "Since the last audit: 5 images newly affected, 1 alarm.",
        "- payments/api (123456789012, eu-west-1): grew by half",
        "Report: s3:",
    ):
        assert part in plain
    bare = message_about(
        {**audit, "missing_part_count": 0, "failed_count": 0, "changes": None, "report_uri": None}, task=TASK
    )
    assert "Missing" not in bare.plain
    assert "Report" not in bare.plain


def test_a_clean_up_says_what_failed_was_spared_and_blocked() -> None:
    check = {"code": "in_use", "verdict": "unknown", "message": "not read"}
    part = {**PLACE, "error": "AccessDenied", "message": "denied", "checks": [check]}
    cleanup = frozen("cleanup_done") | {
        "failed_image_count": 1,
        "spared_image_count": 2,
        "statuses": {"blocked": 1},
        "repositories": [part],
        "results_uri": "file:///reports/r.gz",
    }
    plain = message_about(cleanup, task=TASK).plain
    for line in ("Failed: 1 image.", "Spared: 2 images.", "Blocked: 1 repository.", "in_use: not read", "denied"):
        assert line in plain
    assert "Each image: " in plain
    nothing = {
        "failed_image_count": 0,
        "spared_image_count": 0,
        "statuses": {},
        "repositories": [],
        "results_uri": None,
    }
    assert "Failed" not in message_about({**cleanup, **nothing, "checks": []}, task=TASK).plain
    change = frozen("put") | {"repositories": [part], "former_policies_uri": "file:///reports/f.gz"}
    assert "denied" in message_about(change, task=TASK).plain
    assert "Former policies: " in message_about(change, task=TASK).plain
    assert "Former" not in message_about({**change, "former_policies_uri": None}, task=TASK).plain


def test_a_repository_of_unknown_size_and_an_error_without_a_result() -> None:
    summary = frozen("summary_with_list") | {"total_image_count": None, "findings": []}
    assert "would expire, " in message_about(summary, task=TASK).plain
    message = message_about(None, task=TASK, error="boom")
    assert message.subject == f"FAILED: ECR: Failed ({TASK})"
    assert message.html == f"<pre>{message.plain}</pre>"
