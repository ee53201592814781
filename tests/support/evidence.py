"""What a clean-up knows about one repository, for the tests of its checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.core.preview.stored import PreviewList
from tests.support.builders import NOW, previewed, stored, summary

HOUR = timedelta(hours=1)


class Used:
    """What runs, as a clean-up asks about it: images by digest or tag, each run by a task of that name."""

    def __init__(
        self,
        *names: str,
        unread: Sequence[str] = (),
        missing: Sequence[str] = (),
        read: Sequence[str] = (),
    ) -> None:
        self.names = frozenset(names)
        self.unread_sources = unread
        self.missing_scope = missing
        self.read_scope = read

    def users_of(self, image_digest: str, image_tags: Sequence[str]) -> Sequence[str]:
        return [f"ECS {name}" for name in (image_digest, *image_tags) if name in self.names]


def listed(*images: Any, policy: str | None = None) -> PreviewList:
    """Return the list of a preview with these images, of the policy that summaries have by default."""
    return PreviewList.of_images(policy or summary().policy.fingerprint, images)


def evidence(*affected: Any, age: timedelta = HOUR, **fields: Any) -> Evidence:
    """Return what is known about a repository of five images, of which these were approved; image 1 by default."""
    images = affected or (previewed(1),)
    values: dict[str, Any] = {
        "summary": summary_xcom(summary(*images, previewed_at=NOW - age)),
        "approved": listed(*images),
        "fresh": listed(*images),
        "inventory": [stored(number) for number in range(5)],
        "in_use": Used(),
        "now": NOW,
    }
    return Evidence(**{**values, **fields})
