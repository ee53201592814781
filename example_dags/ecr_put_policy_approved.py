"""Preview a candidate policy, ask a person, apply exactly what was previewed, and keep the former policies.

Without an approval, nothing is applied. Set `dry_run` to false in the form to apply the policy for good. To undo it,
trigger `ecr_restore_policies`.
"""

from __future__ import annotations

# [START howto_ecr_put_policy_approved]
from datetime import timedelta
from pathlib import Path
from tempfile import gettempdir

from airflow.sdk import Param, dag

from airflow_provider_ecr_preview.operators.ecr_approval import EcrApproveCleanupOperator
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrPutLifecyclePolicyOperator
from airflow_provider_ecr_preview.operators.ecr_in_use import EcrCollectImagesInUseOperator

REPOSITORIES = ["web/storefront", "web/checkout"]
REGION = "us-east-1"
# On several machines, a folder that all of them reach, such as s3://aws_default@my-reports/ecr.
REPORTS = Path(gettempdir(), "ecr-policies").as_uri()
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
            REPOSITORIES,
            type="array",
            items={"type": "string"},
            title="Repositories",
            description="Names of the repositories that get the policy, one a line.",
        ),
        "lifecycle_policy": Param(
            CANDIDATE,
            type="object",
            title="Candidate policy",
            description="The lifecycle policy to preview and apply, as JSON.",
        ),
        "dry_run": Param(
            True,
            type="boolean",
            title="Dry run",
            description="Apply nothing, even when approved. Switch it off to apply the approved policy for good.",
        ),
        "reports_path": Param(
            REPORTS,
            type="string",
            examples=["s3://aws_default@my-reports/ecr"],
            title="Folder for reports",
            description_md="Where to write the approved images, and the former policies for `ecr_restore_policies`: "
            "`s3://aws_default@my-reports/ecr` or `file:///...`.",
        ),
    },
)
def ecr_put_policy_approved() -> None:
    """Apply a policy that a person has approved."""
    audit = EcrAuditLifecyclePoliciesOperator(
        task_id="audit",
        repository_names="{{ params.repository_names }}",
        # A run over other repositories is compared with nothing.
        selection="{{ params.repository_names | join(', ') }}",
        region_name=REGION,
        lifecycle_policy_text="{{ params.lifecycle_policy }}",
        reports_path="{{ params.reports_path }}",
        deferrable=True,
        retries=2,
        retry_delay=timedelta(seconds=10),
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
        # The question and the answer; Airflow may delete its own record of them.
        question_path="{{ params.reports_path }}/approvals/{{ run_id }}.md",
        response_timeout=timedelta(hours=12),
    )
    in_use = EcrCollectImagesInUseOperator(task_id="in_use", sources=["ecs", "lambda"], region_names=[REGION])
    put = EcrPutLifecyclePolicyOperator(
        task_id="put",
        summary=audit.output,
        lifecycle_policy_text="{{ params.lifecycle_policy }}",
        approved=approve.output,
        in_use=in_use.output,
        former_policies_path="{{ params.reports_path }}/former_policies.jsonl.gz",
        dry_run="{{ params.dry_run }}",
    )
    approve >> in_use >> put


ecr_put_policy_approved()
# [END howto_ecr_put_policy_approved]
