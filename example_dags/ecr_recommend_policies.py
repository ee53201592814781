"""Find lifecycle policies for repositories, let ECR preview them, and audit what they would do.

Nothing is deleted and no policy is applied. The policies keep what is in use, was pulled or pushed recently or has a protected tag,
and the newest releases, for 14 days and 10 pushes to come.
"""

from __future__ import annotations

# [START howto_ecr_recommend_policies]
from airflow.sdk import Param, dag, task

from airflow_provider_ecr_preview.operators.ecr_audit import (
    EcrAuditLifecyclePoliciesOperator,
    EcrListRepositoriesOperator,
)
from airflow_provider_ecr_preview.operators.ecr_in_use import EcrCollectImagesInUseOperator
from airflow_provider_ecr_preview.operators.ecr_recommend import EcrRecommendLifecyclePolicyOperator

REGION = "us-east-1"


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    tags=["ecr", "example"],
    doc_md=__doc__,
    params={
        "include": Param(
            "data/*",
            type="string",
            examples=["data/*", "*"],
            title="Repositories",
            description="Name globs, separated by commas, such as payments/*, web/*.",
        ),
        "keep_releases": Param(
            5,
            type="integer",
            minimum=0,
            title="Releases to roll back to",
            description="How many of the newest releases a policy must keep.",
        ),
        "prove": Param(
            True,
            type="boolean",
            title="Let ECR preview the policies",
            description="Check every policy by a preview of ECR, which replaces the last preview of each repository.",
        ),
    },
)
def ecr_recommend_policies() -> None:
    """Find policies and audit them."""
    repository_names = EcrListRepositoriesOperator(task_id="list", include="{{ params.include }}", region_name=REGION)

    in_use = EcrCollectImagesInUseOperator(task_id="in_use", sources=["ecs", "lambda"], region_names=[REGION])

    recommendation = EcrRecommendLifecyclePolicyOperator(
        task_id="recommend",
        repository_names=repository_names.output,
        in_use=in_use.output,
        keep_releases="{{ params.keep_releases }}",
        prove="{{ params.prove }}",
        region_name=REGION,
    )

    audit = EcrAuditLifecyclePoliciesOperator(
        task_id="audit",
        repository_names=repository_names.output,
        lifecycle_policies="{{ ti.xcom_pull('recommend')['lifecycle_policies'] | tojson }}",
        in_use=in_use.output,
        region_name=REGION,
    )

    @task
    def report(recommendation: dict) -> str:
        """Say in one sentence what was found."""
        expiring = sum(policy["expiring_image_count"] for policy in recommendation["policies"])
        return (
            f"{recommendation['policy_count']} policies for {recommendation['repository_count']} repositories; "
            f"{expiring} images would expire."
        )

    recommendation >> audit
    report(recommendation.output)


ecr_recommend_policies()
# [END howto_ecr_recommend_policies]
