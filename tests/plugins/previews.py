"""Images, summaries and audits as tasks push and write them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE, TRANSITION
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.kept import KeptImage
from airflow_provider_ecr_preview.core.preview.next_action import NextAction
from airflow_provider_ecr_preview.core.repository import RepositoryImage

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def images(count: int) -> Iterator[PreviewedImage]:
    """Yield images of which every fifth is archived, every third untagged, and every seventh of unknown size."""
    for number in range(count):
        is_archived = number % 5 == 0
        yield PreviewedImage(
            image_digest=f"sha256:{number:064x}",
            image_tags=() if number % 3 == 0 else (f"build-{number}", f"V{number}"),
            image_pushed_at=BEGAN + timedelta(hours=number),
            action=TRANSITION if is_archived else EXPIRE,
            applied_rule_priority=2 if is_archived else 1,
            target_storage_class="ARCHIVE" if is_archived else None,
            storage_class="STANDARD",
            image_size_in_bytes=None if number % 7 == 0 else 1000 + number,
            last_recorded_pull_time=BEGAN + timedelta(days=number) if number % 11 == 1 and number % 7 else None,
        )


def kept(count: int, going_from: datetime | None = None) -> Iterator[KeptImage]:
    """Yield images that are younger than the others, of which every second is shielded and every fourth has no rule.

    :param count: how many.
    :param going_from: every fourth expires later than this, one after the other; None if none does.
    """
    for number in range(1000, 1000 + count):
        image = RepositoryImage(
            image_digest=f"sha256:{number:064x}",
            image_tags=(f"release-{number}",),
            image_pushed_at=BEGAN + timedelta(hours=number),
            image_size_in_bytes=number,
        )
        if number % 4 == 0:
            yield KeptImage(image, None, "no_rule", "Kept: no rule selects it.")
        elif number % 4 == 3 and going_from is not None:
            goes = NextAction(EXPIRE, going_from + timedelta(days=number % 1000))
            yield KeptImage(image, 3, "within_days", "Kept by rule 3: not older.", (), goes)
        else:
            shielded_from = (2,) if number % 2 == 0 else ()
            yield KeptImage(image, 1, "within_count", "Kept by rule 1: among the newest.", shielded_from)


def summary(images_uri: str | None, repository_name: str = "team/payments") -> dict[str, Any]:
    """Return what of a summary the application reads."""
    return {
        "schema": "ecr-lifecycle-preview-summary/1",
        "registry_id": "123456789012",
        "region_name": "us-east-1",
        "repository_name": repository_name,
        "previewed_at": (BEGAN + timedelta(days=100)).isoformat(),
        "images_uri": images_uri,
    }
