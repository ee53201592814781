from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.selection import RepositorySelection, batches_of, fitting_batch_size, name_globs


@pytest.mark.parametrize(
    ("include", "exclude", "is_chosen"),
    [
        (None, None, True),
        ([], None, True),
        ("payments/*", None, True),
        (["web/*", "payments/*"], None, True),
        ("web/*,\n payments/*", None, True),
        ("web/*", None, False),
        ("payments", None, False),
        ("payments/*", "*/api", False),
        (None, "web/*", True),
        ("pay*", None, True),
        ("payments/ap?", None, True),
        ("payments/[ab]pi", None, True),
    ],
)
def test_a_name_is_chosen_by_one_include_glob_and_no_exclude_glob(
    include: str | list[str] | None, exclude: str | None, is_chosen: bool
) -> None:
    assert RepositorySelection.of(include, exclude).has_name("payments/api") is is_chosen


@pytest.mark.parametrize(
    ("wanted", "is_chosen"),
    [
        ({}, True),
        ({"team": "payments"}, True),
        ({"team": ["web", "payments"]}, True),
        ({"team": "pay*"}, True),
        ({"team": None}, True),
        ({"team": "payments", "env": "prod"}, False),
        ({"owner": None}, False),
        ({"team": "web"}, False),
    ],
)
def test_a_repository_needs_every_wanted_tag(wanted: dict[str, str | list[str] | None], is_chosen: bool) -> None:
    assert RepositorySelection.of(tags=wanted).has_tags({"team": "payments"}) is is_chosen


def test_globs_are_read_from_a_list_and_from_a_form() -> None:
    spellings: list[Any] = [["a/*", " b "], "a/*, b,,", "a/*\n\nb", "['a/*', 'b']", '["a/*", "b"]']
    assert {name_globs(spelled, "include") for spelled in spellings} == {("a/*", "b")}
    assert name_globs(["[ab]*", "[!a]?", 2048], "include") == ("[ab]*", "[!a]?", "2048")


@pytest.mark.parametrize("glob", ["Payments/*", "None", "a b", "a:v1", "'a'", "[a", "a]", "{a,b}"])
def test_a_glob_that_no_name_matches_is_refused(glob: str) -> None:
    with pytest.raises(ValueError, match=r"^include holds .*matches no repository name"):
        RepositorySelection.of(include=[glob])


def test_a_tag_value_that_a_template_leaves_empty_is_not_any_value() -> None:
    for value in ["", "None", "null", ["a", ""]]:
        with pytest.raises(ValueError, match=r"^tags\['team'\] is "):
            RepositorySelection.of(tags={"team": value})
    assert RepositorySelection.of(tags='{"team": null}').has_tags({"team": "payments"})


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=4), st.integers(4, 40))
def test_the_fitting_batch_size_is_the_smallest_that_fits(lengths: list[int], limit: int) -> None:
    def batch_count(size: int) -> int:
        return sum(len(batches_of(range(length), size)) for length in lengths)

    size = fitting_batch_size(lengths, limit)
    assert batch_count(size) <= limit
    assert size == 1 or batch_count(size - 1) > limit


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers()), st.integers(1, 10))
def test_batches_hold_everything_once_and_in_order(items: list[int], size: int) -> None:
    batches = batches_of(items, size)
    assert [item for batch in batches for item in batch] == items
    assert all(0 < len(batch) <= size for batch in batches)
