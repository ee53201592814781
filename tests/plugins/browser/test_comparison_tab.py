"""The tab of a task that has compared candidate policies with the applied ones."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from airflow_provider_ecr_preview.core.comparison.effects import Comparison, PolicyEffect, compare_effects
from airflow_provider_ecr_preview.core.comparison.result import comparison_xcom
from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary
from tests.plugins.browser.looking import MARKUP, PHONE, check_accessible, is_as_wide_as_the_screen, tab_path
from tests.plugins.conftest import Server
from tests.support.builders import NOW, REGION, REGISTRY_ID, previewed


def test_a_candidate_is_shown_beside_the_applied_policy(page: Page, server: Server) -> None:
    comparison = Comparison(["applied", "candidate"], "simulation", NOW)
    for name, affected in (("team/api", 3), (MARKUP, 7), ("team/same", 0)):
        applied, candidate = PolicyEffect("0" * 64), PolicyEffect("1" * 64)
        for number in range(affected):
            candidate.add(previewed(number, image_size_in_bytes=10**9))
        if affected > 5:
            candidate.findings = [
                FindingSummary(code="newest_image_expires", severity="critical", message=MARKUP, image_digests=[])
            ]
        ref = {"registry_id": REGISTRY_ID, "region_name": REGION, "repository_name": name}
        comparison.add(compare_effects(ref, {"applied": applied, "candidate": candidate}))
    server.push(comparison_xcom(comparison))
    page.goto(tab_path(server))
    expect(page.get_by_role("heading", name="applied and candidate compared")).to_be_visible()
    expect(page.get_by_text("not a preview of ECR's")).to_be_visible()
    expect(page.get_by_role("region", name="Policies").get_by_role("row", name="candidate")).to_contain_text("10 GB")
    rows = page.get_by_role("region", name="Repositories").locator("tbody tr")
    expect(rows.first).to_contain_text(MARKUP)
    page.get_by_role("button", name="Repository").click()
    page.get_by_label("Search repositories and findings").fill("newest_image")
    expect(rows).to_have_count(1)
    rows.first.get_by_text("Newly affected").click()
    expect(rows.first.locator("code").last).to_be_visible()
    expect(page.locator(".ecrp img")).to_have_count(0)
    check_accessible(page)
    page.set_viewport_size(PHONE)
    assert is_as_wide_as_the_screen(page)
