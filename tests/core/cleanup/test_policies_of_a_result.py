"""The result of a dry run has the policy that decides, and the applied one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.cleanup.checks import decide
from airflow_provider_ecr_preview.core.cleanup.evidence import PreviewedPolicy
from airflow_provider_ecr_preview.core.cleanup.outcome import RepositoryCleanup, planned_cleanup
from airflow_provider_ecr_preview.core.cleanup.result import cleanup_xcom
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.values import json_size
from airflow_provider_ecr_preview.core.xcom.cleanup import MAX_CLEANUP_BYTES
from tests.support.builders import NOW
from tests.support.evidence import evidence
from tests.support.policies import keep, policy, rule, tagged

CANDIDATE, APPLIED = policy(*keep(15)["rules"]), policy(*keep(10)["rules"])


def cleanup(policy: PreviewedPolicy | None) -> RepositoryCleanup:
    decision = decide(replace(evidence(), policy=policy), CleanupSettings())
    return planned_cleanup(decision, "delete", run_is_blocked=False, dry_run=True)


def result(*cleanups: RepositoryCleanup, dry_run: bool = True) -> Any:
    return cleanup_xcom(cleanups, action="delete", dry_run=dry_run, run_checks=[], started_at=NOW, finished_at=NOW)


@pytest.mark.parametrize(
    ("applied", "fingerprint", "policies"),
    [
        (CANDIDATE, CANDIDATE.fingerprint, [CANDIDATE]),
        (APPLIED, APPLIED.fingerprint, [CANDIDATE, APPLIED]),
        (None, None, [CANDIDATE]),
    ],
)
def test_the_applied_policy_is_named_and_each_text_is_there_once(
    applied: LifecyclePolicy | None, fingerprint: str | None, policies: list[LifecyclePolicy]
) -> None:
    value = result(cleanup(PreviewedPolicy(CANDIDATE, applied)))
    assert value["repositories"][0]["applied_policy_fingerprint"] == fingerprint
    assert value["lifecycle_policies"] == {policy.fingerprint: policy.text for policy in policies}


def test_an_applied_policy_that_could_not_be_read_is_absent() -> None:
    value = result(cleanup(PreviewedPolicy(CANDIDATE, Unread("no."))), cleanup(None))
    assert all("applied_policy_fingerprint" not in repository for repository in value["repositories"])
    assert set(value["lifecycle_policies"]) == {CANDIDATE.fingerprint}


def test_a_result_in_earnest_has_no_policies() -> None:
    assert "lifecycle_policies" not in result(cleanup(None), dry_run=False)


def test_policies_without_room_go_before_anything_else() -> None:
    long = [tagged(priority, f"{'y' * 100}{priority}*") for priority in range(1, 100)]
    large = [policy(rule(200, description=f"{number}{'z' * 200}"), *long) for number in range(9)]
    cleanups = [cleanup(PreviewedPolicy(text, text)) for text in large]
    value = result(*cleanups)
    assert value["lifecycle_policies"] == {}
    assert json_size(value) <= MAX_CLEANUP_BYTES
    assert all(repository["checks"] for repository in value["repositories"])
