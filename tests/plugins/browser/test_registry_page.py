"""The page of the registry: the audits of all DAGs that a user may read."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.core.audit.test_summary import audited, failed, without_policy
from tests.plugins.audits import push_audit
from tests.plugins.browser.looking import PHONE, check_accessible, is_as_wide_as_the_screen
from tests.plugins.conftest import Server

PAGE = "/plugin/ecr-previews"


@pytest.fixture
def audits(server: Server, reports: Path) -> None:
    """Let both DAGs have an audit, and ``payments`` an earlier one, too."""
    mapped = {"task_id": "mapped", "map_index": 0}
    push_audit(server, reports, [audited("shared/api", expiring=2), audited("shared/web")], audit_id="earlier")
    push_audit(server, reports, [audited("shared/api", expiring=5), failed("shared/denied")], dag_id="search")
    push_audit(server, reports, [audited("team/part")], audit_id="part", **mapped)


def test_the_audits_of_the_dags_that_one_may_read_are_listed(
    page_of: Callable[[str], Page], server: Server, audits: None
) -> None:
    for user, repository, count in (
        ("alice", "shared/web", 1),
        ("bob", "shared/denied", 1),
        ("carol", "shared/api", 2),
    ):
        page = page_of(user)
        page.goto(PAGE)
        expect(page.get_by_role("combobox", name="Audit").locator("option")).to_have_count(count)
        expect(page.get_by_text(repository).first).to_be_visible()
        expect(page.get_by_text("team/part")).to_have_count(0)


def test_an_audit_is_chosen_and_two_are_compared(page_of: Callable[[str], Page], audits: None) -> None:
    page = page_of("carol")
    page.goto(PAGE)
    audit = page.get_by_role("combobox", name="Audit")
    first = audit.input_value()
    check_accessible(page)
    audit.select_option(index=1)
    expect(audit).not_to_have_value(first)
    page.get_by_role("combobox", name="Compare with").select_option(index=1)
    expect(page.get_by_text("3 repositories differ.")).to_be_visible()
    row = page.get_by_role("region", name="What differs").locator("tbody tr", has_text="shared/api")
    expect(row).to_contain_text(re.compile("2.*5"))
    check_accessible(page)


def test_the_task_and_the_run_are_reached_without_a_reload(page: Page, audits: None) -> None:
    page.goto("/")
    page.evaluate("window.kept = true")
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="ECR previews").click()
    page.get_by_role("link", name="the run").click()
    expect(page.get_by_text("Every ECR preview of this run")).to_be_visible()
    expect(page.get_by_role("heading", name="Audit of")).to_be_visible()
    page.get_by_role("link", name="payments / preview").click()
    expect(page.get_by_role("link", name="On a page of its own")).to_be_visible()
    page.get_by_role("link", name="On a page of its own").click()
    expect(page.get_by_role("link", name="payments / manual")).to_be_visible()
    expect(page.get_by_role("heading", name="Audit of")).to_be_visible()
    assert page.evaluate("window.kept") is True


def test_what_is_chosen_is_in_the_address_and_the_browser_leads_back(
    page_of: Callable[[str], Page], audits: None
) -> None:
    page = page_of("carol")
    page.goto(PAGE)
    audit = page.get_by_role("combobox", name="Audit")
    first = audit.input_value()
    audit.select_option(index=1)
    page.get_by_role("combobox", name="Compare with").select_option(index=1)
    page.reload()
    expect(page.get_by_role("region", name="What differs")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Audit of")).to_be_visible()
    page.go_back()
    expect(audit).to_have_value(first)
    page.goto(f"{PAGE}?audit=payments/long/gone")
    expect(page.get_by_text("no longer exists, or you may not read it")).to_be_visible()
    page.get_by_role("button", name="Show the latest audit").click()
    expect(page.get_by_role("heading", name="Audit of")).to_be_visible()


def test_a_repository_is_linked_to_with_its_audit(page: Page, audits: None) -> None:
    page.goto(PAGE)
    page.locator("td").get_by_role("button", name="shared/web").click()
    expect(page.get_by_role("heading", name="shared/web")).to_be_visible()
    expect(page).to_have_url(re.compile("audit=payments.*repository=123456789012"))


def test_thousands_of_repositories_are_sorted_and_searched(page: Page, server: Server, reports: Path) -> None:
    outcomes = [without_policy(f"team/service-{number:04}") for number in range(3000)]
    push_audit(server, reports, [*outcomes, audited("team/last")])
    page.goto(PAGE)
    expect(page.get_by_text(re.compile("1.50 of 3,001 repositories"))).to_be_visible()
    page.get_by_label("Search repositories and findings").fill("service-2999")
    expect(page.get_by_text(re.compile("1.1 of 1 repositories"))).to_be_visible()


def test_a_user_who_may_read_no_audit_sees_how_to_get_one(page_of: Callable[[str], Page], server: Server) -> None:
    page = page_of("bob")
    page.goto(PAGE)
    expect(page.get_by_text("There is no audit that you may read yet.")).to_be_visible()
    check_accessible(page)


def test_on_a_phone_only_tables_are_scrolled_sideways(page: Page, audits: None) -> None:
    page.set_viewport_size(PHONE)
    page.goto(PAGE)
    expect(page.get_by_role("heading", name="Audit of")).to_be_visible()
    assert is_as_wide_as_the_screen(page)
