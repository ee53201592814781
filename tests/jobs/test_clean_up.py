"""A clean-up from the question to the history: approved, rejected, and done without a mouse."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.jobs.conftest import Airflow, run_id_of, run_path

DAG = "ecr_clean_up_approved"

MOST_TABS = 150


def question_of(airflow: Airflow, page: Page, run_id: str) -> None:
    """Open the question of a run, when it may be answered."""
    airflow.wait_for_question(DAG, run_id)
    page.goto(run_path(DAG, run_id, "tasks", "approve", "required_actions"))


def test_a_clean_up_is_approved_and_exactly_what_went_is_seen(
    airflow: Airflow, page: Page, trigger: Callable[..., str]
) -> None:
    name = "payments/webhooks"
    before = airflow.images(name)[name]
    run_id = trigger(DAG, repository_names=[name], dry_run=False)
    question_of(airflow, page, run_id)
    planned = airflow.result(DAG, run_id, "plan")
    count = planned["touched_image_count"]
    assert count > 0
    expect(page.get_by_text(f"FOR GOOD: delete {count} images of 1 repository?")).to_be_visible()
    expect(page.get_by_text("They cannot be brought back.")).to_be_visible()
    # The policy that decides, and the files that belong to the question, a link away.
    expect(page.get_by_text("this policy decides, and it is the applied one")).to_be_visible()
    for title, beginning in (
        ("The report of the audit", "# ECR lifecycle audit "),
        ("This question, as it is kept", "# FOR GOOD: delete"),
    ):
        address = page.get_by_role("link", name=title).get_attribute("href")
        assert address is not None
        other = page.context.new_page()
        other.goto(address)
        expect(other.get_by_text(beginning)).to_be_visible()
        other.close()
    page.get_by_role("button", name="Approve").click()
    airflow.wait_for_end(DAG, run_id)
    deleted = before - airflow.images(name)[name]
    assert len(deleted) == count

    # From the run to the task, as a person does.
    page.goto(run_path(DAG, run_id, "plugin", "ecr-preview-run"))
    story = page.locator("ol.story")
    expect(story).to_contain_text("Approved by admin")
    story.get_by_role("link", name="clean_up").click()
    expect(page.get_by_role("note", name="FOR GOOD")).to_contain_text(f"{count} images were deleted")
    page.get_by_label("What became of it").select_option("deleted")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    lines = download.value.path().read_text()
    assert set(re.findall("sha256:[0-9a-f]{64}", lines)) == deleted

    # Who deleted what in the last month.
    page.goto("/plugin/ecr-history")
    page.get_by_label("When").select_option("31")
    page.get_by_label("Dry run").select_option("real")
    row = page.get_by_role("region", name="History").locator("tbody tr", has_text=name)
    # Until the filter holds, the dry run before the question is there, too.
    expect(row).to_have_count(1)
    expect(row).to_contain_text("FOR GOOD")
    expect(row).to_contain_text("admin")
    row.get_by_role("link", name=f"{DAG} / clean_up").click()
    expect(page.get_by_role("note", name="FOR GOOD")).to_contain_text(f"{count} images were deleted")

    # The approval is kept as it was given.
    approval = airflow.result(DAG, run_id, "approve")
    assert approval["subject"] == f"FOR GOOD: delete {count} images of 1 repository?"
    kept = airflow.file(approval["question_uri"])
    assert approval["subject"] in kept
    assert "Approve, by admin at" in kept


def test_a_clean_up_is_rejected_and_nothing_goes(airflow: Airflow, page: Page, trigger: Callable[..., str]) -> None:
    name = "web/search"
    before = airflow.images(name)
    run_id = trigger(DAG, repository_names=[name], dry_run=False)
    question_of(airflow, page, run_id)
    page.get_by_role("button", name="Reject").click()
    tasks = airflow.wait_for_end(DAG, run_id)
    assert tasks["clean_up"] == "skipped"
    assert airflow.images(name) == before
    page.goto(run_path(DAG, run_id, "plugin", "ecr-preview-run"))
    expect(page.locator("ol.story")).to_contain_text("Rejected by admin")
    page.goto("/plugin/ecr-history?mode=real")
    expect(page.get_by_role("heading", name="Clean-ups, policy changes")).to_be_visible()
    expect(page.get_by_role("region", name="History").locator("tbody tr", has_text=name)).to_have_count(0)


def test_a_clean_up_is_approved_and_looked_at_by_keyboard(
    airflow: Airflow, page: Page, trigger: Callable[..., str]
) -> None:
    name = "payments/fraud-rules"
    before = airflow.images(name)[name]
    page.goto(f"/dags/{DAG}")
    press(page, page.get_by_role("button", name="Trigger Dag"), "Enter")
    form = page.get_by_role("dialog")
    repositories = form.locator("#element_repository_names")
    tab_to(page, repositories)
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(name)
    press(page, form.locator("[name=element_dry_run]"), "Space")
    press(page, form.get_by_role("button", name="Trigger", exact=True), "Enter")
    run_id = run_id_of(page)
    airflow.wait_for_question(DAG, run_id)
    page.goto(run_path(DAG, run_id, "tasks", "approve", "required_actions"))
    press(page, page.get_by_role("button", name="Approve"), "Enter")
    airflow.wait_for_end(DAG, run_id)
    count = len(before - airflow.images(name)[name])
    assert count > 0

    page.goto(run_path(DAG, run_id, "plugin", "ecr-preview-run"))
    press(page, page.locator("ol.story").get_by_role("link", name="clean_up"), "Enter")
    expect(page.get_by_role("note", name="FOR GOOD")).to_contain_text(f"{count} images were deleted")
    digest = min(before - airflow.images(name)[name]).removeprefix("sha256:")[:12]
    tab_to(page, page.get_by_label("Search this list"))
    page.keyboard.type(digest)
    lines = page.get_by_role("region", name="Every image").locator("tbody tr")
    expect(lines).to_have_count(1)
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    expect(lines).to_have_count(count)
    with page.expect_download() as download:
        press(page, page.get_by_role("link", name="Download CSV"), "Enter")
    assert (
        set(re.findall("sha256:[0-9a-f]{64}", download.value.path().read_text())) == before - airflow.images(name)[name]
    )


def press(page: Page, element: Locator, key: str) -> None:
    """Reach an element with the tab key, and press a key on it."""
    tab_to(page, element)
    page.keyboard.press(key)


def tab_to(page: Page, element: Locator) -> None:
    """Press the tab key until an element has the focus."""
    expect(element).to_be_attached()
    expect(element).to_be_enabled()
    for _ in range(MOST_TABS):
        if element.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{element} is not reached by keyboard.")
