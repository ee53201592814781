"""Preview what the applied policies would delete, ask a person, and delete exactly what was approved.

Without an approval, nothing is deleted. Set `dry_run` to false in the form to delete for good.
"""

from __future__ import annotations

# [START howto_ecr_clean_up_approved]
from datetime import timedelta
from pathlib import Path
from tempfile import gettempdir

from airflow.sdk import Param, dag

from airflow_provider_ecr_preview.operators.ecr_approval import EcrApproveCleanupOperator
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrDeletePreviewedImagesOperator
from airflow_provider_ecr_preview.operators.ecr_in_use import EcrCollectImagesInUseOperator

REPOSITORIES = ["payments/api", "payments/webhooks"]
REGION = "us-east-1"
# On several machines, a folder that all of them reach, such as s3://aws_default@my-reports/ecr.
REPORTS = Path(gettempdir(), "ecr-clean-up").as_uri()
# The tags that environments pull: the audit reports images with these tags, and the clean-up leaves them out.
PROTECTED_TAGS = ["latest", "live*", "prod*", "stable*"]


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
            description="Names of the repositories to clean up, one a line.",
        ),
        "dry_run": Param(
            True,
            type="boolean",
            title="Dry run",
            description="Delete nothing, even when approved. Switch it off to delete the approved images for good.",
        ),
        "reports_path": Param(
            REPORTS,
            type="string",
            examples=["s3://aws_default@my-reports/ecr"],
            title="Folder for reports",
            description_md="Where to write the approved images and what became of each of them: "
            "`s3://aws_default@my-reports/ecr` or `file:///...`.",
        ),
    },
)
def ecr_clean_up_approved() -> None:
    """Delete the images that a person approved."""
    audit = EcrAuditLifecyclePoliciesOperator(
        task_id="audit",
        repository_names="{{ params.repository_names }}",
        # A run over other repositories is compared with nothing.
        selection="{{ params.repository_names | join(', ') }}",
        region_name=REGION,
        reports_path="{{ params.reports_path }}",
        protected_tags=PROTECTED_TAGS,
        deferrable=True,
        retries=2,
        retry_delay=timedelta(seconds=10),
    )

    # What would really go after all checks: that is what the person is shown.
    in_use_before = EcrCollectImagesInUseOperator(
        task_id="in_use_before", sources=["ecs", "lambda"], region_names=[REGION]
    )
    plan = EcrDeletePreviewedImagesOperator(
        task_id="plan",
        summary=audit.output,
        in_use=in_use_before.output,
        protected_tags=PROTECTED_TAGS,
        dry_run=True,
    )
    # Shows DRY RUN or FOR GOOD; only what it shows can be deleted.
    approve = EcrApproveCleanupOperator(
        task_id="approve",
        summary=audit.output,
        dry_run_result=plan.output,
        dry_run="{{ params.dry_run }}",
        # The question and the answer; Airflow may delete its own record of them.
        question_path="{{ params.reports_path }}/approvals/{{ run_id }}.md",
        response_timeout=timedelta(hours=12),
    )
    # After the approval, so that the images in use at that time count.
    in_use = EcrCollectImagesInUseOperator(task_id="in_use", sources=["ecs", "lambda"], region_names=[REGION])
    clean_up = EcrDeletePreviewedImagesOperator(
        task_id="clean_up",
        summary=audit.output,
        approved=approve.output,
        in_use=in_use.output,
        protected_tags=PROTECTED_TAGS,
        # What became of every image.
        results_path="{{ params.reports_path }}/clean_ups/{{ run_id }}.jsonl.gz",
        dry_run="{{ params.dry_run }}",
    )
    approve >> in_use >> clean_up


ecr_clean_up_approved()
# [END howto_ecr_clean_up_approved]
