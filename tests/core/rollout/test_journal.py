"""What is written down of a change of policies says what was there before, and whether it was replaced."""

from __future__ import annotations

import pytest

from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.former import FormerPolicy
from airflow_provider_ecr_preview.core.rollout.journal import (
    EarlierChange,
    earlier_changes,
    intent_entry,
    outcome_entry,
)

HERE = RepositoryId("123456789012", "eu-west-1", "payments/api")
ELSEWHERE = RepositoryId("123456789012", "eu-west-1", "shop/web")
FORMER = FormerPolicy(HERE, None, "wanted", "run 1")


def test_what_was_about_to_be_replaced_is_known_and_not_that_it_was() -> None:
    assert earlier_changes([intent_entry(FORMER)]) == {HERE: EarlierChange(FORMER, is_confirmed=False)}


def test_what_was_replaced_is_known() -> None:
    assert earlier_changes([intent_entry(FORMER), outcome_entry(HERE, is_put=True)]) == {HERE: EarlierChange(FORMER)}


def test_the_last_attempt_counts() -> None:
    again = FormerPolicy(HERE, None, "wanted", "run 2")
    entries = [intent_entry(FORMER), outcome_entry(HERE, is_put=True), intent_entry(again)]
    assert earlier_changes(entries) == {HERE: EarlierChange(again, is_confirmed=False)}


def test_what_was_refused_is_as_if_it_was_never_about_to_be() -> None:
    again = FormerPolicy(HERE, None, "wanted", "run 2")
    refused = [intent_entry(again), outcome_entry(HERE, is_put=False)]
    assert earlier_changes(refused) == {}
    assert earlier_changes([intent_entry(FORMER), outcome_entry(HERE, is_put=True), *refused]) == {
        HERE: EarlierChange(FORMER)
    }


def test_other_entries_are_passed_over() -> None:
    assert (
        earlier_changes([outcome_entry(ELSEWHERE, is_put=True), {"later": intent_entry(FORMER)["about_to_put"]}]) == {}
    )


def test_an_entry_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="it lacks"):
        earlier_changes([{"about_to_put": outcome_entry(HERE, is_put=True)["put"]}])
