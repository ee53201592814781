"""What a registry costs, who has to act, and what a team accepts for a time."""

from __future__ import annotations

import email
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from airflow_provider_ecr_preview.core.audit.finding_codes import BLOCKING
from tests.jobs.conftest import Airflow, run_path
from tests.support.mailbox import Mailbox

AUDIT, NOTIFY, MERGE = "ecr_audit_registry", "ecr_notify_owners", "lifecycle_audit.merge"
ACCEPTED = "ecr_accepted_findings"


def images(page: Page) -> Locator:
    return page.get_by_role("region", name="Images").last.locator("tbody tr")


def audit_tab(dag_id: str, run_id: str) -> str:
    return run_path(dag_id, run_id, "tasks", MERGE, "plugin", "ecr-preview")


def test_which_repository_wastes_most_and_why_it_is_kept_is_seen_in_two_clicks(
    airflow: Airflow, page: Page, trigger: Callable[..., str]
) -> None:
    run_id = trigger(AUDIT, reports_path=f"file://{airflow.home}/tmp/costs")
    airflow.wait_for_end(AUDIT, run_id)
    audit = airflow.result(AUDIT, run_id, MERGE)
    most = audit["wasteful"][0]
    page.goto(audit_tab(AUDIT, run_id))
    first = page.get_by_role("region", name="Most wasteful repositories").locator("tbody tr").first
    expect(first).to_contain_text(most["repository_name"])
    expect(first).to_contain_text(most["region_name"])

    first.get_by_role("button", name=most["repository_name"]).click()
    expect(page.get_by_role("heading", name=most["repository_name"])).to_be_visible()
    page.get_by_role("combobox", name="Would be").select_option("kept")

    expect(page.get_by_role("columnheader", name="Why")).to_be_visible()
    expect(images(page).first).to_contain_text("Kept")
    # Those that nobody has ever pulled, which are the waste.
    page.get_by_label("Last pull").select_option("never pulled")
    expect(page.get_by_role("button", name="Remove filter: never pulled")).to_be_visible()
    expect(images(page).first).to_contain_text("never")


def test_an_owner_follows_the_link_in_the_mail_to_their_images(
    airflow: Airflow, mail: Mailbox, page: Page, trigger: Callable[..., str]
) -> None:
    mail.messages.clear()
    reports_path = f"file://{airflow.home}/tmp/owners"
    run_id = trigger(NOTIFY, addresses={"payments": "payments@example.com"}, reports_path=reports_path)
    airflow.wait_for_end(NOTIFY, run_id)
    [message] = map(email.message_from_bytes, mail.messages)
    assert message["To"] == "payments@example.com"
    text = "".join(bytes(part.get_payload(decode=True)).decode() for part in message.walk() if not part.is_multipart())
    assert "payments/api" in text
    assert "mobile/" not in text
    [link] = re.findall(rf"{airflow.local.url}/\S+owner=payments", text)

    page.goto(link)
    expect(page.get_by_text("Only repositories of payments")).to_be_visible()
    wasteful = page.get_by_role("region", name="Most wasteful repositories").locator("tbody tr")
    expect(wasteful.first).to_contain_text("payments/")
    assert all(name.startswith("payments/") for name in wasteful.get_by_role("button").all_inner_texts())
    wasteful.get_by_role("button", name="payments/api").first.click()
    expect(page.get_by_role("heading", name="payments/api")).to_be_visible()
    page.get_by_role("combobox", name="Would be").select_option("any of these")
    digest = images(page).first.get_by_role("button").first
    expect(digest).to_be_visible()
    expect(images(page).first).to_contain_text(re.compile("[0-9a-f]{12}"))


@pytest.fixture
def accept(page: Page) -> Iterator[Callable[[list[dict[str, str]]], None]]:
    """Return a function that says in the Variable of the audit which findings are accepted."""

    def write(entries: list[dict[str, str]]) -> None:
        page.request.delete(f"/api/v2/variables/{ACCEPTED}")
        answer = page.request.post("/api/v2/variables", data={"key": ACCEPTED, "value": json.dumps(entries)})
        assert answer.ok, answer.text()

    yield write
    page.request.delete(f"/api/v2/variables/{ACCEPTED}")


def test_a_finding_that_is_accepted_until_march_comes_back_when_march_has_passed(
    airflow: Airflow, page: Page, trigger: Callable[..., str], accept: Callable[[list[dict[str, str]]], None]
) -> None:
    def audited() -> dict[str, Any]:
        run_id = trigger(AUDIT, include="payments/*,web/*,data/*", reports_path=f"file://{airflow.home}/tmp/accepted")
        airflow.wait_for_end(AUDIT, run_id)
        page.goto(audit_tab(AUDIT, run_id))
        expect(page.get_by_role("heading", name="What to look at")).to_be_visible()
        result: dict[str, Any] = airflow.result(AUDIT, run_id, MERGE)
        return result

    def count(audit: dict[str, Any], code: str) -> int:
        return sum(finding["repository_count"] for finding in audit["findings"] if finding["code"] == code)

    before = audited()
    finding = next(found for found in before["findings"] if found["code"] not in BLOCKING)
    code, name = finding["code"], finding["repositories"][0]["repository_name"]
    today = datetime.now(UTC).date()
    march = date(today.year + (today >= date(today.year, 3, 31)), 3, 31)
    entry = {"repositories": name, "code": code, "reason": "The old tags go with PAY-1234"}

    accept([{**entry, "until": march.isoformat()}])
    until_march = audited()
    accepted = page.get_by_role("region", name="Acknowledged findings")
    expect(accepted).to_contain_text(f"until {march}: The old tags go with PAY-1234")
    expect(accepted).to_contain_text("and it is not counted above")
    assert count(until_march, code) < count(before, code)

    # Of a March that has passed.
    accept([{**entry, "until": march.replace(year=march.year - 1).isoformat()}])
    after_march = audited()
    expect(accepted).to_contain_text("This has ended, so the finding counts again")
    assert count(after_march, code) == count(before, code)
