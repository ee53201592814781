"""Preview a candidate policy, ask a person, apply exactly what was previewed, and keep the former policies.

Without an approval, nothing is applied. Set `dry_run` to false in the form to apply the policy for good. To undo it,
trigger `ecr_restore_policies` with the id of the run.
"""

from __future__ import annotations

# [START howto_ecr_put_policy_approved]
from datetime import timedelta

from airflow.sdk import Param, dag

from airflow_provider_ecr_preview.operators.ecr_approval import EcrApproveCleanupOperator
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrPutLifecyclePolicyOperator
from airflow_provider_ecr_preview.operators.ecr_in_use import EcrCollectImagesInUseOperator

REPOSITORIES = ["payments/api", "payments/webhooks"]
REGION = "us-east-1"
CANDIDATE = {
    "rules": [
        {
            "rulePriority": 1,
            "description": "Untagged leftovers go after 90 days",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": 90,
            },
            "action": {"type": "expire"},
        }
    ]
}


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    tags=["ecr", "example"],
    doc_md=__doc__,
    render_template_as_native_obj=True,
    params={
        "repository_names": Param(
            REPOSITORIES, type="array", items={"type": "string"}, examples=REPOSITORIES, title="Repositories"
        ),
        "lifecycle_policy": Param(CANDIDATE, type="object", title="Candidate policy"),
        "dry_run": Param(True, type="boolean", title="Dry run", description="Apply nothing, even when approved."),
    },
)
def ecr_put_policy_approved() -> None:
    """Apply a policy that a person has approved."""
    audit = EcrAuditLifecyclePoliciesOperator(
        task_id="audit",
        repository_names="{{ params.repository_names }}",
        region_name=REGION,
        lifecycle_policy_text="{{ params.lifecycle_policy }}",
        deferrable=True,
    )

    # What would block, and how the policies differ from those that are applied: that is what the person is shown.
    in_use_before = EcrCollectImagesInUseOperator(
        task_id="in_use_before", sources=["ecs", "lambda"], region_names=[REGION]
    )
    plan = EcrPutLifecyclePolicyOperator(
        task_id="plan",
        summary=audit.output,
        lifecycle_policy_text="{{ params.lifecycle_policy }}",
        in_use=in_use_before.output,
        dry_run=True,
    )
    # Shows DRY RUN or FOR GOOD; only what it shows can be applied.
    approve = EcrApproveCleanupOperator(
        task_id="approve",
        summary=audit.output,
        action="put",
        dry_run_result=plan.output,
        dry_run="{{ params.dry_run }}",
        response_timeout=timedelta(hours=12),
    )
    in_use = EcrCollectImagesInUseOperator(task_id="in_use", sources=["ecs", "lambda"], region_names=[REGION])
    put = EcrPutLifecyclePolicyOperator(
        task_id="put",
        summary=audit.output,
        lifecycle_policy_text="{{ params.lifecycle_policy }}",
        approved=approve.output,
        in_use=in_use.output,
        dry_run="{{ params.dry_run }}",
    )
    approve >> in_use >> put


ecr_put_policy_approved()
# [END howto_ecr_put_policy_approved]
