"""Add up the rows of the tables of an audit by owner, with the repositories that each owner has to look at first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from airflow_provider_ecr_preview.core.audit.owners import OwnerTotals, by_cost
from airflow_provider_ecr_preview.core.money.storage import Storage
from airflow_provider_ecr_preview.core.values import Leading
from airflow_provider_ecr_preview.core.xcom.storage import OwnerCounts

MAX_OWNED = 200
"""How many repositories the report of one owner names."""


class OwnedRepository(NamedTuple):
    """One repository in the report of its owner; None is what is not known."""

    registry_id: str | None
    region_name: str | None
    repository_name: str
    status: str
    expiring_image_count: int | None
    stored_bytes: int | None
    cost: float | None
    leaving_cost: float | None
    saved_cost: float | None
    never_pulled_cost: float | None
    findings: tuple[str, ...]
    acknowledged: tuple[str, ...]
    message: str


class OwnersOfRows:
    """The owners of an audit, from the rows of its tables."""

    def __init__(self) -> None:
        self._totals: dict[str | None, OwnerTotals] = {}
        self._repositories: dict[str | None, Leading[OwnedRepository]] = {}

    def add(self, row: Mapping[str, str], registry_id: str | None, region_name: str | None) -> None:
        """Count one row.

        :param row: the row, as a CSV file has it.
        :param registry_id: the registry, from the path of the table.
        :param region_name: the Region.
        """
        owner = owner_of(row)
        self._totals.setdefault(owner, OwnerTotals()).merge(_counts(owner, row))
        repository = _repository(row, registry_id, region_name)
        self._repositories.setdefault(owner, Leading(MAX_OWNED)).add(_first(repository), repository)

    def counts(self) -> list[OwnerCounts]:
        """Return the sums of every owner, those with the highest cost first."""
        return sorted((totals.as_dict(owner) for owner, totals in self._totals.items()), key=by_cost)

    def repositories_of(self, owner: str | None) -> Iterator[OwnedRepository]:
        """Yield the repositories of an owner, those that failed and the most wasteful first.

        :param owner: the owner.
        """
        yield from self._repositories[owner]


def owner_of(row: Mapping[str, str]) -> str | None:
    """Return the owner in a row of a CSV file: an empty text if the repository has no such tag, None if it is not known.

    :param row: the row; rows of earlier releases do not distinguish the two.
    """
    return row.get("owner") or ("" if row.get("owner_tag") else None)


def _counts(owner: str | None, row: Mapping[str, str]) -> OwnerCounts:
    storage = Storage.from_dict(_storage(row)).as_dict()
    return OwnerCounts(
        owner=owner,
        repository_count=1,
        without_policy_count=int(row["status"] == "without_policy"),
        failed_count=int(row["status"] == "failed"),
        expiring_image_count=_integer(row, "expiring_image_count") or 0,
        critical_finding_count=_integer(row, "critical_finding_count") or 0,
        warning_finding_count=_integer(row, "warning_finding_count") or 0,
        info_finding_count=_integer(row, "info_finding_count") or 0,
        acknowledged_finding_count=_integer(row, "acknowledged_finding_count") or 0,
        **storage,  # type: ignore[typeddict-item]  # it has no report_uri
    )


def _storage(row: Mapping[str, str]) -> dict[str, Any] | None:
    if not row.get("monthly_cost_usd"):
        return None
    names = [name for name in Storage().as_dict() if not name.endswith("measured_repository_count")]
    values = {name: float(row[name]) if name.endswith("_usd") else int(row[name]) for name in names}
    return {"measured_repository_count": 1, "unmeasured_repository_count": 0, **values}


def _repository(row: Mapping[str, str], registry_id: str | None, region_name: str | None) -> OwnedRepository:
    return OwnedRepository(
        registry_id=registry_id,
        region_name=region_name,
        repository_name=row["repository_name"],
        status=row["status"],
        expiring_image_count=_integer(row, "expiring_image_count"),
        stored_bytes=_integer(row, "stored_bytes_upper_bound"),
        cost=_number(row, "monthly_cost_usd"),
        leaving_cost=_number(row, "leaving_monthly_cost_usd"),
        saved_cost=_number(row, "saved_monthly_cost_usd"),
        never_pulled_cost=_number(row, "never_pulled_monthly_cost_usd"),
        findings=tuple(row.get("finding_codes", "").split()),
        acknowledged=tuple(row.get("acknowledged_finding_codes", "").split()),
        message=row.get("message", ""),
    )


def _first(repository: OwnedRepository) -> tuple[Any, ...]:
    wasted = (repository.saved_cost or 0) + (repository.never_pulled_cost or 0)
    return (
        repository.status != "failed",
        -wasted,
        -(repository.cost or 0),
        -len(repository.findings),
        repository.registry_id or "",
        repository.region_name or "",
        repository.repository_name,
    )


def _integer(row: Mapping[str, str], name: str) -> int | None:
    return int(row[name]) if row.get(name) else None


def _number(row: Mapping[str, str], name: str) -> float | None:
    return float(row[name]) if row.get(name) else None
