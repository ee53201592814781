"""The policies behind a clean-up, as the person who approves it reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.display.policy_diff import MAX_DIFFERENCES, cleanup_policies
from tests.support.policies import keep

TEN, FIFTEEN = (LifecyclePolicy.parse(keep(count)) for count in (10, 15))
POLICIES = {policy.fingerprint: policy.text for policy in (TEN, FIFTEEN)}


def shown(result: Any) -> str:
    return "\n".join(cleanup_policies(result))


def of_one(**fields: Any) -> str:
    repository = {"repository_name": "team/a", "policy_fingerprint": FIFTEEN.fingerprint, **fields}
    return shown({"lifecycle_policies": POLICIES, "repositories": [repository]})


def test_the_applied_policy_is_shown_as_it_is() -> None:
    text = of_one(applied_policy_fingerprint=FIFTEEN.fingerprint)
    assert "`team/a`: this policy decides, and it is the applied one." in text
    assert '"countNumber": 15' in text


def test_a_candidate_is_shown_whole_with_its_difference() -> None:
    text = of_one(applied_policy_fingerprint=TEN.fingerprint)
    assert "`team/a`: a candidate decides, which is not applied." in text
    lines = [line.replace(" ", "").rstrip(",") for line in text.split("\n")]
    assert {'-"countNumber":10', '+"countNumber":15', '"rules":['} <= {*lines}


def test_that_no_policy_is_applied_differs_from_one_that_was_not_read() -> None:
    assert "No policy is applied." in of_one(applied_policy_fingerprint=None)
    assert "could not be read" in of_one()


def test_a_policy_that_changed_since_its_preview_is_not_shown() -> None:
    repository = {"repository_name": "team/a", "policy_fingerprint": "0"}
    assert shown({"lifecycle_policies": {}, "repositories": [repository]}) == ""


@pytest.mark.parametrize("count", [1, MAX_DIFFERENCES + 2])
def test_more_policies_than_are_shown_are_counted(count: int) -> None:
    policies = [LifecyclePolicy.parse(json.dumps(keep(number))) for number in range(1, count + 1)]
    texts = {policy.fingerprint: policy.text for policy in policies}
    repositories = [
        {"repository_name": f"team/{name}", "policy_fingerprint": key, "applied_policy_fingerprint": key}
        for key in texts
        for name in range(5)
    ]
    text = shown({"lifecycle_policies": texts, "repositories": repositories})
    assert "`team/0`, `team/1`, `team/2` and 2 more" in text
    assert ("2 more policies are in the tab of the dry run." in text) == (count > MAX_DIFFERENCES)


def test_policies_without_room_in_the_result_are_not_passed_over() -> None:
    repository = {"repository_name": "team/a", "policy_fingerprint": "0", "applied_policy_fingerprint": "0"}
    assert "has no room for the policies" in shown({"lifecycle_policies": {}, "repositories": [repository]})
