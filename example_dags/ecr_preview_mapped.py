"""Preview the applied policies of several repositories, with one mapped task instance for each.

Use it for a few repositories; for hundreds, audit the registry in batches instead.
"""

from __future__ import annotations

# [START howto_ecr_preview_mapped]
from datetime import timedelta

from airflow.sdk import Param, dag, task, task_group

from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)

REPOSITORIES = ["payments/api", "payments/ledger", "platform/base-python"]


@dag(
    schedule=None,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["ecr", "example"],
    doc_md=__doc__,
    params={
        "repositories": Param(
            REPOSITORIES,
            type="array",
            items={"type": "string"},
            title="Repositories",
            description="Names of the repositories whose applied policies are previewed, one a line.",
        )
    },
)
def ecr_preview_mapped() -> None:
    """Preview each repository in its own tasks."""

    @task
    def repositories(params: dict) -> list[str]:
        return params["repositories"]

    @task_group
    def preview(repository_name: str) -> None:
        start = EcrStartLifecyclePolicyPreviewOperator(
            task_id="start",
            repository_name=repository_name,
            on_missing_policy="skip",
            wait_for_completion=True,
            deferrable=True,
            poll_interval=2,
            retries=2,
            retry_delay=timedelta(seconds=10),
            max_active_tis_per_dagrun=8,
            map_index_template="{{ task.repository_name }}",
        )
        summarize = EcrSummarizeLifecyclePolicyPreviewOperator(
            task_id="summarize",
            repository_name=repository_name,
            policy_fingerprint="{{ ti.xcom_pull(task_ids='preview.start', map_indexes=ti.map_index)['policy_fingerprint'] }}",
            max_active_tis_per_dagrun=8,
            map_index_template="{{ task.repository_name }}",
        )
        start >> summarize

    @task(trigger_rule="none_failed")
    def total(ti: object) -> dict[str, int]:
        """Add up how many images the policies would delete."""
        summaries = [summary for summary in ti.xcom_pull(task_ids="preview.summarize") or [] if summary]
        return {
            "repositories": len(summaries),
            "expiring_image_count": sum(summary["expiring_image_count"] for summary in summaries),
        }

    preview.expand(repository_name=repositories()) >> total()


ecr_preview_mapped()
# [END howto_ecr_preview_mapped]
