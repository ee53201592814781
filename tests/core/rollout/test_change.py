"""What a change has to put, and which policies it replaces, whatever its earlier attempts did already."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.change import (
    PolicyChange,
    former_policies_of,
    former_policies_would_be_kept,
    same_policy,
)
from airflow_provider_ecr_preview.core.rollout.former import FormerPolicy
from tests.support.builders import NOW, REGION, REGISTRY_ID
from tests.support.policies import policy, rule

WHERE = RepositoryId(REGISTRY_ID, REGION, "a")
ONE, TWO = policy(rule(countNumber=1)), policy(rule(countNumber=2))
ONE_IN_OTHER_WORDS = LifecyclePolicy.from_service(f" {ONE.text}\n")


def change(former: LifecyclePolicy | None, wanted: LifecyclePolicy | None, **fields: Any) -> PolicyChange:
    return PolicyChange(WHERE, wanted, former, **fields)


def earlier(former: LifecyclePolicy | None, replaced_by: LifecyclePolicy) -> FormerPolicy:
    return FormerPolicy(WHERE, former, replaced_by.fingerprint)


@pytest.mark.parametrize(
    ("former", "wanted", "same"),
    [
        (ONE, ONE_IN_OTHER_WORDS, True),
        (None, None, True),
        (ONE, TWO, False),
        (ONE, None, False),
        (None, ONE, False),
    ],
)
def test_a_change_is_needed_only_where_the_policy_is_another_or_missing(
    former: LifecyclePolicy | None, wanted: LifecyclePolicy | None, same: bool
) -> None:
    assert same_policy(former, wanted) is same
    assert change(former, wanted).is_needed is not same


def test_the_policy_before_is_the_one_before_the_earlier_attempt_even_if_that_was_none() -> None:
    assert change(ONE, TWO).policy_before is ONE
    assert change(TWO, TWO, earlier=earlier(ONE, TWO)).policy_before is ONE
    assert change(TWO, TWO, earlier=earlier(None, TWO)).policy_before is None


def test_a_replaced_policy_is_kept_with_what_took_its_place_by_whom_and_when() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=2)))
    assert former_policies_of([change(ONE, TWO, is_put=True), change(ONE, None)], "run", elsewhere) == [
        FormerPolicy(WHERE, ONE, TWO.fingerprint, "run", NOW.isoformat(), is_put=True),
        FormerPolicy(WHERE, ONE, None, "run", NOW.isoformat(), is_put=False),
    ]


def test_what_only_an_earlier_attempt_replaced_is_kept_too() -> None:
    (former,) = former_policies_of([change(TWO, TWO, earlier=earlier(ONE, TWO))], "run", NOW)
    assert former.policy is ONE


def test_a_policy_that_is_not_replaced_is_not_kept() -> None:
    assert former_policies_of([change(ONE, ONE_IN_OTHER_WORDS), change(None, None)], "run", NOW) == []


def test_a_file_keeps_the_former_policies_and_without_one_only_the_change_can_tell() -> None:
    check = former_policies_would_be_kept("s3://bucket/former.jsonl")
    assert (check.code, check.verdict) == ("former_policies_kept", "passed")
    assert "s3://bucket/former.jsonl" in check.message
    for path in (None, ""):
        check = former_policies_would_be_kept(path)
        assert (check.code, check.verdict, check.blocks) == ("former_policies_kept", "not_checked", False)
