"""The operators of one preview: start it, summarize it."""

from __future__ import annotations

from airflow_provider_ecr_preview.operators.ecr_preview_start import EcrStartLifecyclePolicyPreviewOperator
from airflow_provider_ecr_preview.operators.ecr_preview_summarize import EcrSummarizeLifecyclePolicyPreviewOperator

__all__ = ["EcrStartLifecyclePolicyPreviewOperator", "EcrSummarizeLifecyclePolicyPreviewOperator"]
