"""The sums of an audit by owner, and the repositories that waste the most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.totals import AuditTotals
from airflow_provider_ecr_preview.core.money.prices import MICROS
from airflow_provider_ecr_preview.core.money.storage import Storage
from airflow_provider_ecr_preview.core.values import Leading
from airflow_provider_ecr_preview.core.xcom.storage import MAX_OWNERS, MAX_WASTEFUL, OwnerCounts, WastefulRepository


@dataclass(slots=True)
class OwnerTotals:
    """The sums of one owner."""

    repositories: int = 0
    without_policy: int = 0
    failed: int = 0
    expiring_images: int = 0
    critical_findings: int = 0
    warning_findings: int = 0
    info_findings: int = 0
    acknowledged_findings: int = 0
    storage: Storage = field(default_factory=Storage)

    def add(self, outcome: RepositoryOutcome) -> None:
        """Count one repository."""
        totals = AuditTotals()
        totals.add(outcome)
        self.add_totals(totals)

    def add_totals(self, counts: AuditTotals) -> None:
        """Count the repositories of an audit."""
        self.repositories += counts.repositories
        self.without_policy += counts.without_policy
        self.failed += counts.failed
        self.expiring_images += counts.expiring_images
        self.critical_findings += counts.critical_findings
        self.warning_findings += counts.warning_findings
        self.info_findings += counts.info_findings
        self.acknowledged_findings += counts.acknowledged_findings
        self.storage += counts.storage

    def merge(self, value: OwnerCounts) -> None:
        """Add the sums of the same owner in another part."""
        self.repositories += value["repository_count"]
        self.without_policy += value["without_policy_count"]
        self.failed += value["failed_count"]
        self.expiring_images += value["expiring_image_count"]
        self.critical_findings += value["critical_finding_count"]
        self.warning_findings += value["warning_finding_count"]
        self.info_findings += value["info_finding_count"]
        self.acknowledged_findings += value.get("acknowledged_finding_count", 0)
        self.storage += Storage.from_dict(value)

    def as_dict(self, owner: str | None) -> OwnerCounts:
        """Return the sums under the XCom contract.

        :param owner: the owner.
        """
        return OwnerCounts(
            owner=owner,
            repository_count=self.repositories,
            without_policy_count=self.without_policy,
            failed_count=self.failed,
            expiring_image_count=self.expiring_images,
            critical_finding_count=self.critical_findings,
            warning_finding_count=self.warning_findings,
            info_finding_count=self.info_findings,
            acknowledged_finding_count=self.acknowledged_findings,
            **self.storage.as_dict(),  # type: ignore[typeddict-item]  # it has no report_uri
        )


class MoneyAndOwners:
    """What an audit costs by owner, and the most wasteful repositories, added up repository by repository."""

    def __init__(self) -> None:
        self._owners: dict[str | None, OwnerTotals] = {}
        self._left_out = 0
        self._report_uris: dict[str | None, str | None] = {}
        self.owners_uri: str | None = None
        """The file that lists every owner; None if none was written."""
        self._wasteful: Leading[WastefulRepository] = Leading(MAX_WASTEFUL)

    def add(self, outcome: RepositoryOutcome) -> None:
        """Count one repository."""
        self._owners.setdefault(outcome.owner, OwnerTotals()).add(outcome)
        if outcome.storage is None:
            return
        storage = Storage.from_dict(outcome.storage)
        repository = WastefulRepository(
            registry_id=outcome.registry_id,
            region_name=outcome.region_name,
            repository_name=outcome.repository_name,
            owner=outcome.owner,
            status=outcome.status,
            stored_bytes_upper_bound=storage.stored_bytes,
            monthly_cost_usd=storage.cost / MICROS,
            leaving_monthly_cost_usd=storage.leaving_cost / MICROS,
            saved_monthly_cost_usd=storage.saved_cost / MICROS,
            never_pulled_monthly_cost_usd=storage.never_pulled_cost / MICROS,
        )
        self._wasteful.add(_most_wasted_first(repository), repository)

    def merge(self, owners: Iterable[OwnerCounts], wasteful: Iterable[WastefulRepository], left_out: int = 0) -> None:
        """Add another part of the audit, as its result has it.

        :param owners: the sums of its owners.
        :param wasteful: its most wasteful repositories.
        :param left_out: how many of its owners had no room; the sums here lack them.
        """
        for counts in owners:
            self._owners.setdefault(counts["owner"], OwnerTotals()).merge(counts)
        for repository in wasteful:
            self._wasteful.add(_most_wasted_first(repository), repository)
        self._left_out += left_out

    def merge_unknown(self, totals: AuditTotals) -> None:
        """Add a part of the audit that knows the owner of no repository.

        :param totals: its sums.
        """
        if totals.repositories:
            self._owners.setdefault(None, OwnerTotals()).add_totals(totals)

    def take_over(self, owners: Iterable[OwnerCounts], uri: str) -> None:
        """Replace the sums by those of the reports, which know the repositories of every part.

        :param owners: every owner, with the address of its report.
        :param uri: the file that lists them.
        """
        self._owners, self._left_out, self.owners_uri = {}, 0, uri
        for counts in owners:
            self._owners.setdefault(counts["owner"], OwnerTotals()).merge(counts)
            self._report_uris[counts["owner"]] = counts.get("report_uri")

    def update(self, other: MoneyAndOwners) -> None:
        """Add another part of the audit."""
        self.merge(other._all(), other._wasteful, other._left_out)

    @property
    def wasteful(self) -> list[WastefulRepository]:
        """The repositories that waste the most."""
        return list(self._wasteful)

    @property
    def owners(self) -> list[OwnerCounts]:
        """The sums of the first owners, those with the highest cost first."""
        return [self._reported(counts) for counts in self._all()[:MAX_OWNERS]]

    @property
    def has_owners(self) -> bool:
        """Whether the owner of any repository is known."""
        return any(owner is not None for owner in self._owners)

    @property
    def left_out(self) -> int:
        """The number of owners that are not among :attr:`owners`."""
        return self._left_out + max(len(self._owners) - MAX_OWNERS, 0)

    def _reported(self, counts: OwnerCounts) -> OwnerCounts:
        uri = self._report_uris.get(counts["owner"])
        return counts if uri is None else {**counts, "report_uri": uri}

    def _all(self) -> list[OwnerCounts]:
        return sorted((totals.as_dict(owner) for owner, totals in self._owners.items()), key=by_cost)


def by_cost(counts: OwnerCounts) -> tuple[Any, ...]:
    """Return what sorts owners, those with the highest cost first.

    :param counts: the sums of an owner.
    """
    owner = counts["owner"]
    return -counts["monthly_cost_usd"], -counts["repository_count"], owner is None, owner or ""


def _most_wasted_first(repository: WastefulRepository) -> tuple[Any, ...]:
    return (
        -round((repository["saved_monthly_cost_usd"] + repository["never_pulled_monthly_cost_usd"]) * MICROS),
        -repository["stored_bytes_upper_bound"],
        repository["registry_id"] or "",
        repository["region_name"] or "",
        repository["repository_name"],
    )
