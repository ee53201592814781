"""From Airflow 3.4 on, audits are shown on the asset that announces them, and tabs only where there is something to show."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from airflow import __version__ as airflow_version
from playwright.sync_api import Locator, Page, expect

from tests.jobs.conftest import Airflow, run_path
from tests.plugins.browser.looking import PHONE, WIDE, check_accessible, faint_graphics

pytestmark = pytest.mark.skipif(
    tuple(map(int, airflow_version.split(".")[:2])) < (3, 4),
    reason="Airflow shows plugins on the pages of assets, and tabs on chosen tasks, from 3.4 on.",
)

AUDIT, MERGE, ASSET, OTHER_ASSET = (
    "ecr_audit_registry",
    "lifecycle_audit.merge",
    "ecr-preview registry",
    "ecr_lifecycle_policy_changes",
)


def tab(page: Page) -> Locator:
    return page.get_by_role("link", name="ECR preview", exact=True)


def open_asset(page: Page, name: str) -> None:
    page.goto("/assets")
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_test_id("asset-breadcrumb")).to_contain_text(name)


def test_an_audit_is_shown_on_the_asset_that_announced_it(
    airflow: Airflow, page: Page, trigger: Callable[..., str]
) -> None:
    reports_path = f"file://{airflow.home}/tmp/asset"
    # The second is of other repositories, so it is no point of the trend of the first.
    runs = [trigger(AUDIT, include=include, reports_path=reports_path) for include in ("data/*", "web/*", "data/*")]
    for run_id in runs:
        airflow.wait_for_end(AUDIT, run_id)
    latest = airflow.result(AUDIT, runs[-1], MERGE)

    open_asset(page, ASSET)
    tab(page).click()
    expect(page.get_by_role("heading", name=f"Audits of {ASSET}")).to_be_visible()
    expect(page.locator(".ecrp")).to_contain_text("an audit deletes nothing")
    expect(page.locator(".ecrp")).to_contain_text(f"of {latest['total_image_count']:,}")
    trend = page.get_by_role("figure", name=re.compile("Images that would be deleted"))
    expect(trend.locator(".bar-shape")).to_have_count(2)
    page.get_by_text("All of these audits").click()
    expect(page.get_by_role("region", name="Audits of this asset").locator("tbody tr")).to_have_count(3)
    expect(page.get_by_role("region", name="Audits of this asset")).to_contain_text("web/*")
    check_accessible(page)
    assert faint_graphics(page) == []

    # The earlier audit by its bar, and one of its repositories, whose address says which audit it is of.
    trend.locator(".bar-shape").first.click()
    expect(page).to_have_url(re.compile(r"audit=ecr_audit_registry"))
    page.get_by_role("region", name="Most wasteful repositories").locator("tbody tr button").first.click()
    expect(page).to_have_url(re.compile(r"audit=ecr_audit_registry.*repository=123456789012"))
    expect(page.get_by_role("link", name="Open in the AWS console")).to_be_visible()
    page.get_by_role("button", name="Back to the audit").click()
    expect(trend.locator(".bar-shape")).to_have_count(2)

    # A phone has room for the way to the page, and not for the audit.
    page.set_viewport_size(PHONE)
    way = page.get_by_role("link", name=re.compile("^Show the audit of .* on a page of its own$"))
    expect(way).to_be_visible()
    expect(page.get_by_text("an audit deletes nothing")).to_be_hidden()
    way.click()
    expect(page.get_by_text("an audit deletes nothing")).to_be_visible()
    page.set_viewport_size(WIDE)


def test_tabs_are_on_the_tasks_and_the_assets_that_they_are_about_alone(
    airflow: Airflow, page: Page, trigger: Callable[..., str]
) -> None:
    run_id = trigger(AUDIT, include="data/*", reports_path=f"file://{airflow.home}/tmp/tabs")
    airflow.wait_for_end(AUDIT, run_id)
    for task_id in ("lifecycle_audit.list_repositories", MERGE):
        page.goto(run_path(AUDIT, run_id, "tasks", task_id))
        expect(tab(page)).to_be_visible()
    page.goto(run_path(AUDIT, run_id, "tasks", "look_at"))
    expect(page.get_by_role("link", name="Details", exact=True)).to_be_visible()
    expect(tab(page)).to_have_count(0)

    open_asset(page, OTHER_ASSET)
    expect(page.get_by_text("Asset Events", exact=True)).to_be_visible()
    expect(tab(page)).to_have_count(0)
