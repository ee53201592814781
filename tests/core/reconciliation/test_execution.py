"""An event of CloudTrail is understood, or said not to be; it is never nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.reconciliation.execution import (
    PolicyExecution,
    UnreadExecution,
    parse_execution,
)
from tests.support.builders import REGION, REGISTRY_ID, REPOSITORY, digest

RULE = {
    "rulePriority": 1,
    "description": "",
    "lifecycleEventSelection": {
        "tagStatus": "Tagged",
        "tagPrefixList": ["v"],
        "tagPatternList": [],
        "countType": "Time since image pushed",
        "countNumber": 30,
    },
    "action": "expire",
}
BY_COUNT = {
    **RULE,
    "lifecycleEventSelection": {"tagStatus": "Any", "countType": "Image count more than", "countNumber": 1},
}


def details(**fields: Any) -> dict[str, Any]:
    return {
        "repositoryName": REPOSITORY,
        "lifecycleEventPolicy": {"lifecycleEventRules": [RULE]},
        "lifecycleEventImageActions": [
            {"lifecycleEventImage": {"digest": digest(1), "tagList": ["v1"]}, "rulePriority": 1}
        ],
        "lifecycleEventFailureDetails": [{"lifecycleEventImage": {"digest": digest(2)}, "rulePriority": 7}],
        **fields,
    }


def entry(told: Any = None, **fields: Any) -> dict[str, Any]:
    record = {
        "eventID": "e-1",
        "eventTime": "2026-11-23T12:00:00Z",
        "recipientAccountId": REGISTRY_ID,
        "awsRegion": REGION,
        "serviceEventDetails": details() if told is None else told,
        **fields,
    }
    return {"EventId": "e-1", "CloudTrailEvent": json.dumps(record)}


def parsed(told: Any = None, **fields: Any) -> PolicyExecution:
    execution = parse_execution(entry(told, **fields))
    assert isinstance(execution, PolicyExecution), execution
    return execution


def test_an_event_says_what_happened_to_which_image() -> None:
    execution = parsed()
    assert str(execution.repository) == f"{REPOSITORY} ({REGISTRY_ID}, {REGION})"
    expired, failed = execution.images
    assert (expired.image_digest, expired.image_tags, expired.action) == (digest(1), ("v1",), "EXPIRE")
    assert (failed.action, failed.failure_code) == (None, "not_told")


def test_an_empty_description_may_stand_for_a_missing_one() -> None:
    rule = {
        "rulePriority": 1,
        "selection": {
            "tagStatus": "tagged",
            "tagPrefixList": ["v"],
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": 30,
        },
        "action": {"type": "expire"},
    }
    texts = [json.dumps({"rules": [of]}) for of in (rule, {**rule, "description": ""})]
    fingerprints = {LifecyclePolicy.from_service(text).fingerprint for text in texts}
    assert parsed().policy_fingerprints == fingerprints
    described = {"lifecycleEventRules": [{**BY_COUNT, "description": "Keep one."}]}
    assert len(parsed(details(lifecycleEventPolicy=described)).policy_fingerprints) == 1


@pytest.mark.parametrize(
    ("action", "known"),
    [("expire", "EXPIRE"), ("Transition", "TRANSITION"), ("archive", "TRANSITION"), ("melt", None), (7, None)],
)
def test_a_word_for_an_action_that_is_not_known_is_no_action(action: Any, known: str | None) -> None:
    policy = {"lifecycleEventRules": [{**RULE, "action": action}]}
    execution = parsed(details(lifecycleEventPolicy=policy))
    assert execution.images[0].action == known
    assert bool(execution.policy_fingerprints) is (action == "expire")


def test_an_event_without_a_policy_or_failures_is_read() -> None:
    execution = parsed(details(lifecycleEventPolicy=None, lifecycleEventFailureDetails=None))
    assert (len(execution.images), execution.policy_fingerprints) == (1, frozenset())


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({}, None),
        ({"EventId": "e-1", "CloudTrailEvent": "{"}, None),
        (entry(details(repositoryName="")), None),
        (entry(eventTime="2026-11-23T12:00:00"), REPOSITORY),
        (entry(eventTime=7), REPOSITORY),
        (entry(details(lifecycleEventImageActions=[{"lifecycleEventImage": {}}])), REPOSITORY),
    ],
)
def test_what_is_not_understood_is_said_with_its_repository_as_far_as_that_is_known(
    value: dict[str, Any], name: str | None
) -> None:
    unread = parse_execution(value)
    assert isinstance(unread, UnreadExecution)
    assert unread.repository_name == name
    assert unread.reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)
)


@given(st.sampled_from(sorted(details())), JSON)
def test_no_shape_of_an_event_raises(field: str, value: Any) -> None:
    assert isinstance(parse_execution(entry(details(**{field: value}))), PolicyExecution | UnreadExecution)
