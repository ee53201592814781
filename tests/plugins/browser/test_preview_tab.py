"""The tab of a task that has summarised a preview."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow import __version__ as airflow_version
from playwright.sync_api import Page, expect

from airflow_provider_ecr_preview.reports.lists import image_list
from tests.plugins.browser.looking import MARKUP, check_accessible, faint_graphics, layout_shift_of_ours, tab_path
from tests.plugins.conftest import Server
from tests.plugins.previews import images, kept, summary


@pytest.fixture
def tab(page: Page, server: Server, reports: Path) -> Page:
    """Return the tab of a preview of 250 images, which has markup wherever others may write it."""
    uri = f"file://{reports}/browser.jsonl.gz"
    with image_list(uri, with_kept=True) as written:
        for image in images(250):
            written.write(image)
        assert written.write_kept
        written.write_kept(kept(40, datetime(2026, 11, 20, tzinfo=UTC)))
    rule = {"priority": 1, "action": "expire", "description": MARKUP, "image_count": 200, "bytes_upper_bound": 1}
    finding = {"code": "newest_image_expires", "severity": "critical", "message": MARKUP, "image_digests": []}
    server.push(
        summary(uri, repository_name=MARKUP)
        | {
            "status": "COMPLETE",
            "previewed_at": "2026-11-20T10:00:00+00:00",
            "expiring_image_count": 200,
            "archiving_image_count": 50,
            "total_image_count": 400,
            "expiring_bytes_upper_bound": 25_000_000_000,
            "rules": [rule],
            "findings": [finding],
            "sample": [],
        }
    )
    page.goto(tab_path(server))
    expect(page.locator(".ecrp h2")).to_be_visible()
    return page


def rows(page: Page) -> Any:
    return page.get_by_role("region", name="Images").last.locator("tbody tr")


def test_a_preview_is_shown_in_its_tab_and_what_others_wrote_is_text(tab: Page) -> None:
    expect(tab.locator(".ecrp h2")).to_have_text(MARKUP)
    expect(tab.get_by_text("$2.50")).to_be_visible()
    expect(rows(tab)).to_have_count(50)
    expect(tab.locator(".ecrp img")).to_have_count(0)
    check_accessible(tab)


def test_images_are_paged_sorted_searched_and_filtered(tab: Page) -> None:
    expect(tab.get_by_text(re.compile("1.50 of 250 images"))).to_be_visible()
    tab.get_by_role("button", name="Next").click()
    expect(tab.get_by_text(re.compile("51.100 of 250 images"))).to_be_visible()
    tab.get_by_role("button", name="Pushed").click()
    expect(tab.get_by_text(re.compile("1.50 of 250 images"))).to_be_visible()
    expect(rows(tab).first).to_contain_text("2026-01-11")
    expect(tab.get_by_role("columnheader", name="Pushed")).to_have_attribute("aria-sort", "descending")
    tab.get_by_label("Search tags and digests").fill("build-1")
    expect(rows(tab).first).to_contain_text("build-1")
    tab.get_by_role("combobox", name="Would be").select_option("TRANSITION")
    expect(tab.get_by_text("archived").last).to_be_visible()


def test_the_csv_holds_what_is_searched_for(tab: Page, tmp_path: Path) -> None:
    tab.get_by_label("Search tags and digests").fill("build-11")
    link = tab.get_by_role("link", name="Download CSV")
    expect(link).to_have_attribute("href", re.compile("search=build-11"))
    with tab.expect_download() as download:
        link.click()
    download.value.save_as(tmp_path / "images.csv")
    with (tmp_path / "images.csv").open(newline="") as lines:
        found = [*csv.DictReader(lines)]
    assert found
    assert all("build-11" in row["image_tags"] for row in found)


def test_a_bar_of_the_timeline_lists_the_images_of_its_period_by_pointer_and_by_keyboard(tab: Page) -> None:
    chart = tab.get_by_role("application", name=re.compile("Images by push date"))
    chart.locator("g.chooses").nth(1).click()
    removal = tab.get_by_role("button", name="Remove filter: pushed 2026-01-02")
    expect(removal).to_be_visible()
    expect(rows(tab)).to_have_count(24)
    expect(tab).to_have_url(re.compile("image_pushed_from=2026-01-02&image_pushed_to=2026-01-02"))
    expect(tab.get_by_role("link", name="Download CSV")).to_have_attribute("href", re.compile("pushed_to=2026-01-02"))
    tab.reload()
    expect(rows(tab)).to_have_count(24)
    check_accessible(tab)
    removal.press("Enter")
    expect(rows(tab)).to_have_count(50)
    chart.focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "Enter"):
        chart.press(key)
    expect(tab.get_by_role("button", name="Remove filter: pushed 2026-01-03")).to_be_visible()


def test_images_are_filtered_by_size_and_last_pull(tab: Page) -> None:
    tab.get_by_label("Last pull").select_option("never pulled")
    expect(tab.get_by_text(re.compile("1.50 of 194 images"))).to_be_visible()
    tab.get_by_label("Size up to (MB)").fill("0.0011")
    expect(tab.get_by_text(re.compile("1.50 of 77 images"))).to_be_visible()
    tab.get_by_role("button", name="Remove filter: never pulled").click()
    expect(tab.get_by_text(re.compile("1.50 of 86 images"))).to_be_visible()


def test_what_goes_in_the_next_days_is_a_simulation_and_says_so(tab: Page) -> None:
    expect(tab.get_by_role("heading", name="What goes in the next 30 days")).to_be_visible()
    expect(tab.get_by_text("A simulation by the rules of the policy")).to_be_visible()
    expect(tab.get_by_text("the policy would delete 7 images (7.1 kB at most)")).to_be_visible()
    chart = tab.get_by_role("application", name="Images that would go in the next 30 days")
    chart.focus()
    for _ in range(4):
        chart.press("ArrowRight")
    expect(chart.get_by_role("status")).to_have_text("2026-11-23: 1 would be deleted, 1.0 kB, 0 would be archived")
    tab.get_by_role("combobox", name="Would be").select_option("kept")
    heading = tab.get_by_role("columnheader", name="Would go on")
    for order in ("ascending", "descending"):
        heading.get_by_role("button").click()
        expect(heading).to_have_attribute("aria-sort", order)
    expect(rows(tab).first).to_contain_text("2026-12-29")


def test_nothing_of_it_moves_as_it_loads_and_its_graphics_can_be_seen(tab: Page) -> None:
    def ready() -> None:
        expect(tab.locator("figure .plot svg")).to_have_count(2)
        expect(rows(tab)).to_have_count(50)

    moved, what = layout_shift_of_ours(tab, ready)
    assert moved < 0.1, what
    assert faint_graphics(tab) == []


def test_the_colours_follow_the_theme_of_airflow(tab: Page) -> None:
    colour = "getComputedStyle(document.querySelector('.ecrp')).color"
    light = tab.evaluate(colour)
    tab.evaluate("document.documentElement.className = 'dark'")
    assert tab.evaluate(colour) != light


def test_the_tabs_of_the_host_lead_away_and_back_without_a_reload(tab: Page) -> None:
    tab.evaluate("window.kept = true")
    tab.get_by_role("link", name="Details").click()
    # From Airflow 3.4 on, the tab is on tasks of our operators, which this one is not.
    if tuple(map(int, airflow_version.split(".")[:2])) < (3, 4):
        tab.get_by_role("link", name="ECR preview").click()
    else:
        tab.go_back()
    expect(tab.locator(".ecrp h2")).to_have_text(MARKUP)
    assert tab.evaluate("window.kept") is True


def test_the_images_that_stay_have_their_reason(tab: Page) -> None:
    rules = tab.get_by_role("region", name="Rules").locator("tbody tr")
    expect(rules.first).to_contain_text("20")
    expect(tab.get_by_role("figure", name=re.compile("200 expiring, 50 archiving, 40 kept"))).to_be_visible()
    tab.get_by_role("combobox", name="Would be").select_option("kept")
    expect(tab.get_by_text(re.compile("1.40 of 40 images"))).to_be_visible()
    expect(rows(tab).first).to_contain_text("Kept")
    check_accessible(tab)


def test_a_task_without_a_preview_says_so(tab: Page, server: Server) -> None:
    server.push("nothing of ours")
    tab.reload()
    expect(tab.get_by_text("This task has no ECR result.")).to_be_visible()
    check_accessible(tab)


def test_a_list_that_cannot_be_read_is_named_next_to_what_is_known(tab: Page, reports: Path) -> None:
    (reports / "browser.jsonl.gz").unlink()
    tab.reload()
    expect(tab.get_by_role("alert").first).to_contain_text("no longer exists")
    expect(tab.get_by_text("$2.50")).to_be_visible()
    check_accessible(tab)


def test_arrow_keys_read_out_the_bars_of_the_timeline(tab: Page) -> None:
    tab.get_by_role("application", name="Images by push date, bar by bar").focus()
    tab.keyboard.press("ArrowRight")
    expect(tab.locator(".tip")).to_contain_text("would be deleted")
    before = tab.locator(".tip b").inner_text()
    tab.keyboard.press("ArrowRight")
    expect(tab.locator(".tip b")).not_to_have_text(before)


def test_reload_a_copied_link_and_back_restore_what_was_searched_and_sorted(tab: Page) -> None:
    tab.get_by_label("Search tags and digests").fill("build-1")
    expect(tab).to_have_url(re.compile("image_search=build-1"))
    tab.get_by_role("button", name="Size").click()
    expect(tab).to_have_url(re.compile("image_sort=-image_size_in_bytes"))
    expect(rows(tab).first).to_contain_text("build-199")
    tab.goto(tab.url)
    expect(tab.get_by_label("Search tags and digests")).to_have_value("build-1")
    expect(rows(tab).first).to_contain_text("build-199")
    expect(tab).to_have_title(re.compile("^preview of .* ECR .* Airflow$"))
    tab.go_back()
    expect(rows(tab).first).to_contain_text("build-1,")


def test_every_control_can_be_reached_and_used_by_keyboard(tab: Page) -> None:
    tab.get_by_label("Search tags and digests").focus()
    tab.keyboard.type("build-1")
    expect(rows(tab).first).to_contain_text("build-1")
    tab.get_by_role("button", name="Size").focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("columnheader", name="Size")).to_have_attribute("aria-sort", "descending")
