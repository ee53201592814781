"""The questions that a clean-up of one repository must answer, by the code of their check."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_ecr_preview.core.cleanup.answers import Answer
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.limit_checks import images_left, max_bytes, max_images, max_share
from airflow_provider_ecr_preview.core.cleanup.plan import CleanupPlan
from airflow_provider_ecr_preview.core.cleanup.preview_checks import (
    agreeing_previews,
    approved_unchanged,
    findings,
    policy_unchanged,
    preview_age,
    preview_unchanged,
    tags_unchanged,
)
from airflow_provider_ecr_preview.core.cleanup.protection_checks import (
    image_age,
    in_use,
    newest_images,
    protected_tags,
    recent_pulls,
)
from airflow_provider_ecr_preview.core.cleanup.pulling_account_checks import pulling_accounts
from airflow_provider_ecr_preview.core.cleanup.relation_checks import manifest_lists, referrers
from airflow_provider_ecr_preview.core.cleanup.replica_checks import replicas
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings

CHECK_FUNCTIONS: dict[str, Callable[[Evidence, CleanupSettings, CleanupPlan], Answer]] = {
    question.__name__: question
    for question in (
        approved_unchanged,
        policy_unchanged,
        preview_unchanged,
        tags_unchanged,
        preview_age,
        agreeing_previews,
        findings,
        in_use,
        pulling_accounts,
        replicas,
        protected_tags,
        image_age,
        recent_pulls,
        newest_images,
        referrers,
        manifest_lists,
        images_left,
        max_images,
        max_share,
        max_bytes,
    )
}
"""The questions by the code of their check, in the order in which they are listed."""
