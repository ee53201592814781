"""An audit: the outcomes of many repositories, summed up one by one.

:class:`Audit` holds sums and short lists, so its size does not depend on the number of repositories, and the parts of
an audit merge into the same audit as the whole, in any order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from airflow_provider_ecr_preview.core.audit.acknowledged import AcknowledgedFindings
from airflow_provider_ecr_preview.core.audit.kind import AuditKind
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.owners import MoneyAndOwners
from airflow_provider_ecr_preview.core.audit.repositories import AuditedRepositories
from airflow_provider_ecr_preview.core.audit.totals import AuditTotals, exact_bytes, expiring_bytes, summary_of
from airflow_provider_ecr_preview.core.money.prices import MICROS
from airflow_provider_ecr_preview.core.money.storage import Storage
from airflow_provider_ecr_preview.core.preview.finding import SEVERITY_ORDER
from airflow_provider_ecr_preview.core.values import Leading, cut, json_size
from airflow_provider_ecr_preview.core.xcom.acknowledgement import MAX_ACKNOWLEDGEMENTS
from airflow_provider_ecr_preview.core.xcom.audit import (
    AUDIT_SCHEMA,
    MAX_AUDIT_BYTES,
    MAX_EXAMPLES,
    MAX_LISTED,
    MAX_MESSAGE_CHARACTERS,
    MAX_TOP_REPOSITORIES,
    AuditedRepository,
    AuditXCom,
    ChangesXCom,
    FailedRepository,
    FindingCount,
    RegistryCounts,
    RepositoryRef,
)
from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary, PreviewSummaryXCom

_Site = tuple[str | None, str | None]


class Audit:
    """The sum of an audit, built repository by repository.

    :param audit_id: the identifier of this audit.
    :param audited_at: when it began (aware).
    :param kind: the policies and repositories that it previews.
    :param acknowledged: counts what the acknowledgements cover.
    """

    def __init__(
        self,
        audit_id: str,
        audited_at: datetime,
        kind: AuditKind | None = None,
        acknowledged: AcknowledgedFindings | None = None,
    ) -> None:
        self.kind = kind
        """The kind of the audit; None until the first part provides it."""
        self.audit_id = audit_id
        self.audited_at = audited_at
        self.missing_parts = 0
        """Number of parts that should have been merged into this audit but are missing."""
        self.totals = AuditTotals()
        self.registries: dict[_Site, AuditTotals] = {}
        self.repositories = AuditedRepositories()
        """The names of its repositories, as far as they are known."""
        self._registries_left_out = 0
        self._findings: Counter[tuple[str, str]] = Counter()
        self._finding_costs: Counter[tuple[str, str]] = Counter()
        self.acknowledged = acknowledged or AcknowledgedFindings()
        """The acknowledgements, with what each covers."""
        self.trend_uri: str | None = None
        """The file with the trend of the series; None if none was written."""
        self.money = MoneyAndOwners()
        """The sums by owner, and the repositories that waste the most."""
        self._examples: dict[tuple[str, str], Leading[RepositoryRef]] = {}
        self.registry_notes: set[str] = set()
        """Sentences about the registry that belong to no repository."""
        self._errors: Counter[str] = Counter()
        self._failures: Leading[FailedRepository] = Leading(MAX_LISTED)
        self._without_policy: Leading[RepositoryRef] = Leading(MAX_LISTED)
        self._top: Leading[AuditedRepository] = Leading(MAX_TOP_REPOSITORIES)
        self._summaries: list[PreviewSummaryXCom] = []
        self._summary_bytes = 0

    def add(self, outcome: RepositoryOutcome) -> None:
        """Count the outcome of one repository.

        :raises ValueError: if it was previewed and has no summary.
        """
        self.totals.add(outcome)
        self.money.add(outcome)
        self.acknowledged.add(outcome)
        cost = Storage.from_dict(outcome.storage).cost
        self.registries.setdefault((outcome.registry_id, outcome.region_name), AuditTotals()).add(outcome)
        ref = ref_of(outcome)
        self.repositories.add(ref)
        for finding in outcome.open_findings:
            key = finding["severity"], finding["code"]
            self._findings[key] += 1
            self._finding_costs[key] += cost
            self._examples_of(key).add(_by_name(ref), ref)
        if outcome.status == "failed":
            self._errors[outcome.error or "unknown"] += 1
            self._failures.add(_by_name(ref), _failure(outcome))
        elif outcome.status == "without_policy":
            self._without_policy.add(_by_name(ref), ref)
        else:
            self._add_summary(ref, outcome)

    def add_finding(self, outcome: RepositoryOutcome, finding: FindingSummary) -> None:
        """Add a finding of a repository that was counted already.

        :param outcome: the outcome of the repository.
        :param finding: the finding.
        """
        ref = ref_of(outcome)
        self.totals.add_finding(finding)
        self.registries[outcome.registry_id, outcome.region_name].add_finding(finding)
        self.acknowledged.add_finding(outcome.repository_name, finding["code"])
        if "acknowledged_until" in finding:
            return
        key = finding["severity"], finding["code"]
        self._findings[key] += 1
        self._examples_of(key).add(_by_name(ref), ref)

    def update(self, outcomes: Iterable[RepositoryOutcome]) -> None:
        """Count every one of ``outcomes``."""
        for outcome in outcomes:
            self.add(outcome)

    def merge(self, other: Audit) -> None:
        """Add another part of the audit to this one, keeping the name and time of this one.

        A repository that is in both parts is counted twice; see
        :class:`~airflow_provider_ecr_preview.core.audit.overlap.Overlap`.
        """
        other_kind = other.kind or AuditKind()
        self.kind = other_kind if self.kind is None else self.kind.united(other_kind)
        self.missing_parts += other.missing_parts
        self.totals += other.totals
        for site, totals in other.registries.items():
            mine = self.registries.setdefault(site, AuditTotals())
            mine += totals
        self.repositories.update(other.repositories)
        self._registries_left_out += other._registries_left_out
        self._findings += other._findings
        self._finding_costs += other._finding_costs
        self.money.update(other.money)
        self.acknowledged.update(other.acknowledged)
        self.registry_notes |= other.registry_notes
        for finding, examples in other._examples.items():
            self._examples_of(finding).merge(examples)
        self._errors += other._errors
        self._failures.merge(other._failures)
        self._without_policy.merge(other._without_policy)
        self._top.merge(other._top)
        self._keep_summaries(other._summaries, other._summary_bytes)

    def as_dict(
        self,
        *,
        changes: ChangesXCom | None = None,
        report_uri: str | None = None,
        table_uris: Iterable[str] = (),
    ) -> AuditXCom:
        """Return the audit in plain JSON types, with its lists at full length.

        :param changes: the changes since the last audit.
        :param report_uri: the file with the readable report.
        :param table_uris: the files with a row for every repository.
        """
        kind = self.kind or AuditKind()
        value = AuditXCom(
            schema=AUDIT_SCHEMA,
            audit_id=self.audit_id,
            audited_at=self.audited_at.astimezone(UTC).isoformat(),
            missing_part_count=self.missing_parts,
            **self.totals.as_counts(),  # type: ignore[typeddict-item]  # the keys that are not required follow
            registries=[
                RegistryCounts(registry_id=registry_id, region_name=region_name, **totals.as_counts())
                for (registry_id, region_name), totals in sorted(self.registries.items(), key=_largest_first)
            ],
            registries_left_out=self._registries_left_out,
            findings=[
                self._finding(severity, code, count)
                for (severity, code), count in sorted(self._findings.items(), key=_most_severe_first)
            ],
            errors=dict(sorted(self._errors.items(), key=lambda error: (-error[1], error[0]))),
            failures=list(self._failures),
            without_policy=list(self._without_policy),
            top=list(self._top),
            summaries=None if self._summary_bytes > MAX_AUDIT_BYTES else sorted(self._summaries, key=_by_name),
            changes=changes,
            report_uri=report_uri,
            table_uris=list(table_uris),
            policies=kind.as_dict(),
            selection=kind.selection,
        )
        if self.totals.storage.measured:
            value["wasteful"] = self.money.wasteful
        if self.money.has_owners:
            value["owners"] = self.money.owners
            value["owners_left_out"] = self.money.left_out
        if self.trend_uri is not None:
            value["trend_uri"] = self.trend_uri
        if self.registry_notes:
            value["registry_notes"] = [str(cut(note, MAX_MESSAGE_CHARACTERS)) for note in sorted(self.registry_notes)]
        if self.money.owners_uri is not None:
            value["owners_uri"] = self.money.owners_uri
        if acknowledgements := self.acknowledged.as_list():
            value["acknowledgements"] = acknowledgements[:MAX_ACKNOWLEDGEMENTS]
            value["acknowledgements_left_out"] = self.acknowledged.left_out + len(
                acknowledgements[MAX_ACKNOWLEDGEMENTS:]
            )
        return value

    @classmethod
    def from_xcom(cls, value: AuditXCom) -> Audit:
        """Return the audit that a task pushed. Its sums are exact; its lists may be shortened."""
        audit = cls(value["audit_id"], datetime.fromisoformat(value["audited_at"]), AuditKind.from_xcom(value))
        audit.missing_parts = value["missing_part_count"]
        audit.repositories = AuditedRepositories.of_xcom(value)
        audit.totals = AuditTotals.from_counts(value)
        for registry in value["registries"]:
            site = registry["registry_id"], registry["region_name"]
            audit.registries[site] = AuditTotals.from_counts(registry)
        audit._registries_left_out = value["registries_left_out"]
        for finding in value["findings"]:
            key = finding["severity"], finding["code"]
            audit._findings[key] = finding["repository_count"]
            audit._finding_costs[key] = round(finding.get("monthly_cost_usd", 0) * MICROS)
            for ref in finding["repositories"]:
                audit._examples_of(key).add(_by_name(ref), ref)
        audit.registry_notes.update(value.get("registry_notes", ()))
        audit._errors.update(value["errors"])
        for failure in value["failures"]:
            audit._failures.add(_by_name(failure), failure)
        for ref in value["without_policy"]:
            audit._without_policy.add(_by_name(ref), ref)
        for repository in value["top"]:
            audit._top.add(_most_first(repository), repository)
        audit.money.merge(value.get("owners", ()), value.get("wasteful", ()), value.get("owners_left_out", 0))
        audit.acknowledged.merge(value.get("acknowledgements", ()), value.get("acknowledgements_left_out", 0))
        if "owners" not in value:
            audit.money.merge_unknown(audit.totals)
        if value["summaries"] is None:
            audit._summary_bytes = MAX_AUDIT_BYTES + 1
        else:
            audit._keep_summaries(value["summaries"], sum(map(json_size, value["summaries"])))
        return audit

    def _add_summary(self, ref: RepositoryRef, outcome: RepositoryOutcome) -> None:
        summary = summary_of(outcome)
        repository = AuditedRepository(
            **ref,
            expiring_image_count=summary["expiring_image_count"],
            archiving_image_count=summary["archiving_image_count"],
            total_image_count=summary["total_image_count"],
            expiring_bytes_upper_bound=expiring_bytes(summary),
            expiring_bytes_exact=exact_bytes(summary),
            findings=[finding["code"] for finding in outcome.open_findings],
            acknowledged_findings=outcome.acknowledged_codes,
            images_uri=summary["images_uri"],
        )
        self._top.add(_most_first(repository), repository)
        self._keep_summaries([summary], json_size(summary))

    def _finding(self, severity: str, code: str, count: int) -> FindingCount:
        finding = FindingCount(
            severity=severity,
            code=code,
            repository_count=count,
            repositories=list(self._examples_of((severity, code))),
        )
        if self.totals.storage.measured:
            finding["monthly_cost_usd"] = self._finding_costs[severity, code] / MICROS
        return finding

    def _keep_summaries(self, summaries: list[PreviewSummaryXCom], size: int) -> None:
        """Keep summaries as long as all of them may fit; after that, drop them all."""
        self._summary_bytes += size
        if self._summary_bytes > MAX_AUDIT_BYTES:
            self._summaries = []
        else:
            self._summaries += summaries

    def _examples_of(self, finding: tuple[str, str]) -> Leading[RepositoryRef]:
        return self._examples.setdefault(finding, Leading(MAX_EXAMPLES))


def ref_of(outcome: RepositoryOutcome) -> RepositoryRef:
    """Return which repository an outcome is of."""
    return RepositoryRef(
        registry_id=outcome.registry_id,
        region_name=outcome.region_name,
        repository_name=outcome.repository_name,
    )


def _failure(outcome: RepositoryOutcome) -> FailedRepository:
    return FailedRepository(
        **ref_of(outcome), error=outcome.error, message=cut(outcome.message, MAX_MESSAGE_CHARACTERS)
    )


def _by_name(ref: RepositoryRef | PreviewSummaryXCom) -> tuple[str, str, str]:
    return ref["registry_id"] or "", ref["region_name"] or "", ref["repository_name"]


def _most_first(repository: AuditedRepository) -> tuple[Any, ...]:
    """Order by bytes, then by images. Unknown bytes come before none, because there are images behind them."""
    size = repository["expiring_bytes_upper_bound"]
    images = repository["expiring_image_count"] + repository["archiving_image_count"]
    return -(size or 0), size is not None, -images, _by_name(repository)


def _most_severe_first(finding: tuple[tuple[str, str], int]) -> tuple[int, int, str, str]:
    (severity, code), count = finding
    return SEVERITY_ORDER.get(severity, len(SEVERITY_ORDER)), -count, severity, code


def _largest_first(registry: tuple[_Site, AuditTotals]) -> tuple[int, int, str, str]:
    (registry_id, region_name), totals = registry
    return -totals.known_bytes, -totals.repositories, registry_id or "", region_name or ""
