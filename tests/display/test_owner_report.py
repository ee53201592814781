from __future__ import annotations

from airflow_provider_ecr_preview.display.owner_report import owner_markdown
from tests.core.audit.test_owner_rows import owners_of
from tests.core.money.test_money import GB, outcome, storage_of
from tests.support.builders import NOW, stored

UNUSED = storage_of(stored(1, image_size_in_bytes=20 * GB))


def report(*outcomes: object, shown: int = 200) -> str:
    owners = owners_of([*outcomes])  # type: ignore[list-item]  # outcomes
    [counts] = owners.counts()
    repositories = [*owners.repositories_of(counts["owner"])][:shown]
    return owner_markdown(counts, repositories, audit_id="weekly", audited_at=NOW)


def test_it_says_what_the_owner_pays_and_where_to_look() -> None:
    text = report(
        outcome("payments/api", UNUSED, "payments"),
        outcome("payments/worker", UNUSED, "payments", status="previewed", findings=("dead_rule",)),
        outcome("payments/broken", None, "payments", status="failed"),
    )
    words = " ".join(text.replace("|", " ").replace("\\", "").replace("`", "").split())
    assert "# ECR repositories of payments From the audit weekly of 2026-11-23 12:00 UTC" in words
    assert "3 repositories: 1 without a policy, 1 failed" in words
    assert "$4.00 a month" in words
    assert "payments/api eu-west-1 unknown 20.0 GB $2.00 $0.00 $2.00 no policy" in words
    assert "payments/worker eu-west-1 1 20.0 GB $2.00 $0.00 $2.00 dead_rule" in words
    assert "## Failed" in text


def test_an_owner_without_money_has_no_amounts() -> None:
    text = report(outcome("web/shop", None, ""))
    assert "repositories of untagged" in text
    assert "$" not in text


def test_repositories_without_a_row_are_counted() -> None:
    assert "and 2 more repositories" in report(*(outcome(f"web/{n}", None, "web") for n in range(3)), shown=1)


def test_the_name_of_an_owner_is_never_markup() -> None:
    text = report(outcome("web/shop", None, "[a](http://x)<b>@you\n# big | `x`"))
    assert "](http" not in text
    assert "\n# big" not in text
