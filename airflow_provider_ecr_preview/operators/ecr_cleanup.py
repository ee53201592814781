"""The operators that change something, all of them a dry run unless told otherwise."""

from __future__ import annotations

from airflow_provider_ecr_preview.operators.ecr_cleanup_images import EcrDeletePreviewedImagesOperator
from airflow_provider_ecr_preview.operators.ecr_cleanup_policies import (
    EcrPutLifecyclePolicyOperator,
    EcrRestoreLifecyclePolicyOperator,
)

__all__ = ["EcrDeletePreviewedImagesOperator", "EcrPutLifecyclePolicyOperator", "EcrRestoreLifecyclePolicyOperator"]
