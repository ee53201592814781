"""The tabs of what changes something, and the history: in the real Airflow, in both themes, on a screen and on a phone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from airflow_provider_ecr_preview.core.change_marker import change_marker
from airflow_provider_ecr_preview.core.xcom.preview import CHANGE_MARKER_KEY
from airflow_provider_ecr_preview.reports.lists import line_list
from tests.plugins.browser.looking import MARKUP, check_accessible, is_as_wide_as_the_screen, tab_path
from tests.plugins.conftest import Server

FROZEN = Path(__file__).parents[2] / "frozen" / "0.1.0"

POLICY = '{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan"}}]}'


def frozen(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((FROZEN / f"{name}.json").read_text())
    return value


def cleanup(folder: Path) -> dict[str, Any]:
    value = frozen("cleanup_done")
    (repository,) = value["repositories"]
    repository["repository_name"] = f"payments/{MARKUP}"
    repository["spared_images"] = [
        {
            "image_digest": f"sha256:{'a' * 64}",
            "reason": "in_use",
            "check": "in_use",
            "message": "ECS runs it.",
            "remedy": "Stop what uses the images, and collect what is in use again.",
        }
    ]
    uri = f"file://{folder}/results.jsonl.gz"
    with line_list(uri, dag_id="payments") as lines:
        for number in range(60):
            lines.write(
                {
                    "registry_id": "123456789012",
                    "region_name": "us-east-1",
                    "repository_name": "payments/api",
                    "image_digest": f"sha256:{number:064x}",
                    "image_tags": [f"build-{number}"],
                    "status": "deleted" if number % 7 else "spared",
                    "reason": None if number % 7 else "in_use",
                    "message": None if number % 7 else "ECS runs it.",
                    "image_size_in_bytes": 52_428_800,
                }
            )
    approval = {"digest": "f" * 64, "responded_by": "Ada", "responded_at": "2026-11-28T21:59:00+00:00"}
    return {**value, "results_uri": uri, "approval": approval}


def put() -> dict[str, Any]:
    value = frozen("put")
    (repository,) = value["repositories"]
    return {**value, "kind": "put", "lifecycle_policies": {repository["policy_fingerprint"]: POLICY}}


def look(page: Page) -> None:
    check_accessible(page)
    assert is_as_wide_as_the_screen(page)
    expect(page.locator(".ecrp img")).to_have_count(0)


def test_a_clean_up_says_what_it_deleted_and_has_every_image(page: Page, server: Server, reports: Path) -> None:
    server.push(cleanup(reports))
    page.goto(tab_path(server))
    expect(page.get_by_role("note", name="FOR GOOD")).to_contain_text("9 images were deleted, at most 472 MB.")
    expect(page.get_by_text("approved by Ada, 2026-11-28 21:59 UTC")).to_be_visible()
    page.get_by_label("What became of it").select_option("spared")
    expect(page.get_by_role("status").filter(has_text="of 9 lines")).to_be_visible()
    look(page)


def test_a_policy_is_shown_before_and_after_with_the_way_back(page: Page, server: Server) -> None:
    server.push(put())
    page.goto(tab_path(server))
    expect(page.get_by_role("note", name="FOR GOOD")).to_contain_text("The policies of 1 repository were applied.")
    expect(page.get_by_role("region", name="Policy before and after")).to_contain_text(
        '+         "countType": "imageCountMoreThan"'
    )
    expect(page.get_by_text("To take it back")).to_contain_text(server.run_id)
    look(page)


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("put_dry_run", "DRY RUN"),
        ("cleanup_blocked", "Nothing was deleted."),
        ("reconciliation", "Reconciliation of 1"),
    ],
)
def test_other_results_have_their_page(page: Page, server: Server, name: str, text: str) -> None:
    server.push(frozen(name))
    page.goto(tab_path(server))
    expect(page.get_by_text(text).first).to_be_visible()
    look(page)


def test_the_history_lists_what_the_user_may_read_and_no_more(
    page_of: Callable[[str], Page], server: Server, reports: Path
) -> None:
    for dag_id in ("payments", "search"):
        server.mark(change_marker(cleanup(reports)), dag_id, key=CHANGE_MARKER_KEY)
    page = page_of("alice")
    page.goto("/plugin/ecr-history")
    table = page.get_by_role("region", name="History")
    expect(table.locator("tbody tr")).to_have_count(1)
    expect(table).to_contain_text("FOR GOOD")
    expect(table).to_contain_text("Ada")
    look(page)
    page.get_by_label("Dry run").select_option("dry")
    expect(table.locator("tbody tr")).to_have_count(0)
    page.reload()
    expect(page.get_by_label("Dry run")).to_have_value("dry")
    page.get_by_label("Dry run").select_option("")
    page.get_by_role("link", name="payments / preview").click()
    expect(page).to_have_url(re.compile("/dags/payments/runs/"))
    server.forget_markers()
