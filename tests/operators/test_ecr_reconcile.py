"""Previews, and what the local ECR then does by itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.exceptions import LifecycleEventsUnreadError, UnpreviewedExpiryError
from airflow_provider_ecr_preview.local import Fault, HtmlPage, LocalEcr, malformed, throttled
from airflow_provider_ecr_preview.local.event_history import HistoricEvent
from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from airflow_provider_ecr_preview.operators.ecr_reconcile import EcrReconcileLifecycleOperator
from airflow_provider_ecr_preview.reports.lists import read_lines
from tests.support.contexts import task_context
from tests.support.policies import keep

REPOSITORY = "payments/api"
ACCOUNT = "123456789012"
REGION = "us-east-1"


ARCHIVE_ALL = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {
                "tagStatus": "any",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": 30,
            },
            "action": {"type": "transition", "targetStorageClass": "archive"},
        }
    ]
}


@pytest.fixture
def registry(local_ecr: LocalEcr) -> LocalEcr:
    local_ecr.create_repository(REPOSITORY, policy=keep(5))
    local_ecr.push_many(REPOSITORY, 30, newest_days_ago=40)
    return local_ecr


def preview(folder: Path | None = None, repository: str = REPOSITORY) -> Any:
    EcrStartLifecyclePolicyPreviewOperator(task_id="start", repository_name=repository).execute(task_context())
    return EcrSummarizeLifecyclePolicyPreviewOperator(
        task_id="summarize",
        repository_name=repository,
        images_path=f"file://{folder}/images.jsonl.gz" if folder else None,
    ).execute(task_context())


def reconcile(summary: Any, of: Any = None, **kwargs: Any) -> Any:
    operator = EcrReconcileLifecycleOperator(task_id="reconcile", summary=summary, **kwargs)
    return operator.execute(of or task_context())


def reconcile_failing(error: type[Exception], match: str, summary: Any, **kwargs: Any) -> Any:
    of = task_context()
    with pytest.raises(error, match=match):
        reconcile(summary, of, **kwargs)
    return of["ti"].xcom_push.call_args.kwargs["value"]


def codes(value: Any) -> list[str]:
    return [finding["code"] for finding in value["repositories"][0]["findings"]]


def test_images_that_expired_as_previewed_are_counted_over_several_events_and_pages(
    registry: LocalEcr, tmp_path: Path
) -> None:
    summary = preview(tmp_path)
    registry.run_lifecycle_policies()
    value = reconcile(summary)
    assert (value["statuses"], value["counts"]) == ({"reconciled": 1}, {"expired_as_previewed": 25})
    assert (value["event_count"], value["policy_changed_count"], value["findings"]) == (3, 0, {})
    assert value["repositories"][0]["policy"] == "same"
    assert json.loads(json.dumps(value)) == value


def test_an_image_that_expired_without_preview_is_critical_and_fails_the_task(
    registry: LocalEcr, tmp_path: Path
) -> None:
    summary = preview(tmp_path)
    registry.push(REPOSITORY, tags=["new"])
    registry.run_lifecycle_policies()
    value = reconcile_failing(UnpreviewedExpiryError, r"without being in the preview: 1 image", summary)
    assert value["counts"] == {"expired_as_previewed": 25, "expired_without_preview": 1}
    (finding,) = value["repositories"][0]["findings"]
    assert (finding["severity"], finding["code"], len(finding["image_digests"])) == (
        "critical",
        "expired_without_preview",
        1,
    )
    assert reconcile(summary, fail_on="never")["counts"] == value["counts"]


def test_kept_failed_and_changed_images_are_all_in_the_list(registry: LocalEcr, tmp_path: Path) -> None:
    summary = preview(tmp_path)
    registry.put_policy(REPOSITORY, keep(20))
    oldest = registry.repository(REPOSITORY).local_images[0].get_image_digest()
    registry.run_lifecycle_policies(failing={oldest: "ImageReferencedByManifestList"})
    value = reconcile(summary, results_path=f"file://{tmp_path}/results.jsonl.gz")
    assert value["counts"] == {"expired_as_previewed": 9, "previewed_but_kept": 15, "deletion_failed": 1}
    assert value["failures"] == {"ImageReferencedByManifestList": 1}
    assert sorted(codes(value)) == ["deletion_failed", "policy_changed", "previewed_but_kept"]
    lines = list(read_lines(value["results_uri"]))
    assert len(lines) == 25
    assert [line["image_digest"] for line in lines if line["failure_code"]] == [oldest]


def test_archiving_is_counted_apart_from_expiry(registry: LocalEcr, tmp_path: Path) -> None:
    registry.put_policy(REPOSITORY, ARCHIVE_ALL)
    summary = preview(tmp_path)
    registry.run_lifecycle_policies()
    value = reconcile(summary)
    assert value["counts"] == {"archived_as_previewed": 30}
    assert value["repositories"][0]["policy"] == "unknown"


def test_a_preview_that_ecr_has_not_acted_upon_is_not_executed_yet(registry: LocalEcr, tmp_path: Path) -> None:
    registry.run_lifecycle_policies()
    registry.events.clear()
    value = reconcile(preview(tmp_path))
    assert (value["statuses"], value["findings"]) == ({"not_executed_yet": 1}, {})
    assert "Look again after" in value["repositories"][0]["message"]


def test_what_happened_before_the_preview_does_not_count(registry: LocalEcr, tmp_path: Path) -> None:
    registry.now = datetime.now(UTC) - timedelta(hours=2)
    registry.run_lifecycle_policies()
    summary = preview(tmp_path)
    assert reconcile(summary)["statuses"] == {"not_executed_yet": 1}
    earlier = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    value = reconcile(summary, start_time=earlier, fail_on="never")
    assert value["counts"] == {"expired_without_preview": 25}


def test_a_preview_older_than_a_day_without_execution_is_a_finding(registry: LocalEcr, tmp_path: Path) -> None:
    summary = preview(tmp_path)
    summary["previewed_at"] = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    assert codes(reconcile(summary)) == ["not_executed_in_time"]


@pytest.mark.parametrize("record", ["cut off {", '{"eventSource": "ecr.amazonaws.com"}', "[]"])
def test_an_event_that_cannot_be_read_is_reported_and_never_counts_as_success(
    registry: LocalEcr, tmp_path: Path, record: str
) -> None:
    summary = preview(tmp_path)
    registry.events.record(HistoricEvent(ACCOUNT, REGION, registry.now, record))
    value = reconcile_failing(UnpreviewedExpiryError, "cannot be understood", summary)
    assert (value["statuses"], value["unread_event_count"]) == ({"unknown": 1}, 1)
    assert codes(value) == ["event_not_understood", "not_reconciled"]


def test_a_preview_of_which_not_all_images_are_known_is_not_compared(registry: LocalEcr) -> None:
    summary = preview()
    registry.run_lifecycle_policies()
    value = reconcile_failing(UnpreviewedExpiryError, "images_path", summary)
    assert (value["statuses"], value["counts"]) == ({"unknown": 1}, {"not_known": 25})


def test_a_small_preview_needs_no_list(registry: LocalEcr) -> None:
    registry.put_policy(REPOSITORY, keep(25))
    summary = preview()
    registry.run_lifecycle_policies()
    assert reconcile(summary)["counts"] == {"expired_as_previewed": 5}


def test_missing_permission_to_look_up_events_fails_whatever_fail_on_is(registry: LocalEcr, tmp_path: Path) -> None:
    summary = preview(tmp_path)
    registry.deny("cloudtrail:LookupEvents")
    value = reconcile_failing(LifecycleEventsUnreadError, "cloudtrail:LookupEvents", summary, fail_on="never")
    assert value["statuses"] == {"unknown": 1}


def test_the_throttle_of_cloudtrail_is_waited_for(registry: LocalEcr, tmp_path: Path) -> None:
    summary = preview(tmp_path)
    registry.run_lifecycle_policies()
    injection = registry.inject(throttled(), "LookupEvents")
    assert reconcile(summary)["counts"] == {"expired_as_previewed": 25}
    assert injection.hits == 1


def test_throttle_without_end_is_an_error(registry: LocalEcr, tmp_path: Path) -> None:
    summary = preview(tmp_path)
    registry.inject(throttled(), "LookupEvents", calls=None)
    once = {"retries": {"mode": "standard", "total_max_attempts": 1}}
    reconcile_failing(LifecycleEventsUnreadError, "throttles", summary, botocore_config=once)


def test_events_of_another_account_are_not_used(registry: LocalEcr, tmp_path: Path) -> None:
    summary = preview(tmp_path) | {"registry_id": "999999999999"}
    value = reconcile_failing(UnpreviewedExpiryError, "aws_conn_id", summary)
    assert value["statuses"] == {"unknown": 1}


def test_several_previews_are_reconciled_with_one_look_up(registry: LocalEcr, tmp_path: Path) -> None:
    registry.create_repository("data/etl", policy=keep(1))
    registry.push_many("data/etl", 3)
    summaries = [preview(tmp_path), preview(repository="data/etl")]
    registry.run_lifecycle_policies("data/etl")
    registry.calls.clear()
    value = reconcile(summaries)
    assert value["statuses"] == {"reconciled": 1, "not_executed_yet": 1}
    assert registry.calls.count(service="cloudtrail") == 1
    assert not registry.calls.count()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"fail_on": "always"}, "fail_on"),
        ({"start_time": "yesterday"}, "start_time is 'yesterday', not a time"),
        ({"end_time": "2026-11-24T08:00:00"}, "without a time zone"),
        ({"start_time": "2020-01-01T00:00:00+00:00"}, "90 days"),
        ({"start_time": "2999-01-01T00:00:00+00:00"}, "after the end"),
        ({"region_name": "eu-west-1"}, "Leave it out"),
    ],
)
def test_an_invalid_parameter_is_refused_before_any_call(
    registry: LocalEcr, arguments: dict[str, Any], match: str
) -> None:
    summary = preview()
    registry.calls.clear()
    with pytest.raises(ValueError, match=match):
        reconcile(summary, **arguments)
    assert not registry.calls.count(service="cloudtrail")


def test_a_preview_without_a_time_is_refused(registry: LocalEcr) -> None:
    with pytest.raises(ValueError, match="previewed_at"):
        reconcile(preview() | {"previewed_at": "lately"})


@pytest.mark.parametrize("fault", [HtmlPage(200), malformed("empty"), malformed("null items")])
def test_a_malformed_response_of_cloudtrail_is_not_taken_as_no_events(
    registry: LocalEcr, tmp_path: Path, fault: Fault
) -> None:
    summary = preview(tmp_path)
    registry.run_lifecycle_policies()
    registry.inject(fault, "LookupEvents")
    with pytest.raises(LifecycleEventsUnreadError, match="CloudTrail"):
        reconcile(summary)
