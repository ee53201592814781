"""Who changed a lifecycle policy, as a message of a queue says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.policy_event import policy_event
from tests.support.builders import REGION, REGISTRY_ID, REPOSITORY

POLICY = '{"rules": []}'


def event(name: str = "PutLifecyclePolicy", **detail: Any) -> dict[str, Any]:
    request = {"registryId": REGISTRY_ID, "repositoryName": REPOSITORY, "lifecyclePolicyText": POLICY}
    return {
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.ecr",
        "account": REGISTRY_ID,
        "region": REGION,
        "detail": {
            "eventID": "8c2f",
            "eventName": name,
            "eventSource": "ecr.amazonaws.com",
            "eventTime": "2026-11-23T12:00:00Z",
            "awsRegion": REGION,
            "recipientAccountId": REGISTRY_ID,
            "sourceIPAddress": "192.0.2.1",
            "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/admin/anna"},
            "requestParameters": request,
            **detail,
        },
    }


def test_a_change_says_who_changed_which_policy_and_when() -> None:
    found = policy_event(json.dumps(event()))
    assert found is not None
    assert found.as_dict() == {
        "event_id": "8c2f",
        "event_name": "PutLifecyclePolicy",
        "changed_at": "2026-11-23T12:00:00+00:00",
        "registry_id": REGISTRY_ID,
        "region_name": REGION,
        "repository_name": REPOSITORY,
        "changed_by": "arn:aws:sts::123456789012:assumed-role/admin/anna",
        "source_ip_address": "192.0.2.1",
        "lifecycle_policy_text": POLICY,
    }


def test_a_deleted_policy_has_no_text() -> None:
    found = policy_event(json.dumps(event("DeleteLifecyclePolicy", requestParameters={"repositoryName": REPOSITORY})))
    assert found is not None
    assert (found.registry_id, found.lifecycle_policy_text) == (REGISTRY_ID, None)


def test_a_message_may_come_through_sns() -> None:
    message = {"Type": "Notification", "Message": json.dumps(event())}
    assert policy_event(json.dumps(message)) == policy_event(json.dumps(event()))


@pytest.mark.parametrize(
    ("identity", "caller"),
    [
        ({"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}, "cloudformation.amazonaws.com"),
        ({"type": "Root"}, "Root"),
        ({}, "unknown"),
        (None, "unknown"),
    ],
)
def test_the_caller_is_named_as_far_as_it_is_known(identity: Any, caller: str) -> None:
    found = policy_event(json.dumps(event(userIdentity=identity)))
    assert found is not None
    assert found.changed_by == caller


@pytest.mark.parametrize(
    "other", [event("StartLifecyclePolicyPreview"), event("PutImage"), event(errorCode="AccessDenied")]
)
def test_a_preview_another_call_and_a_call_that_failed_are_no_change(other: dict[str, Any]) -> None:
    assert policy_event(json.dumps(other)) is None


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "[" * 100_000,
        "[]",
        "{}",
        json.dumps({"Type": "Notification", "Message": "3"}),
        json.dumps(event(requestParameters=None)),
        json.dumps(event(requestParameters={"repositoryName": REPOSITORY})),
        json.dumps(event(eventTime="noon")),
        json.dumps(event(eventTime=None)),
    ],
)
def test_a_message_that_cannot_be_read_may_be_about_a_change(message: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        policy_event(message)


JSON = st.recursive(
    st.none() | st.text(max_size=3) | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*event()["detail"], "errorCode"]), JSON, max_size=3))
def test_any_message_is_read_or_refused(detail: dict[str, Any]) -> None:
    try:
        found = policy_event(json.dumps(event(**detail)))
    except ValueError:
        found = None
    assert found is None or found.event_name in ("PutLifecyclePolicy", "DeleteLifecyclePolicy")
