"""The tab of a DAG run: all previews of it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from airflow_provider_ecr_preview.core.preview.result import marker, summary_xcom
from tests.plugins.browser.looking import MARKUP, check_accessible, run_path
from tests.plugins.conftest import Server
from tests.support.builders import archiving, previewed, summary


def test_mapped_previews_are_listed_and_each_leads_to_its_own_tab(page: Page, server: Server) -> None:
    for index, name in enumerate(("team/api", MARKUP)):
        value = summary_xcom(summary(previewed(1), archiving(2), repository_name=name))
        its = {"task_id": "mapped", "map_index": index}
        server.push(value, **its)
        server.mark(marker(value), **its)
    page.goto(run_path(server))
    rows = page.get_by_role("region", name="ECR previews of this run").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text=MARKUP)).to_contain_text("1")
    expect(page.get_by_text("The ECR previews of this run together")).to_be_visible()
    check_accessible(page)
    page.get_by_role("link", name="payments / mapped [1]").click()
    expect(page.locator(".ecrp h2")).to_have_text(MARKUP)
    expect(page.locator(".ecrp img")).to_have_count(0)


def test_a_run_without_a_preview_says_so(page: Page, server: Server) -> None:
    page.goto(run_path(server))
    expect(page.get_by_text("This run has no ECR task.")).to_be_visible()
    check_accessible(page)
