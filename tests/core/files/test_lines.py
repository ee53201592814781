"""The numbers of lines in messages."""

from __future__ import annotations

import json

import pytest

from airflow_provider_ecr_preview.core.files.lines import key_line, rule_lines
from tests.support.policies import rule


def test_every_rule_has_its_line() -> None:
    text = json.dumps({"rules": [rule(5), rule(2)]}, indent=1)
    lines = rule_lines(text)
    assert [text.splitlines()[lines[priority] - 1].strip() for priority in (5, 2)] == ["{", "{"]
    assert lines[5] < lines[2]


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"rules": 3}',
        '{"rules": [',
        '{"rules": [1, {"rulePriority": "1"}, {"x": 1}]}',
        '{"rules": [' + "[" * 100_000,
    ],
)
def test_a_rule_without_a_number_has_no_line(text: str) -> None:
    assert rule_lines(text) == {}


def test_the_first_of_two_rules_with_one_number_counts() -> None:
    assert rule_lines('{"rules": [{"rulePriority": 1},\n{"rulePriority": 1}]}') == {1: 1}


@pytest.mark.parametrize(("text", "line"), [("a: 1\n  Api:\n", 2), ('{\n"Api" : 1}', 2), ("Other:", 1)])
def test_a_key_has_its_line(text: str, line: int) -> None:
    assert key_line(text, "Api") == line
