from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from airflow.sdk import ObjectStoragePath
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome, StartedPreview
from airflow_provider_ecr_preview.core.audit.outcome_log import MAX_ENTRIES, OutcomeLog
from airflow_provider_ecr_preview.core.parts import Parts
from airflow_provider_ecr_preview.reports.segments import MemorySegments, PathSegments, StateSegments, packed, unpacked
from tests.support.contexts import TaskStateStore


@pytest.fixture(params=["path", "state", "memory"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], OutcomeLog]:
    """Return what opens the same log, as another process would."""
    store, memory = TaskStateStore(), MemorySegments()
    segments: dict[str, Callable[[], Parts]] = {
        "path": lambda: PathSegments(ObjectStoragePath(f"file://{tmp_path}/outcomes/run/audit-0")),
        "state": lambda: StateSegments(store),  # type: ignore[arg-type]  # the part of it that is used
        "memory": lambda: memory,
    }
    return lambda: OutcomeLog(segments[request.param]())


def outcome(name: str, *, failed: bool = False, message: str | None = None) -> RepositoryOutcome:
    status = "failed" if failed else "without_policy"
    return RepositoryOutcome(name, "123456789012", "us-east-1", status, message=message)  # type: ignore[arg-type]  # a Literal


def started(name: str) -> StartedPreview:
    return StartedPreview(name, "f" * 64, 1_700_000_000.5)


def test_what_was_appended_is_read_back_in_order_by_another_process(reopen: Callable[[], OutcomeLog]) -> None:
    entries = [
        entry
        for number in range(60)
        for entry in (started(f"team/{number}"), outcome(f"team/{number}", message="a\u2028b\n"))
    ]
    with reopen() as log:
        for entry in entries:
            log.append(entry)
    assert list(reopen().read()) == entries


def test_a_killed_process_loses_less_than_a_segment(reopen: Callable[[], OutcomeLog]) -> None:
    log = reopen()
    for number in range(2 * MAX_ENTRIES - 1):
        log.append(outcome(f"team/{number}"))
    assert len(list(reopen().read())) == MAX_ENTRIES


def test_what_waits_longer_than_a_second_is_written() -> None:
    now = 0.0
    segments = MemorySegments()
    log = OutcomeLog(segments, clock=lambda: now)
    log.append(outcome("a/b"))
    assert segments.read(0) is None
    now = 1.5
    log.append(outcome("a/c"))
    assert segments.read(0) is not None


def test_the_next_attempt_appends_to_the_log(reopen: Callable[[], OutcomeLog]) -> None:
    for name in ("team/a", "team/b"):
        with reopen() as log:
            log.append(outcome(name))
    assert [entry.repository_name for entry in reopen().read()] == ["team/a", "team/b"]


def test_the_last_outcome_of_a_repository_counts(reopen: Callable[[], OutcomeLog]) -> None:
    with reopen() as log:
        for entry in (outcome("team/a", failed=True), outcome("team/b"), started("team/a"), outcome("team/a")):
            log.append(entry)
        assert list(log.outcomes()) == [outcome("team/b"), outcome("team/a")]


def test_a_cleared_log_is_empty_and_can_be_written_again(reopen: Callable[[], OutcomeLog]) -> None:
    log = reopen()
    log.clear()
    for number in range(3 * MAX_ENTRIES):
        log.append(outcome(f"team/{number}"))
    log.clear()
    assert list(reopen().read()) == []
    with log:
        log.append(outcome("team/again"))
    assert [entry.repository_name for entry in reopen().read()] == ["team/again"]


def test_memory_is_carried_as_a_text() -> None:
    segments = MemorySegments()
    with OutcomeLog(segments) as log:
        for number in range(1000):
            log.append(started(f"payments/service-{number}"))
    carried = segments.carried()
    assert len(carried) < 20_000
    assert list(OutcomeLog(MemorySegments(carried)).read()) == list(log.read())


@given(st.text())
def test_a_packed_text_is_the_same_when_it_is_unpacked(text: str) -> None:
    assert unpacked(packed(text)) == text
