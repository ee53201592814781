"""What a task wrote down before it was killed is there for the next attempt."""

from __future__ import annotations

from collections import defaultdict

from airflow_provider_ecr_preview.core.journal import Journal
from airflow_provider_ecr_preview.core.parts import MemoryParts


def test_each_attempt_reads_what_the_earlier_ones_wrote_and_writes_to_a_place_of_its_own() -> None:
    kept: dict[int, MemoryParts] = defaultdict(MemoryParts)
    first = Journal(kept.__getitem__, attempt=1, place="here")
    first.write([{"a": 1}, {"b": 2}])
    first.write([])
    third = Journal(kept.__getitem__, attempt=3, place="here")
    assert [*third.read()] == [{"a": 1}, {"b": 2}]
    third.write([{"c": 3}])
    # The first attempt was thought dead, and goes on.
    first.write([{"d": 4}])
    assert [*Journal(kept.__getitem__, attempt=3, place="here").read()] == [{"a": 1}, {"b": 2}, {"d": 4}, {"c": 3}]
    assert [*Journal(kept.__getitem__, attempt=1, place="here").read()] == [{"a": 1}, {"b": 2}, {"d": 4}]


def test_an_attempt_of_the_same_number_writes_after_what_is_there() -> None:
    kept: dict[int, MemoryParts] = defaultdict(MemoryParts)
    Journal(kept.__getitem__, place="here").write([{"a": 1}])
    again = Journal(kept.__getitem__, place="here")
    again.write([{"b": 2}])
    assert [*again.read()] == [{"a": 1}, {"b": 2}]


def test_it_can_be_cleared_and_written_anew() -> None:
    kept: dict[int, MemoryParts] = defaultdict(MemoryParts)
    journal = Journal(kept.__getitem__, attempt=2, place="here")
    journal.write([{"a": 1}])
    journal.clear()
    assert [*journal.read()] == []
    journal.write([{"b": 2}])
    assert [*journal.read()] == [{"b": 2}]


def test_what_this_process_wrote_in_memory_can_be_cleared() -> None:
    journal = Journal()
    journal.write([{"a": 1}])
    journal.clear()
    assert [*journal.read()] == []


def test_in_memory_it_has_what_this_process_wrote() -> None:
    journal = Journal(attempt=4)
    journal.write([{"a": 1}])
    assert [*journal.read()] == [{"a": 1}]
    assert journal.place is None
