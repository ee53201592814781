"""No part of a cell that a spreadsheet may read as a cell of its own begins like a formula."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.text.spreadsheet import for_spreadsheet

_STARTS = "=+-@＝＋－＠"  # noqa: RUF001 - the full-width forms are computed, too


@pytest.mark.parametrize("start", _STARTS)
@pytest.mark.parametrize("before", ["", ";", "a;", "a\t", "a\n", "a; ", 'a;"'])
def test_an_apostrophe_stands_before_what_begins_like_a_formula(before: str, start: str) -> None:
    blank = before[len(before.rstrip(' "')) :]
    assert for_spreadsheet(f"{before}{start}1+1") == f"{before.removesuffix(blank)}'{blank}{start}1+1"


@pytest.mark.parametrize("text", ["", "payments/api", "a=b", "a-b; c", "2026-11-23T12:00:00+00:00", "sha256:aa"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert for_spreadsheet(text) == text


@given(st.text(alphabet=st.sampled_from(f"{_STARTS};\t\r\n \"'a1,")))
def test_no_part_begins_like_a_formula(text: str) -> None:
    shown = for_spreadsheet(text)
    for part in re.split("[;\t\r\n]", shown):
        assert not part.lstrip(' "').startswith(tuple(_STARTS))
    assert shown.replace("'", "") == text.replace("'", "")
