"""A repository with a policy and a preview of it, and the clean-up that follows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError, CleanupIncompleteError
from airflow_provider_ecr_preview.core.in_use.images import ImagesInUse
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrDeletePreviewedImagesOperator
from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from tests.operators.cleanup.collected import REPOSITORY, collected
from tests.support.contexts import task_context
from tests.support.policies import keep


class Bench:
    """One repository of the local ECR from its preview to its clean-up."""

    def __init__(self, ecr: LocalEcr, folder: Path) -> None:
        self.ecr = ecr
        self.folder = folder
        self.previews = 0
        self.outage_timeout = 120.0

    def preview(self, repository: str = REPOSITORY, *, listed: bool = True, **start: Any) -> Any:
        """Start a preview and summarise it, with a list of all images."""
        self.previews += 1
        context = task_context()
        EcrStartLifecyclePolicyPreviewOperator(task_id="start", repository_name=repository, **start).execute(context)
        path = f"file://{self.folder}/images-{self.previews}.jsonl.gz" if listed else None
        return EcrSummarizeLifecyclePolicyPreviewOperator(
            task_id="summarize", repository_name=repository, images_path=path
        ).execute(context)

    def operator(self, summary: Any, **kwargs: Any) -> EcrDeletePreviewedImagesOperator:
        """Return the clean-up that follows."""
        settings = {"in_use": collected(), "dry_run": False, "failure_retry_delay": 0.01, "poll_interval": 0.05}
        return EcrDeletePreviewedImagesOperator(task_id="clean_up", summary=summary, **{**settings, **kwargs})

    def clean_up(self, summary: Any, **kwargs: Any) -> Any:
        """Run the clean-up and return its result, whether the task fails or not."""
        context = task_context()
        operator = self.operator(summary, **{"outage_timeout": self.outage_timeout, **kwargs})
        try:
            return operator.execute(context)
        except (CleanupBlockedError, CleanupIncompleteError):
            return context["ti"].xcom_push.call_args.kwargs["value"]

    def check(self, result: Any, code: str) -> Any:
        """Return what a check said about the first repository."""
        checks = [*result["repositories"][0]["checks"], *result["checks"]]
        return next(check for check in checks if check["code"] == code)

    def digests(self, repository: str = REPOSITORY) -> list[str]:
        """Return the digests of the images that are there."""
        return [image.get_image_digest() for image in self.ecr.repository(repository).local_images]

    def tag(self, digest: str, tag: str, repository: str = REPOSITORY) -> None:
        """Move a tag to an image."""
        found = self.ecr.repository(repository)
        for image in found.local_images:
            if tag in image.image_tags:
                image.remove_tag(tag)
        found.find({"imageDigest": digest}).update_tag(tag)


@pytest.fixture
def bench(local_ecr: LocalEcr, tmp_path: Path) -> Bench:
    """Return a repository of 20 images, of which its policy takes the 10 oldest."""
    local_ecr.create_repository(REPOSITORY, policy=keep(10))
    local_ecr.push_many(REPOSITORY, 20, newest_days_ago=40)
    return Bench(local_ecr, tmp_path)


@pytest.fixture
def in_use() -> Callable[..., ImagesInUse]:
    """Return what makes up what is in use."""
    return collected
