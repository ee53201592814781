"""Preview a repository every day, and check a day later whether ECR did what the preview listed."""

from __future__ import annotations

# [START howto_ecr_reconcile]
from datetime import timedelta
from pathlib import Path
from tempfile import gettempdir

from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.sdk import Param, dag

from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from airflow_provider_ecr_preview.operators.ecr_reconcile import EcrReconcileLifecycleOperator

REPOSITORY = "{{ params.repository_name }}"
# On several machines, a folder that all of them reach, such as s3://aws_default@my-reports/ecr.
REPORTS = Path(gettempdir(), "ecr").as_uri()


@dag(
    schedule="@daily",
    catchup=False,
    max_active_runs=3,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["ecr", "example"],
    doc_md=__doc__,
    params={
        "repository_name": Param(
            "payments/api",
            type="string",
            examples=["payments/api", "data/nightly-report"],
            title="Repository",
            description="Name of the repository to preview today and to check tomorrow.",
        ),
        "reports_path": Param(
            REPORTS,
            type="string",
            examples=["s3://aws_default@my-reports/ecr"],
            title="Folder for reports",
            description_md="Where to write the previewed images and what happened to each: `s3://aws_default@my-reports/ecr` or `file:///...`.",
        ),
    },
)
def ecr_reconcile() -> None:
    """Compare a preview with what happened."""
    start = EcrStartLifecyclePolicyPreviewOperator(
        task_id="start",
        repository_name=REPOSITORY,
        wait_for_completion=True,
        deferrable=True,
        retries=2,
        retry_delay=timedelta(seconds=10),
    )
    summarize = EcrSummarizeLifecyclePolicyPreviewOperator(
        task_id="summarize",
        repository_name=REPOSITORY,
        images_path="{{ params.reports_path }}/reconcile/{{ run_id }}.jsonl.gz",
    )
    # ECR acts within a day, and the event is in CloudTrail some minutes later.
    a_day_later = TimeDeltaSensor(task_id="a_day_later", delta=timedelta(hours=25), deferrable=True)
    reconcile = EcrReconcileLifecycleOperator(
        task_id="reconcile",
        summary=summarize.output,
        results_path="{{ params.reports_path }}/reconciled/{{ run_id }}.jsonl.gz",
    )
    start >> summarize >> a_day_later >> reconcile


ecr_reconcile()
# [END howto_ecr_reconcile]
