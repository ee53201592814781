"""Preview a candidate policy for one repository, waiting in the triggerer instead of a worker slot."""

from __future__ import annotations

# [START howto_ecr_preview_deferrable]
from datetime import timedelta

from airflow.sdk import Param, dag

from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from airflow_provider_ecr_preview.sensors.ecr_preview import EcrLifecyclePolicyPreviewSensor

REPOSITORY = "{{ params.repository_name }}"
STARTED_POLICY = "{{ ti.xcom_pull(task_ids='start')['policy_fingerprint'] }}"

CANDIDATE = {
    "rules": [
        {
            "rulePriority": 1,
            "description": "Keep the last 10 releases",
            "selection": {
                "tagStatus": "tagged",
                "tagPatternList": ["v*"],
                "countType": "imageCountMoreThan",
                "countNumber": 10,
            },
            "action": {"type": "expire"},
        },
        {
            "rulePriority": 2,
            "description": "Untagged leftovers go after two weeks",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": 14,
            },
            "action": {"type": "expire"},
        },
    ]
}


@dag(
    schedule=None,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["ecr", "example"],
    doc_md=__doc__,
    params={
        "repository_name": Param(
            "mobile/backend",
            type="string",
            examples=["mobile/backend", "payments/api"],
            title="Repository",
            description="Name of the repository in which to preview the policy.",
        )
    },
)
def ecr_preview_deferrable() -> None:
    """Preview a policy that is not applied yet."""
    start = EcrStartLifecyclePolicyPreviewOperator(
        task_id="start",
        repository_name=REPOSITORY,
        lifecycle_policy_text=CANDIDATE,
        deferrable=True,
        retries=2,
        retry_delay=timedelta(seconds=10),
    )
    wait = EcrLifecyclePolicyPreviewSensor(
        task_id="wait",
        repository_name=REPOSITORY,
        policy_fingerprint=STARTED_POLICY,
        poke_interval=2,
        timeout=1800,
        deferrable=True,
        retries=2,
        retry_delay=timedelta(seconds=10),
    )
    summarize = EcrSummarizeLifecyclePolicyPreviewOperator(
        task_id="summarize", repository_name=REPOSITORY, policy_fingerprint=STARTED_POLICY
    )
    start >> wait >> summarize


ecr_preview_deferrable()
# [END howto_ecr_preview_deferrable]
