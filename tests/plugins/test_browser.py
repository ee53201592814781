"""The pages in a real browser, inside Airflow's own, as a user meets them."""

from __future__ import annotations

import csv
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from airflow_provider_ecr_preview.plugins.bundle import BUNDLE
from airflow_provider_ecr_preview.reports import image_list
from tests.plugins.conftest import Server
from tests.plugins.previews import images, summary

pytestmark = [
    pytest.mark.xdist_group("web"),
    # Of the interpreter's own making when a thread with a server in it ends.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    # Airflow's own, where it answers its own pages.
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
]

# Other tests may have the processor at the same time.
expect.set_options(timeout=30_000)

MARKUP = "<img src=x onerror=alert(1)>"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """Return the browser; CI says that it is there."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and "CI_HAS_BROWSER" not in os.environ:
        pytest.skip("There is no Chromium here. Install it, or name it: CHROMIUM=/path/to/chromium")
    assert found is not None, "CI has to install Chromium."
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(server: Server) -> Iterator[str]:
    """Serve the application over HTTP."""
    if not BUNDLE.is_file():
        pytest.skip("The pages are not built: make frontend")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        application = uvicorn.Server(uvicorn.Config(server.client.app, lifespan="off", log_level="error"))
        thread = threading.Thread(target=application.run, kwargs={"sockets": [listening]})
        thread.start()
        while not application.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        application.should_exit = True
        thread.join()


@pytest.fixture
def context(browser: Browser, address: str, server: Server) -> Iterator[BrowserContext]:
    """Return the session of a user who may read ``payments``."""
    with browser.new_context(base_url=address, viewport={"width": 1300, "height": 900}) as context:
        token = server.headers("alice")["Authorization"].removeprefix("Bearer ")
        context.add_cookies([{"name": "_token", "value": token, "url": address}])
        yield context


@pytest.fixture
def errors() -> list[str]:
    return []


@pytest.fixture
def page(context: BrowserContext, server: Server, reports: Path, errors: list[str]) -> Page:
    """Return the tab of a preview of 250 images, which has markup wherever others may write it."""
    uri = f"file://{reports}/browser.jsonl.gz"
    with image_list(uri) as written:
        for image in images(250):
            written.write(image)
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
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: (errors.append(dialog.message), dialog.dismiss()))
    page.goto(tab(server))
    expect(page.locator(".ecrp h2")).to_be_visible()
    return page


def tab(server: Server, task_id: str = "preview") -> str:
    run_id = server.run_id.replace("+", "%2B")
    return f"/dags/payments/runs/{run_id}/tasks/{task_id}/plugin/ecr-preview"


def rows(page: Page) -> Any:
    return page.get_by_role("region", name="Images").last.locator("tbody tr")


def test_a_preview_is_shown_in_its_tab_and_what_others_wrote_is_text(page: Page, errors: list[str]) -> None:
    expect(page.locator(".ecrp h2")).to_have_text(MARKUP)
    expect(page.get_by_text("$2.50")).to_be_visible()
    expect(rows(page)).to_have_count(50)
    expect(page.locator(".ecrp img")).to_have_count(0)
    assert errors == []


def test_images_are_paged_sorted_searched_and_filtered(page: Page) -> None:
    expect(page.get_by_text(re.compile("1.50 of 250 images"))).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text(re.compile("51.100 of 250 images"))).to_be_visible()
    page.get_by_role("button", name="Pushed").click()
    expect(page.get_by_text(re.compile("1.50 of 250 images"))).to_be_visible()
    expect(rows(page).first).to_contain_text("2026-01-11")
    expect(page.get_by_role("columnheader", name="Pushed")).to_have_attribute("aria-sort", "descending")
    page.get_by_label("Search tags and digests").fill("build-1")
    expect(rows(page).first).to_contain_text("build-1")
    page.get_by_label("Would be").select_option("TRANSITION")
    expect(page.get_by_text("archived").last).to_be_visible()


def test_the_csv_holds_what_is_searched_for(page: Page, tmp_path: Path) -> None:
    page.get_by_label("Search tags and digests").fill("build-11")
    link = page.get_by_role("link", name="Download CSV")
    expect(link).to_have_attribute("href", re.compile("search=build-11"))
    with page.expect_download() as download:
        link.click()
    download.value.save_as(tmp_path / "images.csv")
    with (tmp_path / "images.csv").open(newline="") as lines:
        found = [*csv.DictReader(lines)]
    assert found
    assert all("build-11" in row["image_tags"] for row in found)


def test_the_colours_follow_the_theme_of_airflow(page: Page) -> None:
    colour = "getComputedStyle(document.querySelector('.ecrp')).color"
    light = page.evaluate(colour)
    page.evaluate("document.documentElement.className = 'dark'")
    assert page.evaluate(colour) != light


def test_the_run_leads_to_the_task_without_a_reload(page: Page, server: Server) -> None:
    # The run's marker is looked for among its XComs; this one pushed none, and the page says so in a few words.
    run_id = server.run_id.replace("+", "%2B")
    page.evaluate("window.kept = true")
    page.get_by_role("link", name="Details").click()
    page.get_by_role("link", name="ECR preview").click()
    expect(page.locator(".ecrp h2")).to_have_text(MARKUP)
    assert page.evaluate("window.kept") is True
    page.goto(f"/dags/payments/runs/{run_id}/plugin/ecr-preview-run")
    expect(page.get_by_text("This run has no ECR preview.")).to_be_visible()


def test_a_task_without_a_preview_says_so(page: Page, server: Server) -> None:
    server.push("nothing of ours")
    page.reload()
    expect(page.get_by_text("This task has no ECR preview.")).to_be_visible()


def test_every_control_can_be_reached_and_used_by_keyboard(page: Page) -> None:
    page.get_by_label("Search tags and digests").focus()
    page.keyboard.type("build-1")
    expect(rows(page).first).to_contain_text("build-1")
    page.get_by_role("button", name="Size").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Size")).to_have_attribute("aria-sort", "descending")
