from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.policy.candidates import CandidatePolicies
from tests.support.policies import keep


def kept(policies: CandidatePolicies, repository_name: str) -> int | None:
    chosen = policies.policy_of(repository_name)
    return None if chosen is None else chosen.rules[0].count_number


@pytest.mark.parametrize("text", [None, "", " ", "None"])
def test_without_a_candidate_the_applied_policy_is_previewed(text: str | None) -> None:
    assert CandidatePolicies(text).policy_of("payments/api") is None


@pytest.mark.parametrize("text", [keep(3), json.dumps(keep(3))])
def test_one_candidate_is_for_all(text: Any) -> None:
    assert kept(CandidatePolicies(text), "payments/api") == 3


@pytest.mark.parametrize("as_json", [False, True])
def test_the_first_glob_that_matches_decides(as_json: bool) -> None:
    by_glob: dict[str, Any] = {"payments/api": keep(1), "payments/*": keep(2), "web/*": None}
    policies = CandidatePolicies(keep(3), json.dumps(by_glob) if as_json else by_glob)
    names = ("payments/api", "payments/worker", "web/search", "ml/training")
    assert [kept(policies, name) for name in names] == [1, 2, None, 3]


def test_every_policy_is_checked_and_the_error_names_policy_and_rule() -> None:
    with pytest.raises(InvalidLifecyclePolicyError) as raised:
        CandidatePolicies(keep(0), {"web/*": keep(1), "ml/*": keep(-1)})
    assert [finding.rule_priority for finding in raised.value.findings] == [1, 1]
    assert "'ml/*'" in str(raised.value)
    assert "'web/*'" not in str(raised.value)


@pytest.mark.parametrize("mapping", ["{", "[]", '"text"'])
def test_what_is_no_mapping_of_policies_is_refused(mapping: str) -> None:
    with pytest.raises(ValueError, match="lifecycle_policies is"):
        CandidatePolicies(None, mapping)


def test_the_policies_are_there_under_the_names_they_were_given() -> None:
    by_name = CandidatePolicies(None, {"one": keep(1), "applied": None}).by_name
    assert [name for name, found in by_name.items() if found] == ["one"]
