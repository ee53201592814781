"""The operators that react to changes of policies, on the local ECR."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from airflow_provider_ecr_preview.core.exceptions import PolicyChangeAlarmError
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_watch import EcrReadPolicyEventsOperator, EcrReportPolicyEventsOperator
from tests.core.watch.test_watch import event
from tests.support.contexts import audit_context

pytestmark = pytest.mark.changes_registry

REGION = "us-east-1"
NAME = "payments/api"
WHEN = datetime(2026, 11, 23, 12, tzinfo=UTC)


def keep(count: int) -> dict[str, Any]:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}
    return {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}


def context(*events: Any) -> Any:
    """Return the context of a run that these events triggered."""
    of_asset = [mock.Mock(spec=["extra"], extra={"from_trigger": True, "payload": payload}) for payload in events]
    return {
        "ti": mock.Mock(spec=["xcom_push"]),
        "triggering_asset_events": {"changes": [*of_asset, mock.Mock(spec=["extra"], extra={})]},
    }


def change(**more: Any) -> Any:
    return event(1, NAME, lifecycle_policy_text=json.dumps(keep(1)), event_name="PutLifecyclePolicy", **more)


def read(*events: Any, **parameters: Any) -> Any:
    return EcrReadPolicyEventsOperator(task_id="changes", region_name=REGION, **parameters).execute(context(*events))


@pytest.fixture
def registry(local_ecr: LocalEcr) -> LocalEcr:
    local_ecr.create_repository(NAME, policy=keep(5))
    local_ecr.push_many(NAME, 8, newest_days_ago=40)
    return local_ecr


def audit(day: datetime = WHEN, **parameters: Any) -> Any:
    of_run = audit_context()
    of_run["dag_run"].start_date = day
    operator = EcrAuditLifecyclePoliciesOperator(
        task_id="audit", repository_names=[NAME], region_name=REGION, audit_name="weekly", **parameters
    )
    operator.audit_id = f"weekly {day.date()}"
    return operator.execute(of_run)


def test_the_former_policy_comes_from_the_last_audit_of_the_applied_policies_before_the_change(
    registry: LocalEcr, tmp_path: Path
) -> None:
    reports = f"file://{tmp_path}"
    audit(WHEN - timedelta(days=9), reports_path=reports)
    registry.put_policy(NAME, keep(7))
    audit(WHEN - timedelta(days=2), reports_path=reports)
    audit(WHEN - timedelta(days=1), reports_path=reports, lifecycle_policy_text=keep(3))
    registry.put_policy(NAME, keep(1))
    audit(WHEN + timedelta(days=1), reports_path=reports)
    value = read(change(), reports_path=reports)
    assert {name: json.loads(text) for name, text in value["former_policies"].items()} == {NAME: keep(7)}
    assert value["repositories"][0]["former_policy_source"] == "audit"
    assert len([*(tmp_path / "policies").iterdir()]) == 4, "each policy once, that of the candidate too"
    assert read(change(), reports_path=reports) == value


@pytest.mark.parametrize("damage", ["gone", "other", "text"])
def test_a_kept_policy_that_somebody_changed_is_not_offered(registry: LocalEcr, tmp_path: Path, damage: str) -> None:
    audit(WHEN - timedelta(days=1), reports_path=f"file://{tmp_path}")
    (kept,) = (tmp_path / "policies").iterdir()
    if damage == "gone":
        kept.unlink()
    else:
        kept.write_text(json.dumps(keep(999)) if damage == "other" else "x")
    value = read(change(), reports_path=f"file://{tmp_path}")
    assert value["former_policies"] == {}
    assert "The former policy is not known" in value["repositories"][0]["message"]


def test_the_policy_in_git_counts_first_and_no_source_offers_nothing(registry: LocalEcr, tmp_path: Path) -> None:
    audit(WHEN - timedelta(days=1), reports_path=f"file://{tmp_path}/reports")
    path = tmp_path / "git" / f"{NAME}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(keep(6)))
    value = read(change(), expected_policies=f"{tmp_path}/git", reports_path=f"file://{tmp_path}/reports")
    assert json.loads(value["former_policies"][NAME]) == keep(6)
    assert read(change())["former_policies"] == {}
    assert read(change(), reports_path=f"file://{tmp_path}/nothing")["former_policies"] == {}


def test_a_repository_that_had_no_policy_has_none_to_restore(registry: LocalEcr, tmp_path: Path) -> None:
    registry.client().delete_lifecycle_policy(repositoryName=NAME)
    audit(WHEN - timedelta(days=1), reports_path=f"file://{tmp_path}")
    (repository,) = read(change(), reports_path=f"file://{tmp_path}")["repositories"]
    assert (repository["former_policy_source"], "had no policy" in repository["message"]) == (None, True)


def test_events_of_other_regions_are_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        value = read(change(), change(event_id="2", region_name="eu-west-1"))
    assert (value["repository_count"], value["other_region_count"]) == (1, 1)
    assert read(change(), registry_id="999999999999")["repository_count"] == 0


def test_events_of_two_registries_need_a_registry_id() -> None:
    events = [change(), change(event_id="2", registry_id="999999999999")]
    with pytest.raises(ValueError, match="Set registry_id"):
        read(*events)
    assert read(*events, registry_id="999999999999")["repository_count"] == 1


def test_a_run_without_events_has_no_changes_and_events_can_be_given() -> None:
    assert read()["repository_count"] == 0
    assert read(events=json.dumps([change()]))["repository_count"] == 1
    assert read(events=change())["repository_count"] == 1
    with pytest.raises(ValueError, match="region_name is not set"):
        EcrReadPolicyEventsOperator(task_id="changes", region_name="").execute(context())
    for bad in ("3", [{}], '"x"'):
        with pytest.raises(ValueError, match="events"):
            read(events=bad)


def report(changes: Any, audited: Any, **parameters: Any) -> tuple[Any, Any]:
    of_run = context()
    operator = EcrReportPolicyEventsOperator(task_id="report", changes=changes, audit=audited, **parameters)
    return operator.execute(of_run), of_run


def test_the_report_names_who_changed_the_policy_and_what_it_deletes(registry: LocalEcr) -> None:
    registry.put_policy(NAME, keep(1))
    value, _ = report(read(change()), audit())
    (repository,) = value["repositories"]
    assert (repository["changed_by"][-4:], repository["expiring_image_count"]) == ("anna", 7)
    assert (repository["is_alarm"], value["alarm_count"]) == (
        repository["severity"] == "critical",
        value["alarm_count"],
    )


def test_an_alarm_fails_the_task_after_its_result_was_pushed(registry: LocalEcr) -> None:
    registry.client().delete_lifecycle_policy(repositoryName=NAME)
    changes, audited = read(event(1, NAME)), audit()
    assert report(changes, audited)[0]["alarm_count"] == 0
    of_run = context()
    operator = EcrReportPolicyEventsOperator(
        task_id="report", changes=json.dumps(changes), audit=audited, alarm_severity="warning", fail_on_alarm=True
    )
    with pytest.raises(PolicyChangeAlarmError, match=r"DeleteLifecyclePolicy by .*anna\. The repository has no policy"):
        operator.execute(of_run)
    assert of_run["ti"].xcom_push.call_args.kwargs["value"]["alarm_count"] == 1


@pytest.mark.parametrize("parameter", ["changes", "audit"])
def test_other_results_are_refused(registry: LocalEcr, parameter: str) -> None:
    given = {"changes": read(change()), "audit": audit(), parameter: {"schema": "other"}}
    with pytest.raises(ValueError, match=f"{parameter} is 'other'"):
        report(given["changes"], given["audit"])
