"""A candidate is checked, and two audits of a registry are compared with a what-if between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.jobs.conftest import Airflow, run_path

COMPARE, AUDIT = "ecr_compare_policies", "ecr_audit_registry"


def keep(count: int) -> dict[str, Any]:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}
    return {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}


def test_it_is_seen_whether_a_candidate_is_safe_for_some_repositories(
    airflow: Airflow, page: Page, trigger: Callable[..., str]
) -> None:
    run_id = trigger(COMPARE, include="payments/*", lifecycle_policy=keep(30))
    airflow.wait_for_end(COMPARE, run_id, "failed")
    candidate = airflow.result(COMPARE, run_id, "compare")["policies"][1]
    newly = candidate["newly_affected_image_count"]
    assert newly > 0
    page.goto(run_path(COMPARE, run_id, "plugin", "ecr-preview-run"))
    page.locator(".ecrp").get_by_role("link", name="compare", exact=True).first.click()
    expect(page.get_by_text(f"{newly:,}").first).to_be_visible()
    expect(page.get_by_text("payments/api").first).to_be_visible()
    # Not safe, and why.
    expect(page.get_by_text("recently_pulled_image_expires").first).to_be_visible()


def test_a_what_if_between_two_audits_is_no_part_of_their_history(
    airflow: Airflow, page: Page, trigger: Callable[..., str]
) -> None:
    include = "mobile/*"
    with_reports = {"include": include, "reports_path": f"file://{airflow.home}/tmp/what-changed"}
    first = trigger(AUDIT, **with_reports)
    airflow.wait_for_end(AUDIT, first)
    what_if = trigger(AUDIT, **with_reports, lifecycle_policy=keep(3))
    airflow.wait_for_end(AUDIT, what_if)
    # The policy there deletes what has no tag.
    airflow.ecr.push("mobile/push-gateway", pushed_days_ago=300)
    last = trigger(AUDIT, **with_reports)
    airflow.wait_for_end(AUDIT, last)
    changes = airflow.result(AUDIT, last, "lifecycle_audit.merge")["changes"]
    assert (changes["newly_affected_image_count"], changes["policy_changed_count"]) == (1, 0)
    assert all(first in baseline["audit_id"] for baseline in changes["baselines"])
    page.goto(run_path(AUDIT, last, "plugin", "ecr-preview-run"))
    expect(page.get_by_role("heading", name="Since the previous audit")).to_be_visible()
    expect(page.locator("section", has_text="Since the previous audit").locator("tbody tr").first).to_contain_text(
        "mobile/push-gateway"
    )
