"""A policy is applied, seen in the history, and restored."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.jobs.conftest import Airflow, run_path

PUT, RESTORE = "ecr_put_policy_approved", "ecr_restore_policies"
NAME = "web/checkout"


def test_a_policy_is_applied_seen_in_the_history_and_restored(
    airflow: Airflow, page: Page, trigger: Callable[..., str]
) -> None:
    former = airflow.policies(NAME)
    run_id = trigger(PUT, repository_names=[NAME], dry_run=False)
    airflow.wait_for_question(PUT, run_id)
    page.goto(run_path(PUT, run_id, "tasks", "approve", "required_actions"))
    expect(page.get_by_text("FOR GOOD: apply the lifecycle policies of 1 repository")).to_be_visible()
    # The policy, with its difference to the applied one.
    expect(page.get_by_text('"Untagged leftovers go after 90 days"')).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    airflow.wait_for_end(PUT, run_id)
    assert airflow.policies(NAME) != former

    history = page.get_by_role("region", name="History")
    page.goto("/plugin/ecr-history")
    applied = history.locator("tbody tr", has_text=NAME).filter(has_text="FOR GOOD")
    expect(applied).to_have_count(1)
    expect(applied).to_contain_text("admin")
    applied.get_by_role("link", name=f"{PUT} / put").click()
    expect(page.get_by_role("note", name="FOR GOOD")).to_contain_text("The policies of 1 repository were applied.")
    expect(page.get_by_text("To take it back")).to_contain_text(run_id)

    # As its form opens, the DAG only says what would be restored.
    dry = trigger(RESTORE)
    airflow.wait_for_end(RESTORE, dry)
    assert airflow.policies(NAME) != former
    page.goto(run_path(RESTORE, dry, "tasks", "restore", "plugin", "ecr-preview"))
    expect(page.get_by_role("note", name="DRY RUN")).to_be_visible()
    restored = trigger(RESTORE, put_run_id=run_id, dry_run=False)
    airflow.wait_for_end(RESTORE, restored)
    assert airflow.policies(NAME) == former
    page.goto("/plugin/ecr-history")
    expect(history.locator("tbody tr", has_text=NAME).filter(has_text="FOR GOOD")).to_have_count(2)
    expect(history.locator("tbody tr", has_text=f"{RESTORE} / restore").filter(has_text="FOR GOOD")).to_have_count(1)
