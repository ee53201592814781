"""A dry run hands on the policy that decides, and the applied one, for the person who approves."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.display.policy_diff import cleanup_policies
from airflow_provider_ecr_preview.local.faults import AccessDenied
from tests.operators.cleanup.collected import REPOSITORY
from tests.support.policies import keep


def fingerprint(policy: Any) -> str:
    return LifecyclePolicy.parse(policy).fingerprint


def shown(result: Any) -> str:
    return "\n".join(cleanup_policies(result))


def test_the_applied_policy_is_shown_as_it_is(bench: Any) -> None:
    result = bench.clean_up(bench.preview(), dry_run=True)
    assert result["repositories"][0]["applied_policy_fingerprint"] == fingerprint(keep(10))
    assert set(result["lifecycle_policies"]) == {fingerprint(keep(10))}
    assert f"`{REPOSITORY}`: this policy decides, and it is the applied one." in shown(result)
    assert '"countNumber": 10' in shown(result)


def test_a_candidate_is_shown_with_its_difference_to_the_applied_policy(bench: Any) -> None:
    candidate = keep(15, description="Keep 15")
    summary = bench.preview(lifecycle_policy_text=candidate)
    result = bench.clean_up(summary, lifecycle_policy_text=candidate, dry_run=True)
    text = shown(result)
    assert f"`{REPOSITORY}`: a candidate decides, which is not applied." in text
    lines = [line.replace(" ", "").rstrip(",") for line in text.split("\n")]
    assert '-"countNumber":10' in lines
    assert '+"countNumber":15' in lines
    assert '"rules":[' in lines  # the whole policy, not only what differs
    assert "Keep 15" in text


@pytest.mark.changes_registry
def test_a_candidate_of_a_repository_without_a_policy_says_so(bench: Any) -> None:
    bench.ecr.client().delete_lifecycle_policy(repositoryName=REPOSITORY)
    summary = bench.preview(lifecycle_policy_text=keep(15))
    result = bench.clean_up(summary, lifecycle_policy_text=keep(15), dry_run=True)
    assert result["repositories"][0]["applied_policy_fingerprint"] is None
    assert "this candidate decides. No policy is applied." in shown(result)


def test_an_applied_policy_that_cannot_be_read_does_not_count_as_no_policy(bench: Any) -> None:
    summary = bench.preview(lifecycle_policy_text=keep(15))
    bench.ecr.inject(AccessDenied(), "GetLifecyclePolicy", calls=None)
    result = bench.clean_up(summary, lifecycle_policy_text=keep(15), dry_run=True)
    assert "applied_policy_fingerprint" not in result["repositories"][0]
    assert "could not be read" in shown(result)
    assert result["status"] == "dry_run"
