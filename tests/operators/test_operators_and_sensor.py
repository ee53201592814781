from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException, TaskDeferred

from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from airflow_provider_ecr_preview.reports.lists import read_image_list, read_lines
from airflow_provider_ecr_preview.sensors.ecr_preview import EcrLifecyclePolicyPreviewSensor
from airflow_provider_ecr_preview.triggers.ecr_preview import EcrLifecyclePolicyPreviewTrigger
from tests.support.contexts import task_context
from tests.support.policies import keep

REPOSITORY = "payments/api"
POLICY = keep(10)
SETTINGS: dict[str, Any] = {
    "aws_conn_id": "aws_default",
    "region_name": "us-east-1",
    "verify": False,
    "botocore_config": {"read_timeout": 7},
}


@pytest.fixture
def context() -> dict[str, Any]:
    return task_context()


@pytest.fixture
def repository(local_ecr: LocalEcr) -> LocalEcr:
    local_ecr.create_repository(REPOSITORY)
    local_ecr.push_many(REPOSITORY, 150)
    return local_ecr


def start(**kwargs: Any) -> EcrStartLifecyclePolicyPreviewOperator:
    return EcrStartLifecyclePolicyPreviewOperator(
        **{"task_id": "start", "repository_name": REPOSITORY, "lifecycle_policy_text": POLICY, **kwargs}
    )


def summarize(**kwargs: Any) -> EcrSummarizeLifecyclePolicyPreviewOperator:
    return EcrSummarizeLifecyclePolicyPreviewOperator(
        **{"task_id": "summarize", "repository_name": REPOSITORY, **kwargs}
    )


async def event_of(trigger: EcrLifecyclePolicyPreviewTrigger) -> dict[str, Any]:
    class_path, kwargs = trigger.serialize()
    assert class_path == "airflow_provider_ecr_preview.triggers.ecr_preview.EcrLifecyclePolicyPreviewTrigger"
    again = EcrLifecyclePolicyPreviewTrigger(**json.loads(json.dumps(kwargs)))
    return (await anext(aiter(again.run()))).payload


def test_start_returns_the_fingerprint_that_the_others_check(repository: LocalEcr, context: Any) -> None:
    started = start().execute(context)
    assert (started["repository_name"], len(started["policy_fingerprint"])) == (REPOSITORY, 64)


def test_start_pushes_the_link_to_the_console(repository: LocalEcr, context: Any) -> None:
    start().execute(context)
    value = context["ti"].xcom_push.call_args.kwargs["value"]
    assert value["repository_name"] == REPOSITORY
    assert value["registry_id"] == "123456789012"


def test_no_policy_is_a_failure_or_a_skip_as_the_user_says(repository: LocalEcr, context: Any) -> None:
    with pytest.raises(exceptions.LifecyclePolicyNotFoundError):
        start(lifecycle_policy_text=None).execute(context)
    with pytest.raises(AirflowSkipException):
        start(lifecycle_policy_text=None, on_missing_policy="skip").execute(context)


@pytest.mark.asyncio
async def test_a_deferred_start_keeps_its_settings_and_ends_with_the_preview(
    repository: LocalEcr, context: Any
) -> None:
    repository.preview_seconds = 0.4
    operator = start(wait_for_completion=True, deferrable=True, poll_interval=0.1, **SETTINGS)
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context)
    kwargs = deferred.value.trigger.serialize()[1]
    assert {name: kwargs[name] for name in SETTINGS} == SETTINGS
    event = await event_of(deferred.value.trigger)
    assert getattr(operator, deferred.value.method_name)(context, event)["status"] == "COMPLETE"


@pytest.mark.asyncio
async def test_a_deferred_start_waits_for_another_policy_and_then_starts(repository: LocalEcr, context: Any) -> None:
    repository.preview_seconds = 60.0
    other = json.loads(json.dumps(POLICY).replace("10", "20"))
    start(lifecycle_policy_text=other).execute(context)
    operator = start(deferrable=True, poll_interval=0.1)
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context)
    repository.clock.advance(timedelta(seconds=60))
    event = await event_of(deferred.value.trigger)
    started = getattr(operator, deferred.value.method_name)(context, event)
    assert started["policy_fingerprint"] == start().execute(context)["policy_fingerprint"]


