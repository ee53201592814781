from __future__ import annotations

import pytest

from airflow_provider_ecr_preview.display.audit import audit_table
from airflow_provider_ecr_preview.display.audit_report import audit_markdown
from airflow_provider_ecr_preview.display.money import dollars, owner_name
from airflow_provider_ecr_preview.display.text import render
from tests.core.money.test_money import GB, PULLED, audit_of, outcome, storage_of
from tests.support.builders import stored

USED = storage_of(stored(1, image_size_in_bytes=50 * GB, **PULLED))
UNUSED = storage_of(stored(1, image_size_in_bytes=20 * GB), stored(2))
OUTCOMES = [
    outcome("payments/api", UNUSED, "payments", region_name="eu-west-1"),
    outcome("web/shop", USED, ""),
    outcome("old", None, None),
]


@pytest.mark.parametrize(
    ("amount", "shown"), [(0, "$0.00"), (0.004, "less than $0.01"), (0.005, "$0.01"), (1234.5, "$1,234.50")]
)
def test_an_amount_that_is_not_zero_is_never_shown_as_zero(amount: float, shown: str) -> None:
    assert dollars(amount) == shown


def test_untagged_and_unknown_are_owners_of_their_own() -> None:
    assert [owner_name(owner) for owner in (None, "", "web")] == ["not known", "untagged", "web"]


def test_the_log_and_the_report_show_the_same_money_and_owners() -> None:
    value = audit_of(OUTCOMES).as_dict()
    for text in (render(audit_table(value)), audit_markdown(value)):
        words = " ".join(text.replace("|", " ").replace("\\", "").split())
        assert "$7.00 a month" in words
        assert "Kept and never pulled: 2 images, $2.00 a month" in words
        assert "since the policy is applied: $0.00" in words
        assert "The images of 1 repository were not measured" in words
        assert "The size of 1 image is not known" in words
        assert words.index("payments/api eu-west-1 payments") < words.rindex("web/shop")
        assert "untagged" in words
        assert "not known" in words


def test_owners_without_a_row_are_counted() -> None:
    value = audit_of(OUTCOMES).as_dict()
    for text in (render(audit_table(value, rows=1)), audit_markdown(value, rows=1)):
        assert "and 2 more owners" in text


def test_an_audit_of_owners_alone_shows_no_money() -> None:
    text = audit_markdown(audit_of([outcome("web/shop", None, "web")]).as_dict())
    assert "By owner" in text
    assert "What it costs" not in text


def test_an_audit_in_which_all_is_known_has_no_remark() -> None:
    text = audit_markdown(audit_of([outcome("web/shop", USED, "web")]).as_dict())
    assert "not measured" not in text
    assert "counts as 0" not in text
