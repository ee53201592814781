"""The tab of a task that has audited many repositories."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.core.audit.test_summary import audited, failed, without_policy
from tests.plugins.audits import push_audit
from tests.plugins.browser.looking import MARKUP, PHONE, check_accessible, is_as_wide_as_the_screen, tab_path
from tests.plugins.conftest import Server
from tests.plugins.previews import images
from tests.plugins.test_images import write


@pytest.fixture
def audit(page: Page, server: Server, reports: Path) -> Page:
    """Return the tab of an audit of 70 repositories."""
    uri = write(f"file://{reports}/lists/list.jsonl.gz", list(images(60)))
    outcomes = [audited(f"team/service-{number:02}", expiring=number % 7, archived=1) for number in range(66)]
    outcomes.append(audited("team/largest", expiring=9, findings=["dead_rule"], images_uri=uri))
    outcomes += [
        audited(MARKUP),
        failed("team/denied", "AccessDeniedError", f"No right: {MARKUP}"),
        without_policy("team/bare"),
    ]
    push_audit(server, reports, outcomes)
    page.goto(tab_path(server))
    expect(page.get_by_text("Audit of")).to_be_visible()
    return page


def rows(page: Page) -> Any:
    return page.get_by_role("region", name="Repositories").last.locator("tbody tr")


def test_an_audit_shows_totals_findings_failures_and_who_has_no_policy(audit: Page) -> None:
    expect(audit.get_by_text("1 without a policy, 1 failed")).to_be_visible()
    expect(audit.get_by_text("remove the rule, or correct its tags")).to_be_visible()
    expect(audit.get_by_text(f"No right: {MARKUP}")).to_be_visible()
    expect(audit.get_by_text("team/bare (123456789012, eu-west-1)")).to_be_visible()
    expect(rows(audit)).to_have_count(50)
    expect(audit.locator(".ecrp img")).to_have_count(0)
    check_accessible(audit)


def test_repositories_are_sorted_searched_and_paged(audit: Page) -> None:
    expect(rows(audit).first).to_contain_text("team/largest")
    expect(audit.get_by_text(re.compile("1.50 of 70 repositories"))).to_be_visible()
    audit.get_by_role("button", name="Next").click()
    expect(rows(audit)).to_have_count(20)
    audit.get_by_role("button", name=re.compile("^Repository")).click()
    expect(rows(audit).first).to_contain_text(MARKUP)
    audit.get_by_label("Search repositories and findings").fill("dead_rule")
    expect(rows(audit)).to_have_count(1)
    expect(rows(audit).first).to_contain_text("team/largest")


def test_a_repository_leads_to_its_images_and_back(audit: Page) -> None:
    rows(audit).get_by_role("button", name="team/largest").click()
    expect(audit.get_by_role("region", name="Images").last.locator("tbody tr")).to_have_count(50)
    expect(audit.get_by_role("link", name="Open in the AWS console")).to_have_attribute(
        "href", re.compile("/ecr/repositories/private/123456789012/team/largest")
    )
    check_accessible(audit)
    audit.get_by_role("button", name="Back to the audit").click()
    expect(rows(audit)).to_have_count(50)


def test_a_repository_has_an_address_of_its_own_and_the_browser_leads_back(audit: Page) -> None:
    rows(audit).get_by_role("button", name="team/largest").click()
    expect(audit.get_by_role("heading", name="team/largest")).to_be_visible()
    assert "repository=123456789012" in audit.url
    audit.reload()
    expect(audit.get_by_role("heading", name="team/largest")).to_be_visible()
    audit.go_back()
    expect(audit.get_by_role("heading", name="Audit of")).to_be_visible()


def test_the_repositories_are_drawn_by_their_bytes_and_each_leads_to_its_images(audit: Page) -> None:
    tiles = audit.locator(".tile-shape")
    expect(tiles).to_have_count(58)
    tiles.first.hover()
    expect(audit.locator(".tip")).to_contain_text("team/largest")
    expect(audit.locator(".tip")).to_contain_text("90 B at most")
    tiles.first.click()
    expect(audit.get_by_role("heading", name="team/largest")).to_be_visible()


def test_the_repositories_of_a_finding_are_one_step_away(audit: Page) -> None:
    audit.get_by_role("button", name="1 repository").first.click()
    expect(rows(audit)).to_have_count(1)
    audit.get_by_label("Search repositories and findings").fill("")
    audit.get_by_role("combobox", name="Show").select_option("that failed")
    expect(rows(audit)).to_have_count(1)
    expect(rows(audit).first).to_contain_text(f"No right: {MARKUP}")


def test_on_a_phone_only_tables_are_scrolled_sideways(audit: Page) -> None:
    audit.set_viewport_size(PHONE)
    expect(rows(audit)).to_have_count(50)
    assert is_as_wide_as_the_screen(audit)
