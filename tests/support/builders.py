"""Images and previews, as the core holds them and as XCom does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.pages import COMPLETE, PreviewPage, PreviewStatus
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.core.preview.summary import PreviewSummary
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from tests.support.policies import policy

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
REGISTRY_ID = "123456789012"
REGION = "eu-west-1"
REPOSITORY = "payments/api"


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def previewed(number: int, **fields: Any) -> PreviewedImage:
    values: dict[str, Any] = {
        "image_digest": digest(number),
        "image_tags": (f"v{number}",),
        "image_pushed_at": NOW - timedelta(hours=number),
        "action": "EXPIRE",
        "applied_rule_priority": 1,
        "storage_class": "STANDARD",
    }
    return PreviewedImage(**{**values, **fields})


def archiving(number: int, **fields: Any) -> PreviewedImage:
    return previewed(number, action="TRANSITION", target_storage_class="ARCHIVE", **fields)


def stored(number: int, *tags: str, **fields: Any) -> RepositoryImage:
    return RepositoryImage(digest(number), tags or (f"v{number}",), NOW - timedelta(hours=number), **fields)


def summary(*images: PreviewedImage, of: LifecyclePolicy | None = None, **fields: Any) -> PreviewSummary:
    values: dict[str, Any] = {
        "repository_name": REPOSITORY,
        "registry_id": REGISTRY_ID,
        "region_name": REGION,
        "policy": of or policy(),
        "previewed_at": NOW,
    }
    whole = PreviewSummary(**{**values, **fields})
    whole.update(images)
    return whole


def status(
    state: str = COMPLETE, expiring: int | None = None, archived: int | None = None, **fields: Any
) -> PreviewStatus:
    values: dict[str, Any] = {
        "registry_id": REGISTRY_ID,
        "repository_name": REPOSITORY,
        "region_name": REGION,
        "status": state,
        "policy": policy(),
        "expiring_image_total_count": expiring,
        "transitioning_image_total_counts": None if archived is None else {"ARCHIVE": archived},
    }
    return PreviewStatus(**{**values, **fields})


def page(*images: PreviewedImage, of: PreviewStatus | None = None, next_token: str | None = None) -> PreviewPage:
    return PreviewPage(of or status(), list(images), next_token)


def preview_xcom(name: str = REPOSITORY, *images: PreviewedImage, **fields: Any) -> Any:
    """Return the result of a preview as XCom holds it.

    :param images: the images that it lists; images 1 and 2 by default.
    :param fields: what replaces or adds to its fields.
    """
    whole = summary(*(images or (previewed(1), previewed(2))), repository_name=name)
    return {**summary_xcom(whole), **fields}
