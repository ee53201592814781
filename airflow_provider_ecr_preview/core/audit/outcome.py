"""The outcome of one repository in an audit: previewed, without a policy, or failed with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary, PreviewSummaryXCom
from airflow_provider_ecr_preview.core.xcom.storage import StorageXCom

OutcomeStatus = Literal["previewed", "without_policy", "failed"]


@dataclass(frozen=True, slots=True)
class RepositoryOutcome:
    """The outcome of one repository.

    :param repository_name: the repository.
    :param registry_id: the registry (account); None if it never became known.
    :param region_name: the Region.
    :param status: ``previewed``, ``without_policy`` or ``failed``.
    :param summary: the summary, when it was previewed.
    :param error: class name of the error, when it failed.
    :param message: the problem and what to do about it, when it failed.
    :param preview_calls: number of Start- and GetLifecyclePolicyPreview calls made for it.
    :param findings: findings about the repository that are in no summary, for example that it has no policy although
        one is expected.
    :param storage: its stored images and their cost; None if they were not measured.
    :param owner: the value of its owner tag; an empty text if it has no such tag, None if its tags were not read.
    """

    repository_name: str
    registry_id: str | None
    region_name: str | None
    status: OutcomeStatus
    summary: PreviewSummaryXCom | None = None
    error: str | None = None
    message: str | None = None
    preview_calls: int = 0
    findings: Sequence[FindingSummary] = field(default_factory=list)
    storage: StorageXCom | None = None
    owner: str | None = None

    @property
    def all_findings(self) -> list[FindingSummary]:
        """The findings of the preview, and those about the repository itself."""
        return [*(self.summary["findings"] if self.summary is not None else ()), *self.findings]

    @property
    def open_findings(self) -> list[FindingSummary]:
        """Those of the findings that are not acknowledged."""
        return [finding for finding in self.all_findings if "acknowledged_until" not in finding]

    @property
    def acknowledged_codes(self) -> list[str]:
        """The codes of the findings that are acknowledged, sorted."""
        return sorted({finding["code"] for finding in self.all_findings if "acknowledged_until" in finding})


@dataclass(frozen=True, slots=True)
class StartedPreview:
    """A preview that was started but not read yet, in plain types, so that another process can collect it.

    :param repository_name: the repository.
    :param policy_fingerprint: the policy that the preview must be of.
    :param started_at: when it was started, in seconds since the epoch.
    :param attached: whether a preview was already running, possibly of another policy.
    """

    repository_name: str
    policy_fingerprint: str
    started_at: float
    attached: bool = False
