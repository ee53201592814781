"""Interpret responses about a preview for the caller that started it or waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ecr_preview.aws.errors import CallSite
from airflow_provider_ecr_preview.core.exceptions import (
    PreviewInProgressError,
    PreviewReplacedError,
    PreviewTimeoutError,
    RepositoryError,
)
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.pages import PreviewStatus
from airflow_provider_ecr_preview.core.text.counted import after


def started_preview(site: CallSite, response: Mapping[str, Any], policy: LifecyclePolicy | None) -> PreviewStatus:
    """Return the preview that StartLifecyclePolicyPreview started.

    :param site: the repository.
    :param response: the response.
    :param policy: the policy that was sent; None for the applied one.
    :raises PreviewReplacedError: if the preview is of another policy.
    """
    started = site.parsed(PreviewStatus.from_response, response)
    if policy is not None and started.policy.fingerprint != policy.fingerprint:
        raise started.error(
            PreviewReplacedError,
            f"ECR started a preview of another policy than the one that was sent. Compare: {started.policy.canonical}",
        )
    return started


def still_running(running: PreviewStatus) -> RepositoryError:
    """Return the error for a preview that cannot start while one of another policy runs.

    :param running: the running preview.
    """
    return running.error(
        PreviewInProgressError,
        f"a preview of another policy ({running.policy.fingerprint[:12]}) is in progress, and a repository has only "
        "one. Try again when it has ended.",
    )


def not_complete(preview: PreviewStatus, timeout: float) -> RepositoryError:
    """Return the error for a preview that did not end in time.

    :param preview: the preview.
    :param timeout: how long the caller waited, in seconds.
    """
    return preview.error(
        PreviewTimeoutError,
        f"the preview is still {preview.status}{after(timeout)}. It continues in ECR; wait for it again, with a "
        "longer timeout.",
    )
