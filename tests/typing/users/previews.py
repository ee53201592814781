"""DAGs that preview one repository, or many by mapping, as their authors write them."""

from __future__ import annotations

from airflow.sdk import dag, task, task_group

from airflow_provider_ecr_preview.operators.ecr_audit import (
    EcrAuditLifecyclePoliciesOperator,
    EcrListRepositoriesOperator,
    EcrMergeLifecycleAuditsOperator,
)
from airflow_provider_ecr_preview.operators.ecr_compare import EcrCompareLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from airflow_provider_ecr_preview.operators.ecr_recommend import EcrRecommendLifecyclePolicyOperator
from airflow_provider_ecr_preview.sensors.ecr_preview import EcrLifecyclePolicyPreviewSensor
from airflow_provider_ecr_preview.task_groups.lifecycle_audit import lifecycle_audit
from airflow_provider_ecr_preview.xcom import PreviewSummaryXCom

KEEP_TEN = '{"rules": []}'


@task
def newest_repository() -> str:
    return "payments/api"


@task
def report(summary: PreviewSummaryXCom) -> int:
    for finding in summary["findings"]:
        if finding["severity"] == "critical":
            return len(finding["image_digests"])
    return summary["expiring_image_count"] + (summary["total_image_count"] or 0)


@dag(schedule="@weekly")
def one_repository() -> None:
    start = EcrStartLifecyclePolicyPreviewOperator(
        task_id="start", repository_name=newest_repository(), lifecycle_policy_text=KEEP_TEN, on_missing_policy="skip"
    )
    wait = EcrLifecyclePolicyPreviewSensor(
        task_id="wait",
        repository_name=newest_repository(),
        policy_fingerprint="{{ ti.xcom_pull('start')['policy_fingerprint'] }}",
        poke_interval=5,
        timeout=600,
    )
    summarize = EcrSummarizeLifecyclePolicyPreviewOperator(
        task_id="summarize",
        repository_name="{{ params.repository_name }}",
        policy_fingerprint="{{ ti.xcom_pull('start')['policy_fingerprint'] }}",
        image_ids=[{"imageTag": "v1"}],
        tag_status="TAGGED",
        max_items=1_000,
        images_path="s3://aws_default@reports/images.jsonl.gz",
    )
    start >> wait >> summarize >> report(summarize.output)  # type: ignore[arg-type]  # Airflow's own @task takes no output


@dag(schedule=None)
def many_repositories() -> None:
    names = EcrListRepositoriesOperator(
        task_id="list", include=["payments/*"], exclude="payments/old*", tags={"team": ["payments", "shop"]}
    )
    batches = EcrListRepositoriesOperator(task_id="batches", region_names=["eu-west-1"], batch_size=500)
    EcrStartLifecyclePolicyPreviewOperator.partial(task_id="start", deferrable=True).expand(
        repository_name=names.output
    )
    audit = EcrAuditLifecyclePoliciesOperator.partial(task_id="audit", fail_on="all", retries=2).expand_kwargs(
        batches.output
    )
    EcrMergeLifecycleAuditsOperator(task_id="merge", audits=audit.output, fail_on=0.05, reports_path="file:///tmp/ecr")
    EcrCompareLifecyclePoliciesOperator(
        task_id="compare",
        repository_names=names.output,
        candidates={"keep ten": KEEP_TEN, "keep five": {"rules": []}},
        method="both",
        fail_on_finding=None,
        max_newly_affected=100,
    )
    recommend = EcrRecommendLifecyclePolicyOperator(
        task_id="recommend", repository_names=names.output, keep_releases=3, share="all", prove=True
    )
    EcrAuditLifecyclePoliciesOperator(
        task_id="audit_recommended", repository_names=names.output, lifecycle_policies=recommend.output
    )
    merged = lifecycle_audit(include="payments/*", with_policy=True, fail_on="none", deferrable=True)
    report.expand(summary=merged.output)


@dag(schedule=None)
def a_mapped_group() -> None:
    @task_group
    def preview(repository_name: str) -> None:
        start = EcrStartLifecyclePolicyPreviewOperator(task_id="start", repository_name=repository_name)
        EcrLifecyclePolicyPreviewSensor(task_id="wait", repository_name=repository_name).set_upstream(start)

    preview.expand(repository_name=["payments/api", "payments/web"])
