"""Preview the lifecycle policy of one repository, and act on what it would delete.

Start, wait, summarize, branch on the summary; the last task reads the digests. Nothing is deleted.
"""

from __future__ import annotations

# [START howto_ecr_preview_single]
from airflow.sdk import Param, dag, task

from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from airflow_provider_ecr_preview.reports import read_image_list
from airflow_provider_ecr_preview.sensors.ecr_preview import EcrLifecyclePolicyPreviewSensor

REPOSITORY = "{{ params.repository_name }}"
STARTED_POLICY = "{{ ti.xcom_pull(task_ids='start')['policy_fingerprint'] }}"


@dag(
    schedule=None,
    max_active_runs=1,
    tags=["ecr", "example"],
    doc_md=__doc__,
    params={
        "repository_name": Param(
            "payments/api",
            type="string",
            examples=["payments/api", "data/nightly-report"],
            title="Repository",
            description="Name of the repository whose applied policy is previewed.",
        ),
        "images_path": Param(
            None,
            type=["null", "string"],
            examples=["s3://aws_default@my-reports/ecr/payments-api.jsonl.gz"],
            title="File for the list of images",
            description="Optional. Where to write all affected images: s3://aws_default@bucket/... or file:///..., ending "
            "in .jsonl.gz.",
        ),
    },
)
def ecr_preview_single() -> None:
    """Preview the applied policy of one repository."""
    start = EcrStartLifecyclePolicyPreviewOperator(
        task_id="start", repository_name=REPOSITORY, on_missing_policy="skip"
    )
    wait = EcrLifecyclePolicyPreviewSensor(
        task_id="wait", repository_name=REPOSITORY, policy_fingerprint=STARTED_POLICY, poke_interval=5
    )
    summarize = EcrSummarizeLifecyclePolicyPreviewOperator(
        task_id="summarize",
        repository_name=REPOSITORY,
        policy_fingerprint=STARTED_POLICY,
        images_path="{{ params.images_path or '' }}",
    )

    @task.branch
    def anything_to_look_at(summary: dict) -> str:
        affected = summary["expiring_image_count"] + summary["archiving_image_count"]
        return "list_digests" if affected else "nothing_to_do"

    @task
    def list_digests(summary: dict) -> list[str]:
        """Return the digests of the affected images: all of them if a list was written, otherwise the sample."""
        if summary["images_uri"]:
            return [image.image_digest for image in read_image_list(summary["images_uri"])]
        return [image["image_digest"] for image in summary["sample"]]

    @task
    def nothing_to_do() -> None:
        """Show in the grid that the policy would delete nothing."""

    start >> wait >> summarize
    anything_to_look_at(summarize.output) >> [list_digests(summarize.output), nothing_to_do()]


ecr_preview_single()
# [END howto_ecr_preview_single]
