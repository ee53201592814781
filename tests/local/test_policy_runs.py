"""The daily run of lifecycle policies: what it does, and what CloudTrail and EventBridge say about it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from airflow_provider_ecr_preview.core.policy_event import policy_event
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.event_history import EventHistory, HistoricEvent
from tests.support.policies import ARCHIVE, EXPIRE

pytestmark = pytest.mark.changes_registry

REPOSITORY = "payments/api"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def rule(priority: int, action: dict[str, str], **selection: Any) -> dict[str, Any]:
    age = {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1}
    return {"rulePriority": priority, "selection": {**age, **selection}, "action": action}


LISTS_TO_THE_ARCHIVE_AND_CHILDREN_AWAY = {
    "rules": [
        rule(1, ARCHIVE, tagStatus="tagged", tagPatternList=["*"]),
        rule(2, EXPIRE, tagStatus="untagged"),
    ]
}
UNTAGGED = {"rules": [rule(1, EXPIRE, tagStatus="untagged")]}


@pytest.fixture
def ecr(local_ecr: LocalEcr) -> LocalEcr:
    local_ecr.now = NOW
    local_ecr.create_repository(REPOSITORY)
    return local_ecr


def events(ecr: LocalEcr, name: str) -> list[dict[str, Any]]:
    attributes = [{"AttributeKey": "EventName", "AttributeValue": name}]
    found = ecr.client("cloudtrail").lookup_events(
        LookupAttributes=attributes, StartTime=NOW - timedelta(days=1), EndTime=NOW + timedelta(days=9)
    )
    return [json.loads(event["CloudTrailEvent"])["serviceEventDetails"] for event in found["Events"]]


def digests(entries: list[dict[str, Any]]) -> set[str]:
    return {entry["lifecycleEventImage"]["digest"] for entry in entries}


def statuses(ecr: LocalEcr) -> dict[str, str]:
    return {image.get_image_digest(): image.status for image in ecr.repository(REPOSITORY).local_images}


def test_children_expire_in_the_run_that_archives_their_list(ecr: LocalEcr) -> None:
    pushed = ecr.push_manifest_list(REPOSITORY, tags=["v1"], pushed_days_ago=5)
    ecr.put_policy(REPOSITORY, LISTS_TO_THE_ARCHIVE_AND_CHILDREN_AWAY)
    ecr.run_lifecycle_policies()
    (event,) = events(ecr, "PolicyExecutionEvent")
    assert digests(event["lifecycleEventImageActions"]) == {pushed.image_digest, *pushed.children}
    assert event["lifecycleEventFailureDetails"] == []
    assert statuses(ecr) == {pushed.image_digest: "ARCHIVED"}


def test_children_of_a_list_that_cannot_be_archived_stay_and_the_event_says_why(ecr: LocalEcr) -> None:
    pushed = ecr.push_manifest_list(REPOSITORY, tags=["v1"], pushed_days_ago=5)
    ecr.put_policy(REPOSITORY, LISTS_TO_THE_ARCHIVE_AND_CHILDREN_AWAY)
    ecr.run_lifecycle_policies(failing={pushed.image_digest: "KmsError"})
    (event,) = events(ecr, "PolicyExecutionEvent")
    assert event["lifecycleEventImageActions"] == []
    codes = {
        failure["lifecycleEventImage"]["digest"]: failure["failureCode"]
        for failure in event["lifecycleEventFailureDetails"]
    }
    assert codes == {
        pushed.image_digest: "KmsError",
        **dict.fromkeys(pushed.children, "ImageReferencedByManifestList"),
    }
    assert set(statuses(ecr).values()) == {"ACTIVE"}


def test_lists_of_lists_expire_from_the_outermost_inwards(ecr: LocalEcr) -> None:
    digest = ecr.push(REPOSITORY, pushed_days_ago=5)
    for number in range(30):
        manifest = json.dumps({"manifests": [{"digest": digest}], "number": number})
        digest = ecr.push(REPOSITORY, manifest=manifest, pushed_days_ago=5)
    ecr.put_policy(REPOSITORY, UNTAGGED)
    ecr.run_lifecycle_policies()
    assert statuses(ecr) == {}
    assert sum(len(event["lifecycleEventImageActions"]) for event in events(ecr, "PolicyExecutionEvent")) == 31


def test_a_preview_is_a_dry_run_event_once_it_ends(ecr: LocalEcr) -> None:
    digest = ecr.push(REPOSITORY, pushed_days_ago=5)
    ecr.preview_seconds = 60
    ecr.client().start_lifecycle_policy_preview(
        repositoryName=REPOSITORY, lifecyclePolicyText=json.dumps(UNTAGGED, indent=4)
    )
    assert events(ecr, "DryRunEvent") == []
    ecr.advance(seconds=61)
    (event,) = events(ecr, "DryRunEvent")
    assert digests(event["lifecycleEventImageActions"]) == {digest}
    assert events(ecr, "PolicyExecutionEvent") == []
    assert statuses(ecr) == {digest: "ACTIVE"}


def test_the_last_evaluation_moves_with_the_clock_and_the_run(ecr: LocalEcr) -> None:
    client = ecr.client()
    ecr.put_policy(REPOSITORY, UNTAGGED)

    def evaluated_at() -> datetime:
        return client.get_lifecycle_policy(repositoryName=REPOSITORY)["lastEvaluatedAt"]

    assert evaluated_at().timestamp() == 0
    ecr.run_lifecycle_policies()
    assert evaluated_at() == NOW
    ecr.advance(days=1)
    assert evaluated_at() == NOW
    ecr.run_lifecycle_policies()
    assert evaluated_at() == NOW + timedelta(days=1)
    assert client.delete_lifecycle_policy(repositoryName=REPOSITORY)["lastEvaluatedAt"] == NOW + timedelta(days=1)


def test_pushes_deletions_and_runs_reach_a_queue_by_a_rule_of_eventbridge(ecr: LocalEcr) -> None:
    queue = ecr.client("sqs").create_queue(QueueName="images")["QueueUrl"]
    bus = ecr.client("events")
    bus.put_rule(Name="images", EventPattern=json.dumps({"source": ["aws.ecr"]}))
    bus.put_targets(Rule="images", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:123456789012:images"}])
    first = ecr.push(REPOSITORY, tags=["v1"], pushed_days_ago=5)
    second = ecr.push(REPOSITORY, pushed_days_ago=5)
    ecr.client().batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": first}])
    ecr.put_policy(REPOSITORY, UNTAGGED)
    ecr.run_lifecycle_policies()
    messages = [
        json.loads(message["Body"])
        for _ in range(5)
        for message in ecr.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    ]
    actions = [message["detail"] for message in messages if message["detail-type"] == "ECR Image Action"]
    assert [(detail["action-type"], detail["image-digest"], detail["image-tag"]) for detail in actions] == [
        ("PUSH", first, "v1"),
        ("PUSH", second, ""),
        ("DELETE", first, "v1"),
        ("DELETE", second, ""),
    ]
    (run,) = [message for message in messages if message["detail-type"] == "AWS Service Event via CloudTrail"]
    assert run["detail"]["eventName"] == "PolicyExecutionEvent"
    assert run["resources"] == [ecr.repository(REPOSITORY).arn]


def test_changes_of_a_policy_reach_a_queue_with_who_made_them_and_refused_ones_do_not(ecr: LocalEcr) -> None:
    queue = ecr.client("sqs").create_queue(QueueName="policies")["QueueUrl"]
    bus = ecr.client("events")
    bus.put_rule(Name="policies", EventPattern=json.dumps({"detail-type": ["AWS API Call via CloudTrail"]}))
    bus.put_targets(Rule="policies", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:123456789012:policies"}])
    iam = ecr.client("iam")
    iam.create_user(UserName="anna")
    key = iam.create_access_key(UserName="anna")["AccessKey"]
    anna: Any = boto3.client(
        "ecr",
        endpoint_url=ecr.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    anna.put_lifecycle_policy(repositoryName=REPOSITORY, lifecyclePolicyText=json.dumps(UNTAGGED))
    with pytest.raises(ClientError):
        anna.put_lifecycle_policy(repositoryName=REPOSITORY, lifecyclePolicyText="{}" + " " * 100)
    ecr.client().delete_lifecycle_policy(repositoryName=REPOSITORY)
    bodies = [
        message["Body"]
        for _ in range(3)
        for message in ecr.client("sqs").receive_message(QueueUrl=queue).get("Messages", ())
    ]
    put, deleted = map(policy_event, bodies)
    assert put is not None
    assert deleted is not None
    assert (put.event_name, put.repository_name, put.region_name) == ("PutLifecyclePolicy", REPOSITORY, "us-east-1")
    assert put.changed_by == "arn:aws:iam::123456789012:user/anna"
    assert json.loads(put.lifecycle_policy_text or "") == UNTAGGED
    assert (deleted.event_name, deleted.lifecycle_policy_text) == ("DeleteLifecyclePolicy", None)
    found = ecr.client("cloudtrail").lookup_events()["Events"]
    assert {entry["EventId"] for entry in found} >= {put.event_id, deleted.event_id}


def test_archived_and_restored_images_are_events_of_eventbridge(ecr: LocalEcr) -> None:
    queue = ecr.client("sqs").create_queue(QueueName="storage")["QueueUrl"]
    image = ecr.push(REPOSITORY, tags=["v1"], pushed_days_ago=5)
    referrer = ecr.push(REPOSITORY, subject=image, artifact_media_type="text/sbom+json", pushed_days_ago=5)
    bus = ecr.client("events")
    bus.put_rule(Name="storage", EventPattern=json.dumps({"detail": {"action-type": ["UPDATE_STORAGE_CLASS"]}}))
    bus.put_targets(Rule="storage", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:123456789012:storage"}])
    ecr.put_policy(REPOSITORY, {"rules": [rule(1, ARCHIVE, tagStatus="any")]})
    ecr.run_lifecycle_policies()
    for digest in (image, referrer):
        ecr.client().update_image_storage_class(
            repositoryName=REPOSITORY, imageId={"imageDigest": digest}, targetStorageClass="STANDARD"
        )
    messages = [
        json.loads(message["Body"])
        for _ in range(4)
        for message in ecr.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    ]
    seen = {
        (message["detail-type"], message["detail"]["image-digest"], message["detail"]["target-storage-class"])
        for message in messages
    }
    assert seen == {
        (kind, digest, target)
        for kind, digest in (("ECR Image Action", image), ("ECR Referrer Action", referrer))
        for target in ("ARCHIVE", "STANDARD")
    }
    assert {message["detail"].get("last-activated-at", "")[:19] for message in messages} == {"", "2026-11-23T12:00:00"}
    assert {message["detail"]["artifact-media-type"] for message in messages} >= {"text/sbom+json"}
    assert all(message["resources"] == [] for message in messages)


def test_the_history_keeps_a_bounded_number_of_previews_and_of_their_images() -> None:
    history = EventHistory()
    for number in range(1_500):
        history.record_later("1", "us-east-1", "DryRunEvent", 1, lambda number=number: [event(number)])  # type: ignore[misc]
    assert [found.record for found in history] == [str(number) for number in range(500, 1_500)]
    history.record_later("1", "us-east-1", "DryRunEvent", 300_000, lambda: [event(-1)])
    assert [found.record for found in history] == ["-1"]


def event(number: int) -> HistoricEvent:
    return HistoricEvent("1", "us-east-1", NOW, str(number))
