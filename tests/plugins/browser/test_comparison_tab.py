"""The tab of a task that has compared candidate policies with the applied ones."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from airflow_provider_ecr_preview.core.comparison.effects import Comparison, PolicyEffect, compare_effects
from airflow_provider_ecr_preview.core.comparison.images import compared_images
from airflow_provider_ecr_preview.core.comparison.result import comparison_marker, comparison_xcom
from airflow_provider_ecr_preview.core.xcom.audit import RepositoryRef
from airflow_provider_ecr_preview.core.xcom.preview import COMPARISON_MARKER_KEY, FindingSummary
from airflow_provider_ecr_preview.reports.lists import line_list
from tests.plugins.browser.looking import MARKUP, PHONE, check_accessible, is_as_wide_as_the_screen, tab_path
from tests.plugins.conftest import Server
from tests.support.builders import NOW, REGION, REGISTRY_ID, previewed


def test_a_candidate_is_shown_next_to_the_applied_policy(page: Page, server: Server) -> None:
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


def test_every_image_that_a_candidate_treats_differently_is_listed_and_the_comparison_is_found(
    page: Page, server: Server, reports: Path
) -> None:
    comparison = Comparison(["applied", "candidate"], "preview", NOW)
    path = f"file://{reports}/compared.jsonl.gz"
    with line_list(path, dag_id="payments") as lines:
        for name, affected in (("team/api", 3), (MARKUP, 70)):
            applied, candidate = PolicyEffect("0" * 64, is_listed=True), PolicyEffect("1" * 64, is_listed=True)
            applied.add(previewed(900, image_tags=("gone",)))
            for number in range(affected):
                candidate.add(previewed(number, image_tags=(f"v{number}",), image_size_in_bytes=10**9))
            ref = RepositoryRef(registry_id=REGISTRY_ID, region_name=REGION, repository_name=name)
            effects = {"applied": applied, "candidate": candidate}
            comparison.add(compare_effects(ref, effects))
            for image in compared_images(ref, effects):
                lines.write(image)
    value = comparison_xcom(comparison, path)
    server.push(value)
    server.mark(comparison_marker(value), key=COMPARISON_MARKER_KEY)

    # From the page of the registry to the comparison.
    page.goto("/plugin/ecr-previews")
    page.get_by_text("Candidate policies: what-if audits and comparisons").click()
    row = page.get_by_role("region", name="Candidate policies").locator("tbody tr")
    expect(row).to_contain_text("73 images newly affected; 2 repositories differ")
    check_accessible(page)
    row.get_by_role("link", name="comparison: payments / preview").click()

    images = page.get_by_role("region", name="Images that the policies treat differently")
    expect(images.locator("tbody tr")).to_have_count(50)
    page.get_by_role("button", name="Show only these below").first.click()
    expect(images.locator("tbody tr").first).to_contain_text(MARKUP)
    page.get_by_label("Search this list").fill("v69")
    expect(images.locator("tbody tr")).to_have_count(1)
    expect(images.locator("tbody tr")).to_contain_text("1.0 GB")
    page.get_by_label("Search this list").fill("")
    page.get_by_label("Change").select_option("no_longer_affected")
    expect(images.locator("tbody tr")).to_have_count(2)
    expect(images).to_contain_text("gone")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    header, *lines_of_csv = download.value.path().read_text().strip().splitlines()
    assert "image_pushed_at" in header
    assert len(lines_of_csv) == 2
    expect(page.locator(".ecrp img")).to_have_count(0)
    check_accessible(page)
    page.set_viewport_size(PHONE)
    assert is_as_wide_as_the_screen(page)
