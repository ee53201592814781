from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.in_use.scope import RequiredPlace, missing_places, required_scope_of

A, B = "111111111111", "022222222222"
OWN = ("333333333333", "eu-west-1")


@pytest.mark.parametrize(
    ("value", "places"),
    [
        (None, None),
        ([], ()),
        ("[]", ()),
        ([A], (RequiredPlace(A),)),
        (A, (RequiredPlace(A),)),
        (f"{A}/us-gov-west-1", (RequiredPlace(A, "us-gov-west-1"),)),
        (f"{A}, {B}/eu-west-1\n{A}", (RequiredPlace(A), RequiredPlace(B, "eu-west-1"))),
        (f'["{A}", "{B}"]', (RequiredPlace(A), RequiredPlace(B))),
        # What a template that is rendered natively makes of them.
        (int(A), (RequiredPlace(A),)),
        ((int(A), int(B)), (RequiredPlace(A), RequiredPlace(B))),
    ],
)
def test_every_form_in_which_places_are_named(value: Any, places: Any) -> None:
    assert required_scope_of(value) == places


@pytest.mark.parametrize(
    "value",
    ["", " ", "None", "null", "[", "12345", [""], [None], [True], True, {A: "eu-west-1"}, 1.5, f"{A}/", [A, "*"]],
)
def test_what_names_no_place_is_an_error(value: Any) -> None:
    with pytest.raises(ValueError, match="required_scope"):
        required_scope_of(value)


def test_none_is_the_default_unless_the_dag_gives_a_scope() -> None:
    assert required_scope_of(None) is None
    with pytest.raises(ValueError, match="required_scope is None"):
        required_scope_of(None, was_given=True)


def test_by_default_the_account_and_region_of_the_repository_have_to_be_read() -> None:
    assert missing_places(None, {OWN}, *OWN) == []
    assert missing_places(None, {(OWN[0], "us-east-1"), (A, OWN[1])}, *OWN) == ["333333333333/eu-west-1"]


def test_an_account_alone_has_to_be_read_in_the_region_of_the_repository() -> None:
    required = [RequiredPlace(A), RequiredPlace(B, "us-east-1")]
    assert missing_places(required, {(A, "eu-west-1"), (B, "us-east-1")}, *OWN) == []
    assert missing_places(required, {(A, "us-east-1"), (B, "eu-west-1")}, *OWN) == [f"{A}/eu-west-1", f"{B}/us-east-1"]


def test_an_empty_list_asks_for_nothing() -> None:
    assert missing_places([], set(), *OWN) == []


places = st.tuples(st.sampled_from([A, B, OWN[0]]), st.sampled_from(["eu-west-1", "us-east-1"]))


@given(
    required=st.none() | st.lists(st.builds(RequiredPlace, st.sampled_from([A, B]), st.none() | st.just("us-east-1"))),
    read=st.sets(places),
    more=places,
)
def test_reading_more_never_makes_more_missing(
    required: Any, read: set[tuple[str, str]], more: tuple[str, str]
) -> None:
    before = missing_places(required, read, *OWN)
    after = missing_places(required, read | {more}, *OWN)
    assert {*after} <= {*before}
    assert {*before} - {*after} <= {"/".join(more)}
