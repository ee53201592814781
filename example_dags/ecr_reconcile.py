"""Preview a repository every day, and check a day later whether ECR did what the preview listed."""

from __future__ import annotations

# [START howto_ecr_reconcile]
from datetime import timedelta

from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.sdk import Param, dag

from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from airflow_provider_ecr_preview.operators.ecr_reconcile import EcrReconcileLifecycleOperator

REPOSITORY = "{{ params.repository_name }}"


@dag(
    schedule="@daily",
    catchup=False,
    tags=["ecr", "example"],
    doc_md=__doc__,
    params={
        "repository_name": Param("payments/api", type="string", title="Repository"),
        "reports_path": Param("file:///tmp/ecr", type="string", title="Folder for the image lists"),
    },
)
def ecr_reconcile() -> None:
    """Compare a preview with what happened."""
    start = EcrStartLifecyclePolicyPreviewOperator(
        task_id="start", repository_name=REPOSITORY, wait_for_completion=True, deferrable=True
    )
    summarize = EcrSummarizeLifecyclePolicyPreviewOperator(
        task_id="summarize",
        repository_name=REPOSITORY,
        images_path="{{ params.reports_path }}/reconcile/{{ run_id }}.jsonl.gz",
    )
    # ECR acts within a day, and the event is in CloudTrail some minutes later.
    a_day_later = TimeDeltaSensor(task_id="a_day_later", delta=timedelta(hours=25), deferrable=True)
    reconcile = EcrReconcileLifecycleOperator(task_id="reconcile", summary=summarize.output)
    start >> summarize >> a_day_later >> reconcile


ecr_reconcile()
# [END howto_ecr_reconcile]
