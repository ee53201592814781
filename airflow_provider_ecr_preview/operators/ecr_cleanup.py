"""The operators that change something; each is a dry run unless ``dry_run`` is False."""

from __future__ import annotations

from airflow_provider_ecr_preview.operators.ecr_cleanup_images import EcrDeletePreviewedImagesOperator
from airflow_provider_ecr_preview.operators.ecr_cleanup_policies import (
    EcrPutLifecyclePolicyOperator,
    EcrRestoreLifecyclePolicyOperator,
)

__all__ = ["EcrDeletePreviewedImagesOperator", "EcrPutLifecyclePolicyOperator", "EcrRestoreLifecyclePolicyOperator"]
