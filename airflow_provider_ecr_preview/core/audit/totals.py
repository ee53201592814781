"""The sums of an audit: over all repositories, and over those of one registry and Region."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Self

from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.money.storage import Storage
from airflow_provider_ecr_preview.core.xcom.audit import AuditCounts
from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary, PreviewSummaryXCom


@dataclass(slots=True)
class AuditTotals:
    """Sums over repositories. :class:`~airflow_provider_ecr_preview.core.xcom.audit.AuditCounts` explains each."""

    previewed: int = 0
    without_policy: int = 0
    failed: int = 0
    affected: int = 0
    expiring_images: int = 0
    archiving_images: int = 0
    tagged_images: int = 0
    untagged_images: int = 0
    known_images: int = 0
    unknown_images: int = 0
    known_bytes: int = 0
    unknown_bytes: int = 0
    exact_bytes: int = 0
    unknown_exact_bytes: int = 0
    critical_findings: int = 0
    warning_findings: int = 0
    info_findings: int = 0
    acknowledged_findings: int = 0
    preview_calls: int = 0
    storage: Storage = field(default_factory=Storage)

    def add(self, outcome: RepositoryOutcome) -> None:
        """Count one repository.

        :raises ValueError: if it was previewed and has no summary.
        """
        self.preview_calls += outcome.preview_calls
        self.storage += Storage.from_dict(outcome.storage)
        if outcome.status == "failed":
            self.failed += 1
        elif outcome.status == "without_policy":
            self.without_policy += 1
        else:
            self.previewed += 1
            self._add_summary(summary_of(outcome))
        for finding in outcome.all_findings:
            self.add_finding(finding)

    def add_finding(self, finding: FindingSummary) -> None:
        """Count one finding; one that is acknowledged is counted apart."""
        if "acknowledged_until" in finding:
            self.acknowledged_findings += 1
            return
        self.critical_findings += finding["severity"] == "critical"
        self.warning_findings += finding["severity"] == "warning"
        self.info_findings += finding["severity"] == "info"

    def __iadd__(self, other: AuditTotals) -> Self:
        for counted in fields(self):
            setattr(self, counted.name, getattr(self, counted.name) + getattr(other, counted.name))
        return self

    @property
    def repositories(self) -> int:
        """Number of repositories, whatever their outcome."""
        return self.previewed + self.without_policy + self.failed

    def as_counts(self) -> AuditCounts:
        """Return the sums under the XCom contract."""
        counts = AuditCounts(
            repository_count=self.repositories,
            previewed_count=self.previewed,
            without_policy_count=self.without_policy,
            failed_count=self.failed,
            affected_repository_count=self.affected,
            expiring_image_count=self.expiring_images,
            archiving_image_count=self.archiving_images,
            tagged_image_count=self.tagged_images,
            untagged_image_count=self.untagged_images,
            total_image_count=None if self.unknown_images else self.known_images,
            total_image_count_known=self.known_images,
            total_unknown_repository_count=self.unknown_images,
            expiring_bytes_upper_bound=None if self.unknown_bytes else self.known_bytes,
            expiring_bytes_upper_bound_known=self.known_bytes,
            bytes_unknown_repository_count=self.unknown_bytes,
            expiring_bytes_exact=None if self.unknown_exact_bytes else self.exact_bytes,
            expiring_bytes_exact_known=self.exact_bytes,
            exact_bytes_unknown_repository_count=self.unknown_exact_bytes,
            critical_finding_count=self.critical_findings,
            warning_finding_count=self.warning_findings,
            info_finding_count=self.info_findings,
            acknowledged_finding_count=self.acknowledged_findings,
            preview_call_count=self.preview_calls,
        )
        return {**counts, "storage": self.storage.as_dict()} if self.storage.measured else counts

    @classmethod
    def from_counts(cls, counts: AuditCounts) -> AuditTotals:
        """Return the sums that :meth:`as_counts` gave."""
        return cls(
            previewed=counts["previewed_count"],
            without_policy=counts["without_policy_count"],
            failed=counts["failed_count"],
            affected=counts["affected_repository_count"],
            expiring_images=counts["expiring_image_count"],
            archiving_images=counts["archiving_image_count"],
            tagged_images=counts["tagged_image_count"],
            untagged_images=counts["untagged_image_count"],
            known_images=counts["total_image_count_known"],
            unknown_images=counts["total_unknown_repository_count"],
            known_bytes=counts["expiring_bytes_upper_bound_known"],
            unknown_bytes=counts["bytes_unknown_repository_count"],
            exact_bytes=counts.get("expiring_bytes_exact_known", 0),
            unknown_exact_bytes=counts.get("exact_bytes_unknown_repository_count", counts["previewed_count"]),
            critical_findings=counts["critical_finding_count"],
            warning_findings=counts["warning_finding_count"],
            info_findings=counts["info_finding_count"],
            acknowledged_findings=counts.get("acknowledged_finding_count", 0),
            preview_calls=counts["preview_call_count"],
            storage=Storage.from_dict(counts["storage"])
            if "storage" in counts
            else Storage(unmeasured=counts["repository_count"]),
        )

    def _add_summary(self, summary: PreviewSummaryXCom) -> None:
        self.affected += affected_image_count(summary) > 0
        self.expiring_images += summary["expiring_image_count"]
        self.archiving_images += summary["archiving_image_count"]
        self.tagged_images += summary["tagged_image_count"]
        self.untagged_images += summary["untagged_image_count"]
        images, size = summary["total_image_count"], expiring_bytes(summary)
        self.known_images += images or 0
        self.unknown_images += images is None
        self.known_bytes += size or 0
        self.unknown_bytes += size is None
        exact = exact_bytes(summary)
        self.exact_bytes += exact or 0
        self.unknown_exact_bytes += exact is None


def summary_of(outcome: RepositoryOutcome) -> PreviewSummaryXCom:
    """Return the summary of a repository that was previewed.

    :raises ValueError: if it has none, because "nothing found" and "nothing known" must not look alike.
    """
    if outcome.summary is None:
        raise ValueError(f"The outcome of {outcome.repository_name} is 'previewed', but it has no summary.")
    return outcome.summary


def affected_image_count(summary: PreviewSummaryXCom) -> int:
    """Return the number of images that would expire or be archived."""
    return summary["expiring_image_count"] + summary["archiving_image_count"]


def expiring_bytes(summary: PreviewSummaryXCom) -> int | None:
    """Return the upper bound of the expiring bytes: 0 if no image expires, even if sizes were not requested."""
    return summary["expiring_bytes_upper_bound"] if summary["expiring_image_count"] else 0


def exact_bytes(summary: PreviewSummaryXCom) -> int | None:
    """Return the bytes that are freed by the manifests: None if they were not read, 0 if no image expires."""
    return summary.get("expiring_bytes_exact") if summary["expiring_image_count"] else 0
