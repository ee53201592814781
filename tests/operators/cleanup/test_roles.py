"""Every role does its work with the IAM actions of its policy and no others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ecr_preview.iam import role_actions
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.seeds import seed_registry
from airflow_provider_ecr_preview.operators.ecr_audit import (
    EcrAuditLifecyclePoliciesOperator,
    EcrListRepositoriesOperator,
)
from airflow_provider_ecr_preview.operators.ecr_cleanup import (
    EcrPutLifecyclePolicyOperator,
    EcrRestoreLifecyclePolicyOperator,
)
from airflow_provider_ecr_preview.operators.ecr_compare import EcrCompareLifecyclePoliciesOperator
from tests.support.contexts import audit_context
from tests.support.policies import keep

REPOSITORY = "payments/api"

changes_registry = pytest.mark.changes_registry


def act_as(ecr: LocalEcr, role: str) -> list[str]:
    """Deny every action of ECR that the policy of a role does not allow, and return those that were denied."""
    operations = set(ecr.client().meta.service_model.operation_names)
    denied = sorted(operations - {action.partition(":")[2] for action in role_actions(role)})
    for operation in denied:
        ecr.deny(f"ecr:{operation}")
    return denied


def test_the_auditor_audits_a_whole_registry_with_every_mutating_action_denied(local_ecr: LocalEcr) -> None:
    seed_registry(local_ecr, "team", seed=0)
    local_ecr.preview_seconds = 0.1
    names = [repository["repositoryName"] for repository in local_ecr.client().describe_repositories()["repositories"]]
    denied = act_as(local_ecr, "auditor")
    assert {"BatchDeleteImage", "PutLifecyclePolicy", "DeleteLifecyclePolicy", "UpdateImageStorageClass"} <= {*denied}
    listed = EcrListRepositoriesOperator(task_id="list", region_name="us-east-1").execute(audit_context())
    audit = EcrAuditLifecyclePoliciesOperator(
        task_id="audit", repository_names=listed, region_name="us-east-1", audit_id="a"
    ).execute(audit_context())
    assert sorted(listed) == sorted(names)
    assert (audit["repository_count"], audit["failed_count"]) == (len(names), 0)
    assert audit["previewed_count"] + audit["without_policy_count"] == len(names)
    compared = EcrCompareLifecyclePoliciesOperator(
        task_id="compare",
        repository_names=["payments/api"],
        lifecycle_policy_text=local_ecr.repository("payments/fraud-rules").lifecycle_policy,
        fail_on_finding=None,
        region_name="us-east-1",
    ).execute(audit_context())
    assert compared["repository_count"] == 1
    assert not local_ecr.calls.mutating


@changes_registry
def test_the_cleaner_cleans_up_with_its_own_actions(bench: Any) -> None:
    summary = bench.preview()
    act_as(bench.ecr, "cleaner")
    result = bench.clean_up(summary)
    assert (result["status"], result["touched_image_count"]) == ("done", 10)


@changes_registry
def test_the_cleaner_archives_with_its_own_actions(bench: Any) -> None:
    summary = bench.preview()
    act_as(bench.ecr, "cleaner")
    assert bench.clean_up(summary, action="archive")["touched_image_count"] == 10


@changes_registry
def test_the_approver_puts_and_restores_policies_with_its_own_actions_and_cannot_delete_images(
    bench: Any, in_use: Any
) -> None:
    summary = bench.preview(lifecycle_policy_text=keep(12))
    denied = act_as(bench.ecr, "approver")
    assert {"BatchDeleteImage", "UpdateImageStorageClass"} <= {*denied}
    applied = EcrPutLifecyclePolicyOperator(
        task_id="put",
        summary=summary,
        lifecycle_policy_text=keep(12),
        in_use=in_use(),
        dry_run=False,
        poll_interval=0.05,
    ).execute(audit_context())
    assert applied["status"] == "changed"
    restored = EcrRestoreLifecyclePolicyOperator(task_id="restore", applied=applied, dry_run=False).execute(
        audit_context()
    )
    assert restored["status"] == "changed"
    assert json.loads(bench.ecr.repository(REPOSITORY).lifecycle_policy) == keep(10)
