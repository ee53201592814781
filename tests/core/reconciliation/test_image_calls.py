"""A call that deleted or archived images is understood, left out because ECR refused it, or said to be unreadable."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.reconciliation.execution import UnreadExecution
from airflow_provider_ecr_preview.core.reconciliation.image_calls import ImageCall, parse_image_call, parse_image_calls
from airflow_provider_ecr_preview.core.repository import RepositoryId
from tests.support.builders import REGION, REGISTRY_ID, REPOSITORY, digest

CALLER = "arn:aws:sts::123456789012:assumed-role/cleaner/session"
OTHER_ACCOUNT = "000000000001"


def entry(**fields: Any) -> dict[str, Any]:
    """Return the event of a call that deleted images 1 and 2."""
    record = {
        "eventID": "e-1",
        "eventTime": "2026-11-23T12:00:00Z",
        "recipientAccountId": REGISTRY_ID,
        "awsRegion": REGION,
        "userIdentity": {"arn": CALLER},
        "requestParameters": {"repositoryName": REPOSITORY},
        "responseElements": {"imageIds": [{"imageDigest": digest(1), "imageTag": "v1"}, {"imageDigest": digest(2)}]},
        **fields,
    }
    return {"EventId": "e-1", "CloudTrailEvent": json.dumps(record)}


def parsed(**fields: Any) -> ImageCall:
    call = parse_image_call(entry(**fields))
    assert isinstance(call, ImageCall), call
    return call


def unread(of: dict[str, Any]) -> UnreadExecution:
    call = parse_image_call(of)
    assert isinstance(call, UnreadExecution), call
    return call


def test_a_deletion_tells_when_who_deleted_which_images() -> None:
    assert parsed() == ImageCall(
        "e-1",
        datetime(2026, 11, 23, 12, tzinfo=UTC),
        RepositoryId(REGISTRY_ID, REGION, REPOSITORY),
        frozenset({digest(1), digest(2)}),
        CALLER,
    )


def test_only_the_images_that_ecr_names_in_its_reply_are_deleted() -> None:
    asked = {"repositoryName": REPOSITORY, "imageIds": [{"imageDigest": digest(1)}, {"imageDigest": digest(2)}]}
    reply = {"imageIds": [{"imageDigest": digest(1)}], "failures": [{"imageId": {"imageDigest": digest(2)}}]}
    assert parsed(requestParameters=asked, responseElements=reply).image_digests == {digest(1)}
    assert parsed(requestParameters=asked, responseElements={"imageIds": []}).image_digests == frozenset()


def test_archiving_names_a_single_image() -> None:
    reply = {"imageId": {"imageDigest": digest(3)}, "imageStatus": "ARCHIVED"}
    assert parsed(responseElements=reply).image_digests == {digest(3)}


def test_the_registry_of_the_request_comes_before_the_account_of_the_event() -> None:
    asked = {"repositoryName": REPOSITORY, "registryId": OTHER_ACCOUNT}
    assert parsed(requestParameters=asked).repository.registry_id == OTHER_ACCOUNT


def test_a_refused_call_did_nothing() -> None:
    assert parse_image_call(entry(errorCode="AccessDenied", responseElements=None)) is None


def test_of_several_calls_only_the_refused_are_left_out() -> None:
    refused, lost = entry(errorCode="AccessDenied", responseElements=None), {"EventId": "e-2", "CloudTrailEvent": "{"}
    done, broken = parse_image_calls([refused, entry(), lost])
    assert (done, broken) == (parsed(), unread(lost))


@pytest.mark.parametrize(
    "fields",
    [
        {"responseElements": None},
        {"responseElements": {}},
        {"responseElements": {"imageIds": [{"imageTag": "v1"}]}},
        {"eventTime": "yesterday"},
        {"eventTime": "2026-01-02T03:04:05"},
        {"userIdentity": {"type": "AWSService"}},
    ],
)
def test_an_event_that_lacks_something_is_unread_and_names_its_repository(fields: dict[str, Any]) -> None:
    call = unread(entry(**fields))
    assert (call.event_id, call.repository_name) == ("e-1", REPOSITORY)


@pytest.mark.parametrize(
    "of",
    [
        entry(requestParameters=None),
        {"EventId": "e-1"},
        {"EventId": "e-1", "CloudTrailEvent": "{"},
        {"EventId": "e-1", "CloudTrailEvent": "[]"},
    ],
)
def test_an_unread_event_without_a_repository_may_be_about_any(of: dict[str, Any]) -> None:
    call = unread(of)
    assert (call.event_id, call.repository_name) == ("e-1", None)
    assert call.reason
