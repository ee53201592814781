"""What a type checker has to refuse: each marked line has exactly one mistake."""

from __future__ import annotations

from airflow_provider_ecr_preview.exceptions import RepositoryError
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.operators.ecr_audit import (
    EcrAuditLifecyclePoliciesOperator,
    EcrListRepositoriesOperator,
)
from airflow_provider_ecr_preview.operators.ecr_cleanup import (
    EcrDeletePreviewedImagesOperator,
    EcrPutLifecyclePolicyOperator,
)
from airflow_provider_ecr_preview.operators.ecr_in_use import EcrCollectImagesInUseOperator
from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from airflow_provider_ecr_preview.sensors.ecr_preview import EcrLifecyclePolicyPreviewSensor
from airflow_provider_ecr_preview.xcom import PreviewSummaryXCom


def source_without_an_argument() -> list[str]:
    return []


def refused(summary: PreviewSummaryXCom, error: RepositoryError, hook: EcrLifecyclePolicyPreviewHook) -> None:
    EcrStartLifecyclePolicyPreviewOperator(task_id="number", repository_name=7)  # refused
    EcrStartLifecyclePolicyPreviewOperator(task_id="list", repository_name=["payments/api"])  # refused
    EcrSummarizeLifecyclePolicyPreviewOperator(task_id="max", repository_name="a", max_items=[1])  # refused
    EcrLifecyclePolicyPreviewSensor(task_id="wait", repository_name="payments/api", registry_id=123456789012)  # refused
    EcrListRepositoriesOperator(task_id="tags", tags=["team"])  # refused
    EcrAuditLifecyclePoliciesOperator(task_id="names", repository_names=7)  # refused
    EcrAuditLifecyclePoliciesOperator(task_id="fail_on", repository_names="a", fail_on=["any"])  # refused
    EcrDeletePreviewedImagesOperator(task_id="summary", summary=7)  # refused
    EcrDeletePreviewedImagesOperator(task_id="approved", summary=summary, approved=True)  # refused
    EcrDeletePreviewedImagesOperator(task_id="in_use", summary=summary, in_use=["payments/api"])  # refused
    EcrDeletePreviewedImagesOperator(task_id="limit", summary=summary, max_images=[1])  # refused
    EcrDeletePreviewedImagesOperator(task_id="age", summary=summary, max_preview_age=1.5)  # refused
    EcrPutLifecyclePolicyOperator(task_id="tags", summary=summary, protected_tags=7)  # refused
    EcrPutLifecyclePolicyOperator(task_id="dry_run", summary=summary, dry_run=[])  # refused
    EcrCollectImagesInUseOperator(task_id="in_use", sources=[source_without_an_argument])  # refused
    str(summary["expiring_images"])  # refused
    str(error.repository)  # refused
    hook.start_preview(7)  # refused
