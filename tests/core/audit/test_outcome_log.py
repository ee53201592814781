"""The log of an audit tells a later attempt what the earlier ones did, wherever its parts are kept."""

from __future__ import annotations

import pytest

from airflow_provider_ecr_preview.core.audit.outcome import OutcomeStatus, RepositoryOutcome, StartedPreview
from airflow_provider_ecr_preview.core.audit.outcome_log import (
    MAX_ENTRIES,
    MAX_SECONDS,
    AttemptBegun,
    Entry,
    OutcomeLog,
)
from airflow_provider_ecr_preview.core.parts import MemoryParts
from tests.support.builders import REGION, REGISTRY_ID, preview_xcom

FIRST, CLEARED = AttemptBegun(1.5, "run", "0"), AttemptBegun(2.5, "run", "1")
STARTED = StartedPreview("a", "f" * 64, 1.5, attached=True)


def outcome(name: str, status: OutcomeStatus = "without_policy") -> RepositoryOutcome:
    return RepositoryOutcome(name, REGISTRY_ID, REGION, status)


def kept(*entries: Entry | AttemptBegun) -> MemoryParts:
    parts = MemoryParts()
    with OutcomeLog(parts, clock=lambda: 0.0) as log:
        for entry in entries:
            log.append(entry)
    return parts


def test_a_later_attempt_reads_every_entry_in_order_but_not_the_beginnings_of_attempts() -> None:
    previewed = RepositoryOutcome("a", REGISTRY_ID, REGION, "previewed", preview_xcom("a"), preview_calls=2, owner="x")
    assert [*OutcomeLog(kept(FIRST, STARTED, previewed, CLEARED, outcome("b"))).read()] == [
        STARTED,
        previewed,
        outcome("b"),
    ]


def test_entries_wait_until_there_are_enough_of_them() -> None:
    parts = MemoryParts()
    log = OutcomeLog(parts, clock=lambda: 0.0)
    for number in range(MAX_ENTRIES - 1):
        log.append(outcome(str(number)))
    assert parts.texts == []
    log.append(outcome("last"))
    assert len(parts.texts) == 1
    assert len(parts.texts[0].splitlines()) == MAX_ENTRIES


def test_the_time_that_entries_wait_is_counted_from_the_first_that_waits() -> None:
    times = iter([0.0, MAX_SECONDS, 5.0, 5.0 + MAX_SECONDS / 2])
    parts = MemoryParts()
    log = OutcomeLog(parts, clock=lambda: next(times))
    for name in "abcd":
        log.append(outcome(name))
    assert [len(text.splitlines()) for text in parts.texts] == [2]


def test_leaving_the_log_writes_what_waits_and_no_empty_part() -> None:
    assert kept().texts == []
    assert len(kept(outcome("a")).texts) == 1


def test_reading_includes_what_was_not_written_yet() -> None:
    log = OutcomeLog(MemoryParts(), clock=lambda: 0.0)
    log.append(outcome("a"))
    assert [*log.read()] == [outcome("a")]


def test_of_several_outcomes_of_a_repository_the_last_counts_and_a_start_is_none() -> None:
    parts = kept(STARTED, outcome("a", "failed"), outcome("b"), outcome("a"), StartedPreview("b", "f" * 64, 2.5))
    assert [*OutcomeLog(parts).outcomes()] == [outcome("b"), outcome("a")]


@pytest.mark.parametrize(
    ("entries", "first", "last"),
    [
        ((FIRST, outcome("a"), CLEARED, outcome("a")), FIRST, CLEARED),
        ((FIRST,), FIRST, FIRST),
        ((), None, None),
        ((outcome("a"),), None, None),
    ],
)
def test_the_first_and_the_last_attempt_are_told_where_the_log_has_them(
    entries: tuple[Entry | AttemptBegun, ...], first: AttemptBegun | None, last: AttemptBegun | None
) -> None:
    log = OutcomeLog(kept(*entries))
    assert (log.first_attempt(), log.last_attempt()) == (first, last)


def test_a_log_that_an_earlier_version_began_has_no_first_attempt_even_if_a_later_one_is_in_it() -> None:
    assert OutcomeLog(kept(outcome("a"), CLEARED)).first_attempt() is None


def test_clearing_forgets_what_was_written_and_what_waits() -> None:
    parts = kept(outcome("a"))
    log = OutcomeLog(parts, clock=lambda: 0.0)
    log.append(outcome("b"))
    log.clear()
    log.append(outcome("c"))
    assert [*log.read()] == [outcome("c")]
    assert len(parts.texts) == 1
