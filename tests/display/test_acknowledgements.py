from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from airflow_provider_ecr_preview.display.audit import audit_table
from airflow_provider_ecr_preview.display.audit_report import audit_markdown
from airflow_provider_ecr_preview.display.text import render
from tests.core.audit.test_acknowledgements import ENTRY, TODAY, audit_of, outcome

FOUND = outcome("payments/api", "dead_rule")


def texts(entries: Any, today: date = TODAY) -> list[str]:
    value = audit_of([FOUND], entries, today).as_dict()
    plain = (render(audit_table(value)), audit_markdown(value))
    return [" ".join(text.replace("|", " ").replace("`", "").replace("\\", "").split()) for text in plain]


def test_log_and_report_show_acknowledged_findings_apart_with_their_reason() -> None:
    for text in texts([ENTRY]):
        assert "dead_rule payments/* 1 2027-03-31 Cleaned up in March" in text
        assert "WARNING" not in text


def test_an_acknowledgement_that_has_ended_says_so_and_the_finding_is_back() -> None:
    for text in texts([ENTRY], date(2027, 4, 1)):
        assert "ended on 2027-03-31 (Cleaned up in March). 1 repository has the finding, and it counts again" in text
        assert "dead_rule 1" in text


@pytest.mark.parametrize(
    ("entry", "today", "note"),
    [
        ({**ENTRY, "code": "shadowed_rule"}, TODAY, "shadowed_rule in payments/* matches no finding of this audit"),
        ({**ENTRY, "code": "shadowed_rule"}, date(2028, 1, 1), "ended on 2027-03-31 and matches nothing: remove it"),
    ],
)
def test_an_acknowledgement_that_matches_nothing_is_named(entry: Any, today: date, note: str) -> None:
    assert all(note in text for text in texts([entry], today))


def test_one_that_may_match_a_repository_that_failed_is_not_named() -> None:
    value = audit_of([outcome("payments/api", failed=True)], [ENTRY]).as_dict()
    assert "matches no" not in audit_markdown(value)
    assert "Acknowledged" not in audit_markdown(value)


def test_entries_without_room_are_counted() -> None:
    value = audit_of([FOUND], [ENTRY]).as_dict()
    value["acknowledgements_left_out"] = 2
    assert "2 more acknowledgements had no room here" in audit_markdown(value)


def test_the_reason_is_never_markup() -> None:
    value = audit_of([FOUND], [{**ENTRY, "reason": "[click](http://x) | <b> @you"}]).as_dict()
    assert "](http" not in audit_markdown(value)
    assert "<b>" not in audit_markdown(value).replace("\\<", "")
