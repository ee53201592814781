"""The sums of the owners by the rows of the tables are those of the audit, in whatever parts it was made."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.owner_rows import MAX_OWNED, OwnersOfRows, owner_of
from airflow_provider_ecr_preview.core.audit.owners import MoneyAndOwners
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.reports.columns import COLUMNS, audit_row
from tests.core.money.test_money import GB, OUTCOMES, audit_of, outcome, storage_of
from tests.support.builders import NOW, REGION, REGISTRY_ID, stored

HOSTILE = st.sampled_from([None, "", "payments", "../../etc", "a/b", "{{ 1 }}", "<b>", "=1+1", "\u202epay", "é" * 200])


def rows_of(outcomes: list[RepositoryOutcome], owner_tag: str | None = "team") -> list[dict[str, str]]:
    """Return the rows as a CSV file has them, in which None and an empty text look the same."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [column.name for column in COLUMNS])
    writer.writeheader()
    for made in outcomes:
        writer.writerow(audit_row(made, audit_id="weekly", audit_name="weekly", audited_at=NOW, owner_tag=owner_tag))
    return [*csv.DictReader(io.StringIO(text.getvalue()))]


def owners_of(outcomes: list[RepositoryOutcome]) -> OwnersOfRows:
    owners = OwnersOfRows()
    for made, row in zip(outcomes, rows_of(outcomes), strict=True):
        owners.add(row, made.registry_id, made.region_name)
    return owners


@settings(max_examples=60)
@given(OUTCOMES, st.lists(HOSTILE, min_size=8, max_size=8))
def test_the_sums_of_the_rows_are_those_of_the_audit(outcomes: list[Any], names: list[str | None]) -> None:
    outcomes = [
        outcome(made.repository_name, None, name, status=made.status, region_name=made.region_name)
        if made.storage is None
        else RepositoryOutcome(
            made.repository_name,
            REGISTRY_ID,
            made.region_name,
            made.status,
            made.summary,
            storage=made.storage,
            owner=name,
        )
        for made, name in zip(outcomes, names, strict=False)
    ]
    money = MoneyAndOwners()
    for made in outcomes:
        money.add(made)
    assert owners_of(outcomes).counts() == money.owners


def test_rows_of_earlier_releases_have_no_owner() -> None:
    [row] = rows_of([outcome("a", None, "")], owner_tag=None)
    assert owner_of(row) is None
    for name in ("owner", "owner_tag", "acknowledged_finding_codes", "message"):
        del row[name]
    owners = OwnersOfRows()
    owners.add(row, None, None)
    assert [counts["owner"] for counts in owners.counts()] == [None]


def test_the_most_wasteful_repository_of_an_owner_comes_first_after_those_that_failed() -> None:
    large, small = (storage_of(stored(1, image_size_in_bytes=size * GB)) for size in (9, 1))
    outcomes = [
        outcome("small", small, "a"),
        outcome("large", large, "a"),
        outcome("broken", None, "a", status="failed"),
        outcome("found", small, "a", status="previewed", findings=("dead_rule",)),
        outcome("other", large, "b"),
    ]
    owners = owners_of(outcomes)
    names = [repository.repository_name for repository in owners.repositories_of("a")]
    assert names == ["broken", "large", "found", "small"]
    found = [*owners.repositories_of("a")][2]
    assert (found.region_name, found.findings, found.cost) == (REGION, ("dead_rule",), 0.1)


def test_an_owner_of_many_repositories_has_all_of_them_in_the_sums() -> None:
    owners = owners_of([outcome(f"team/{number}", None, "a") for number in range(MAX_OWNED + 5)])
    assert len([*owners.repositories_of("a")]) == MAX_OWNED
    assert owners.counts()[0]["repository_count"] == MAX_OWNED + 5


@pytest.mark.parametrize("many", [False, True])
def test_the_audit_points_to_the_reports_of_the_owners_as_long_as_there_is_room(many: bool) -> None:
    storage = storage_of(stored(1, image_size_in_bytes=GB))
    outcomes = [
        outcome(f"{'long-name/' * 20 * many}{number}", storage, f"{'owner ' * 10}{number % 40}")
        for number in range(200 if many else 3)
    ]
    audit = audit_of(outcomes)
    counts = owners_of(outcomes).counts()
    for owner in counts:
        owner["report_uri"] = f"s3://aws_default@reports/owners/{owner['owner']}.md"
    audit.money.take_over(counts, "s3://aws_default@reports/owners/owners.json")
    value = audit_xcom(audit)
    assert value["owners_uri"].endswith("owners.json")
    assert [owner["monthly_cost_usd"] for owner in value["owners"]] == [
        owner["monthly_cost_usd"] for owner in counts[: len(value["owners"])]
    ]
    assert all(bool(owner.get("report_uri")) != many for owner in value["owners"])
    assert "owners_uri" not in Audit.from_xcom(value).as_dict()


def test_the_audit_points_to_the_trend_of_its_reports() -> None:
    audit = audit_of([outcome("a", storage_of(stored(1)), "payments")])
    assert "trend_uri" not in audit_xcom(audit)
    audit.trend_uri = "s3://aws_default@reports/trend.json"
    assert audit_xcom(audit)["trend_uri"] == "s3://aws_default@reports/trend.json"
