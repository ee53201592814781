from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.in_use.reference_list import ListedReference, ReferenceList, parse_reference_list

A, B = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/api:v1", "nginx:1.27"
DIGEST = "sha256:" + "a" * 64
LISTED = (ListedReference(A), ListedReference(B, DIGEST, "nomad job web"))
ITEMS: list[Any] = [A, {"image": B, "digest": DIGEST, "name": "nomad job web", "replicas": 3}]


@pytest.mark.parametrize(
    "value",
    [
        ITEMS,
        tuple(ITEMS),
        {"images": ITEMS},
        json.dumps(ITEMS),
        json.dumps({"images": ITEMS}, indent=2),
        "\n".join(map(json.dumps, ITEMS)),
        "\ufeff" + json.dumps(ITEMS[0]) + "\r\n\r\n" + json.dumps(ITEMS[1]) + "\n",
    ],
)
def test_every_form_of_a_list_is_the_same_list(value: Any) -> None:
    assert parse_reference_list(value) == ReferenceList(LISTED)


@pytest.mark.parametrize(
    ("value", "listed"),
    [
        (json.dumps(A), ListedReference(A)),
        ({"image": A}, ListedReference(A)),
        ({"image": A, "digest": None}, ListedReference(A)),
        ({"digest": DIGEST, "name": "x"}, ListedReference(DIGEST, None, "x")),
    ],
)
def test_one_line_is_a_list_of_one(value: Any, listed: ListedReference) -> None:
    assert parse_reference_list(value).references == (listed,)


def test_a_list_may_say_when_it_was_collected() -> None:
    value = {"collected_at": "2026-01-31T06:00:00Z", "images": [A]}
    assert parse_reference_list(value).collected_at == datetime(2026, 1, 31, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ("", "It is empty"),
        (" \n", "It is empty"),
        ([], "empty"),
        ("[]", "empty"),
        ({"images": []}, "empty"),
        ({"images": None}, "not a list"),
        ({"images": A}, "not a list"),
        (5, "not a list"),
        ("5", "not a list"),
        ("null", "not a list"),
        (None, "not a list"),
        ({}, "Item 1 names no image"),
        ([A, None], "Item 2 names no image"),
        ([A, " "], "Item 2 names no image"),
        ([A, [B]], "Item 2 names no image"),
        ([{"image": ""}], "Item 1 names no image"),
        ([{"image": A, "digest": 5}], "Item 1 names no image"),
        ([{"repository": "api"}], "Item 1 names no image"),
        (f'["{A}", ', "Line 1 is not JSON"),
        (f'"{A}"\n{A}\n', "Line 2 is not JSON"),
        ("[" * 100_000, "Line 1 is not JSON"),
        ({"images": [A], "collected_at": "yesterday"}, "not a time"),
        ({"images": [A], "collected_at": 5}, "not a time"),
        ({"images": [A], "collected_at": "2026-01-31T06:00:00"}, "no time zone"),
    ],
)
def test_what_is_empty_or_no_list_is_an_error(value: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        parse_reference_list(value)


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1), st.booleans())
def test_what_is_written_is_read(texts: list[str], as_lines: bool) -> None:
    written = "\n".join(map(json.dumps, texts)) if as_lines else json.dumps(texts)
    assert [listed.image for listed in parse_reference_list(written).references] == texts
