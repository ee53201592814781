"""A DAG that audits, asks a person, and cleans up, as its author writes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task

from airflow_provider_ecr_preview.assets import audit_asset
from airflow_provider_ecr_preview.operators.ecr_approval import EcrApproveCleanupOperator
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_cleanup import (
    EcrDeletePreviewedImagesOperator,
    EcrPutLifecyclePolicyOperator,
    EcrRestoreLifecyclePolicyOperator,
)
from airflow_provider_ecr_preview.operators.ecr_in_use import EcrCollectImagesInUseOperator
from airflow_provider_ecr_preview.operators.ecr_reconcile import EcrReconcileLifecycleOperator
from airflow_provider_ecr_preview.policy import LifecyclePolicy
from airflow_provider_ecr_preview.xcom import AuditXCom, PreviewSummaryXCom

KEEP_TEN = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10},
            "action": {"type": "expire"},
        }
    ]
}


@task
def newest_audit() -> AuditXCom:
    raise NotImplementedError


@task
def protected_tags() -> list[str]:
    return ["prod*"]


@dag(schedule=None, params={"dry_run": Param(True, type="boolean")}, render_template_as_native_obj=True)
def outputs_of_other_tasks() -> None:
    audit = EcrAuditLifecyclePoliciesOperator(
        task_id="audit",
        repository_names=["payments/api"],
        lifecycle_policy_text=KEEP_TEN,
        protected_tags=protected_tags(),
        outlets=[audit_asset("platform")],
        deferrable=True,
        retries=2,
    )
    approve = EcrApproveCleanupOperator(
        task_id="approve",
        summary=audit.output,
        dry_run="{{ params.dry_run }}",
        response_timeout=timedelta(hours=12),
        assigned_users=[],
    )
    in_use = EcrCollectImagesInUseOperator(
        task_id="in_use",
        sources=["ecs", "lambda"],
        region_names=["eu-central-1"],
        reference_list=[{"image": "payments/api:v1"}],
    )
    clean_up = EcrDeletePreviewedImagesOperator(
        task_id="clean_up",
        summary=audit.output,
        approved=approve.output,
        in_use=in_use.output,
        required_scope=["123456789012", "123456789012/us-east-1"],
        protected_tags=protected_tags(),
        max_images=None,
        max_share="{{ params.max_share }}",
        max_preview_age=timedelta(hours=2),
        min_age_days=7,
        dry_run="{{ params.dry_run }}",
        action="archive",
        on_blocked="skip",
        retries=2,
        pool="ecr",
    )
    apply = EcrPutLifecyclePolicyOperator(
        task_id="apply",
        summary=[audit.output, newest_audit()],
        lifecycle_policies={"payments/*": KEEP_TEN, "shop/*": None},
        approved="{{ ti.xcom_pull('approve')['digest'] }}",
        in_use=in_use.output,
        dry_run=False,
    )
    restore = EcrRestoreLifecyclePolicyOperator(task_id="restore", applied=apply.output, dry_run=True)
    reconcile = EcrReconcileLifecycleOperator(task_id="reconcile", summary=audit.output, fail_on="never")
    approve >> in_use >> [clean_up, apply]
    apply >> restore >> reconcile


def values_in_place_of_outputs(
    summary: PreviewSummaryXCom, audit: AuditXCom, policy: LifecyclePolicy, in_use: dict[str, Any]
) -> None:
    EcrDeletePreviewedImagesOperator(task_id="one", summary=summary, in_use=in_use, lifecycle_policy_text=policy.text)
    EcrDeletePreviewedImagesOperator(task_id="several", summary=[summary, summary], previous_summaries=[summary])
    EcrDeletePreviewedImagesOperator(task_id="audit", summary=audit, check_only=True, required_scope=123456789012)
    EcrDeletePreviewedImagesOperator(task_id="names", summary=["payments/api"], check_only="{{ params.check_only }}")
    EcrApproveCleanupOperator(task_id="approve", summary=[audit, audit], action="put")
    EcrReconcileLifecycleOperator(task_id="reconcile", summary=[summary])
