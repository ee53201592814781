"""The tab of an audit with money and owners: from the most wasteful repository to why it is kept, and an owner's own view."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from airflow_provider_ecr_preview.core.audit.acknowledged import AcknowledgedFindings
from airflow_provider_ecr_preview.core.audit.acknowledgements import Acknowledgements
from airflow_provider_ecr_preview.core.audit.marker import marker
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.reports.audit import AuditReports
from tests.core.audit.test_acknowledgements import ENTRY
from tests.core.audit.test_summary import audited, without_policy
from tests.core.money.test_money import GB, PULLED, storage_of
from tests.plugins.browser.looking import (
    PHONE,
    check_accessible,
    faint_graphics,
    is_as_wide_as_the_screen,
    layout_shift_of_ours,
    tab_path,
)
from tests.plugins.conftest import Server
from tests.support.builders import NOW, stored


def owned(number: int, owner: str, **fields: Any) -> RepositoryOutcome:
    storage = storage_of(
        stored(1, image_size_in_bytes=(number + 1) * 20 * GB, **PULLED),
        stored(2, image_size_in_bytes=(number + 1) * 7 * GB),
        stored(3, image_size_in_bytes=GB),
        expiring=(3,),
    )
    made = audited(f"{owner or 'legacy'}/service-{number:02}", expiring=1, **fields)
    return RepositoryOutcome(
        made.repository_name,
        made.registry_id,
        made.region_name,
        "previewed",
        made.summary,
        storage=storage.as_dict(),
        owner=owner,
    )


@pytest.fixture
def audit(page: Page, server: Server, reports: Path) -> Page:
    """Return the tab of the last of twelve monthly audits of forty repositories of four owners."""
    outcomes = [owned(number, owner) for number in range(10) for owner in ("payments", "web", "data", "")]
    outcomes.append(owned(10, "payments", findings=["dead_rule"]))
    outcomes.append(without_policy("legacy/bare"))
    acknowledgements = Acknowledgements.of([ENTRY], NOW.date())
    for month in range(12):
        whole = Audit(
            f"weekly {month}", NOW - timedelta(days=30 * (11 - month)), None, AcknowledgedFindings(acknowledgements)
        )
        some = [*map(acknowledgements.applied_to, outcomes[: 20 + 2 * month])]
        whole.update(some)
        written = AuditReports(
            f"file://{reports}", audit_id=whole.audit_id, audited_at=whole.audited_at, owner_tag="team"
        )
        tables = written.write_tables(some)
        whole.trend_uri = written.write_trend(whole.as_dict(), "payments", "merge")
    value = audit_xcom(whole, table_uris=tables, report_uri=written.markdown_uri)
    server.push(value)
    server.mark(marker(value))
    page.goto(tab_path(server))
    expect(page.get_by_role("heading", name="What it costs")).to_be_visible()
    return page


def test_from_the_most_wasteful_repository_to_why_it_is_kept_in_two_clicks(audit: Page) -> None:
    wasteful = audit.get_by_role("region", name="Most wasteful repositories")
    first = wasteful.locator("tbody tr").first
    expect(first).to_contain_text("payments/service-10")
    first.get_by_role("button").click()
    expect(audit.get_by_role("heading", name="payments/service-10")).to_be_visible()


def test_an_owner_sees_their_own_and_the_address_leads_others_there(audit: Page) -> None:
    owners = audit.get_by_role("region", name="By owner")
    expect(owners.locator("tbody tr")).to_have_count(5)
    owners.get_by_role("button", name="untagged").click()
    expect(audit).to_have_url(re.compile(r"owner=%28untagged%29"))
    audit.reload()
    wasteful = audit.get_by_role("region", name="Most wasteful repositories")
    expect(wasteful.locator("tbody tr").first).to_contain_text("legacy/service-09")
    wasteful.get_by_role("checkbox").first.click()  # what is selected follows the address
    expect(audit.get_by_text("1 repository selected")).to_be_visible()
    with audit.expect_download() as download:
        audit.get_by_role("button", name="Download selected as CSV").click()
    text = Path(download.value.path()).read_text()
    assert "legacy/service-09" in text
    audit.get_by_role("button", name="Show all owners").click()
    expect(owners.locator("tbody tr")).to_have_count(5)


def test_the_trend_goes_over_months_and_accepted_findings_stand_apart(audit: Page) -> None:
    trend = audit.get_by_role("region", name="Trend")
    expect(trend.get_by_text("12 audits from")).to_be_visible()
    expect(trend.locator("svg circle")).to_have_count(48)
    expect(audit.get_by_role("region", name="Acknowledged findings")).to_contain_text("1 repository has this finding")


def test_nothing_of_it_moves_as_it_loads_and_its_graphics_can_be_seen(audit: Page) -> None:
    def ready() -> None:
        expect(audit.get_by_role("region", name="Trend").locator("svg circle")).to_have_count(48)
        expect(audit.locator("figure .map svg")).to_have_count(2)

    moved, what = layout_shift_of_ours(audit, ready)
    assert moved < 0.1, what
    assert faint_graphics(audit) == []


def test_it_is_accessible_and_fits_a_phone(audit: Page) -> None:
    check_accessible(audit)
    audit.set_viewport_size(PHONE)
    assert is_as_wide_as_the_screen(audit)