def test_the_summary_is_the_contract_and_the_list_holds_every_image(
    repository: LocalEcr, context: Any, tmp_path: Path
) -> None:
    started = start().execute(context)
    path = f"file://{tmp_path}/reports/images.jsonl.gz"
    summary = summarize(policy_fingerprint=started["policy_fingerprint"], images_path=path).execute(context)
    assert json.loads(json.dumps(summary)) == summary
    assert (summary["expiring_image_count"], summary["total_image_count"]) == (140, 150)
    assert summary["expiring_bytes_upper_bound"] is not None
    assert len({image.image_digest for image in read_image_list(path)}) == 140
    assert summary["images_uri"] == path


def test_the_images_that_stay_are_listed_next_to_the_affected_ones_with_the_reason(
    repository: LocalEcr, context: Any, tmp_path: Path
) -> None:
    start().execute(context)
    summarize(images_path=f"file://{tmp_path}/images.jsonl.gz").execute(context)
    kept = list(read_lines(f"file://{tmp_path}/images.kept.jsonl.gz"))
    assert len(kept) == 10
    assert {(image["action"], image["reason"], image["applied_rule_priority"]) for image in kept} == {
        ("KEEP", "within_count", 1)
    }


@pytest.mark.parametrize(
    "part", [{"tag_status": "TAGGED"}, {"max_items": 5}, {"enrich": False}, {"write_kept_images": False}]
)
def test_the_images_that_stay_are_not_listed_if_unknown_or_not_wanted(
    repository: LocalEcr, context: Any, tmp_path: Path, part: dict[str, Any]
) -> None:
    start().execute(context)
    path = f"file://{tmp_path}/images.jsonl.gz"
    summarize(images_path=path).execute(context)
    summarize(images_path=path, **part).execute(context)
    assert [path.name for path in tmp_path.iterdir()] == ["images.jsonl.gz"]


def test_a_summary_that_fails_leaves_no_half_list(repository: LocalEcr, context: Any, tmp_path: Path) -> None:
    start().execute(context)
    path = tmp_path / "images.jsonl.gz"
    with pytest.raises(exceptions.PreviewReplacedError):
        summarize(policy_fingerprint="0" * 64, images_path=f"file://{path}", enrich=False).execute(context)
    assert list(tmp_path.iterdir()) == []


def test_without_enrichment_and_replicas_only_the_preview_is_read(repository: LocalEcr, context: Any) -> None:
    start().execute(context)
    repository.calls.clear()
    summary = summarize(enrich=False, check_replicas=False).execute(context)
    assert summary["total_image_count"] is summary["expiring_bytes_upper_bound"] is None
    assert repository.calls.operations == {"GetLifecyclePolicyPreview": 2}


def test_the_newest_image_and_a_recent_pull_are_findings(local_ecr: LocalEcr, context: Any) -> None:
    local_ecr.create_repository(REPOSITORY)
    local_ecr.push(REPOSITORY, tags=["v1"], pushed_days_ago=90, last_pull_days_ago=2)
    policy = json.loads(json.dumps(POLICY))
    policy["rules"][0]["selection"] = {
        "tagStatus": "any",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 30,
    }
    start(lifecycle_policy_text=policy).execute(context)
    codes = {finding["code"] for finding in summarize().execute(context)["findings"]}
    assert codes == {"would_empty_repository", "newest_image_expires", "recently_pulled_image_expires"}


def sensor(**kwargs: Any) -> EcrLifecyclePolicyPreviewSensor:
    return EcrLifecyclePolicyPreviewSensor(**{"task_id": "wait", "repository_name": REPOSITORY, **kwargs})


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_the_sensor_pokes_until_the_preview_is_complete(repository: LocalEcr, context: Any, seconds: float) -> None:
    repository.preview_seconds = seconds
    started = start().execute(context)
    waited = sensor(policy_fingerprint=started["policy_fingerprint"], poke_interval=0.1).execute(context)
    assert waited == {**started, "status": "COMPLETE"}


@pytest.mark.asyncio
async def test_the_deferred_sensor_times_out_at_a_point_in_time(repository: LocalEcr, context: Any) -> None:
    repository.preview_seconds = 30
    start().execute(context)
    task = sensor(deferrable=True, timeout=0.3, poke_interval=0.1, **SETTINGS)
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    kwargs = deferred.value.trigger.serialize()[1]
    assert {name: kwargs[name] for name in SETTINGS} == SETTINGS
    event = await event_of(deferred.value.trigger)
    assert event["error"] == "PreviewTimeoutError"
    with pytest.raises(Exception, match="longer timeout"):
        task.execute_complete(context, event)


@pytest.mark.parametrize("factory", [start, summarize, sensor])
def test_every_template_field_is_an_attribute(factory: Any) -> None:
    task = factory()
    assert all(hasattr(task, field) for field in task.template_fields)
