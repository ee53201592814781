"""An attempt finds what earlier attempts at the same work found out, and never fails for want of it."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.journal import Journal
from airflow_provider_ecr_preview.core.parts import MemoryParts
from airflow_provider_ecr_preview.core.progress import MAX_ENTRIES, Progress


class Place:
    """A place that several attempts share, and a clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.parts: dict[int, Any] = defaultdict(MemoryParts)

    def progress(self, attempt: int = 1, settings: object = "same", max_age: float = 60.0) -> Progress:
        journal = Journal(self.parts.__getitem__, attempt=attempt, place="here")
        return Progress(journal, settings, max_age, lambda: self.now)


def values(progress: Progress) -> list[int]:
    return [entry["value"] for entry in progress.read()]


def test_the_next_attempt_reads_what_was_written_and_when_it_began() -> None:
    place = Place()
    first = place.progress()
    assert (first.is_continued, first.is_kept, values(first)) == (False, True, [])
    first.write({"value": 1})
    first.flush()
    place.now += 10
    second = place.progress(2)
    assert (second.is_continued, second.began_at, [*second.read()]) == (True, 1000.0, [{"value": 1, "at": 1000.0}])
    second.write({"value": 2})
    assert values(second) == [1, 2]


def test_a_few_entries_are_written_together_so_that_a_kill_loses_only_these() -> None:
    place = Place()
    progress = place.progress()
    for value in range(MAX_ENTRIES + 2):
        progress.write({"value": value})
    assert values(place.progress(2)) == [*range(MAX_ENTRIES)]
    place.now += 1.0
    progress.write({"value": 12})
    assert len(values(place.progress(2))) == MAX_ENTRIES + 3


@pytest.mark.parametrize(("settings", "seconds"), [("other", 0), ("same", 61)])
def test_entries_of_other_settings_or_of_long_ago_are_discarded(settings: str, seconds: int) -> None:
    place = Place()
    place.progress().write({"value": 1})
    place.now += seconds
    second = place.progress(2, settings)
    assert (second.is_continued, second.began_at, values(second)) == (False, place.now, [])
    second.write({"value": 2})
    second.flush()
    assert values(place.progress(3, settings)) == [2]


def test_work_that_is_complete_leaves_nothing_and_work_that_starts_over_keeps_what_follows() -> None:
    place = Place()
    progress = place.progress()
    progress.write({"value": 1})
    progress.start_over()
    progress.write({"value": 2})
    progress.flush()
    assert values(place.progress(2)) == [2]
    place.progress(2).clear()
    assert not place.progress(3).is_continued


def test_nothing_is_kept_without_a_place() -> None:
    progress = Progress(Journal(), "same", 60.0)
    progress.write({"value": 1})
    progress.start_over()
    assert (progress.is_kept, [*progress.read()]) == (False, [])


class Broken(MemoryParts):
    """Parts that cannot be written, and of which one cannot be read."""

    def __init__(self, texts: list[str], unreadable: int | None = None) -> None:
        super().__init__(texts)
        self._unreadable = unreadable

    def write(self, number: int, text: str) -> None:
        raise OSError("no space")

    def read(self, number: int) -> str | None:
        if number == self._unreadable:
            raise OSError("no access")
        return super().read(number)


def test_progress_that_cannot_be_written_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    place.parts[1] = Broken([])
    with caplog.at_level(logging.WARNING):
        progress = place.progress()
        progress.write({"value": 1})
        progress.flush()
    assert not progress.is_kept
    assert caplog.text.count("starts from the beginning") == 1


def test_progress_whose_settings_cannot_be_read_is_a_warning_and_is_not_trusted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = Place()
    place.progress(settings="other").write({"value": 1})
    place.parts[1] = Broken(place.parts[1].texts, unreadable=0)
    progress = place.progress(2)
    assert (progress.is_kept, values(progress)) == (False, [])
    assert "cannot be read from here" in caplog.text


def test_what_was_read_before_the_storage_failed_is_used(caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    progress = place.progress()
    for value in (1, 2):
        progress.write({"value": value})
        progress.flush()
    place.parts[1] = Broken(place.parts[1].texts, unreadable=2)
    assert values(place.progress(2)) == [1]
    assert "cannot be read from here" in caplog.text
