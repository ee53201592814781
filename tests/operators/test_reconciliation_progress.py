"""A reconciliation that was interrupted reads only the events that it had not read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from airflow_provider_ecr_preview.core.exceptions import LifecycleEventsUnreadError
from airflow_provider_ecr_preview.core.reconciliation.execution import EVENT_NAME
from airflow_provider_ecr_preview.engine import recorded_events
from airflow_provider_ecr_preview.local import Call, Fault, LocalEcr, Refused, Registry, event_history
from airflow_provider_ecr_preview.local.event_history import HistoricEvent
from airflow_provider_ecr_preview.operators.ecr_reconcile import EcrReconcileLifecycleOperator
from tests.operators.test_ecr_reconcile import preview
from tests.support.contexts import TaskStateStore
from tests.support.policies import keep

REPOSITORY = "payments/api"
PAGE = 5
OTHERS = 40


class Counting(Fault):
    """Counts look-ups."""

    count = 0

    def before(self, call: Call, registry: Registry) -> None:
        self.count += 1


@pytest.fixture
def history(local_ecr: LocalEcr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[LocalEcr, Any]:
    """Return an ECR that has acted on a preview, and on other repositories several times a minute, and the preview."""
    monkeypatch.setattr(event_history, "MAX_LOOKED_UP", PAGE)
    local_ecr.create_repository(REPOSITORY, policy=keep(5))
    local_ecr.push_many(REPOSITORY, 9, newest_days_ago=40)
    summary = preview(tmp_path)
    local_ecr.run_lifecycle_policies()
    [event] = executions(local_ecr)
    for number in range(OTHERS):
        others = event.happened_at + timedelta(seconds=(number + 1) // 3)
        local_ecr.events.record(HistoricEvent(event.account, event.region, others, of_another(event.record)))
    local_ecr.advance(hours=1)
    return local_ecr, summary


def executions(ecr: LocalEcr) -> list[Any]:
    return [event for event in ecr.events if event.record["eventName"] == EVENT_NAME]  # type: ignore[index]


def of_another(record: Any, event_id: str | None = None) -> Mapping[str, Any]:
    details = {**record["serviceEventDetails"], "repositoryName": "other"}
    return {
        **record,
        "eventID": str(uuid.uuid4()) if event_id is None else event_id,
        "serviceEventDetails": details,
    }


def reconcile(summary: Any, store: TaskStateStore | None, try_number: int = 1, **kwargs: Any) -> Any:
    ti = mock.Mock(spec=["xcom_push", "try_number", "run_id", "map_index"])
    ti.try_number, ti.run_id, ti.map_index = try_number, "run", -1
    context: Any = {"ti": ti, **({} if store is None else {"task_state_store": store})}
    kwargs = {"end_time": "2100-01-01T00:00:00Z", **kwargs}
    return EcrReconcileLifecycleOperator(task_id="reconcile", summary=summary, **kwargs).execute(context)


def interrupted(ecr: LocalEcr, summary: Any, store: TaskStateStore | None, skip: int, **kwargs: Any) -> None:
    refusal = ecr.inject(Refused("AccessDeniedException"), "LookupEvents", calls=1, skip=skip)
    with refusal, pytest.raises(LifecycleEventsUnreadError):
        reconcile(summary, store, **kwargs)


@pytest.mark.parametrize("place", ["store", "files"])
@pytest.mark.parametrize("skip", [1, 4, 8])
def test_a_retry_reads_on_where_the_attempt_before_stopped(
    history: tuple[LocalEcr, Any], tmp_path: Path, place: str, skip: int
) -> None:
    ecr, summary = history
    whole = reconcile(summary, None)
    store = TaskStateStore() if place == "store" else None
    path = f"file://{tmp_path}/results.jsonl.gz"
    interrupted(ecr, summary, store, skip, results_path=path)
    with ecr.inject(counting := Counting(), "LookupEvents", calls=None):
        value = reconcile(summary, store, 2, results_path=path)
    assert {**value, "results_uri": None} == whole
    assert whole["statuses"] == {"reconciled": 1}
    # One page more, because a page may end between two events of one second.
    assert counting.count <= OTHERS // PAGE + 1 - skip + 1
    assert not (store.values if store else [*tmp_path.rglob("*.parts/**/*.jsonl")])


def test_the_period_ends_where_it_ended_for_the_first_attempt(history: tuple[LocalEcr, Any]) -> None:
    ecr, summary = history
    store = TaskStateStore()
    interrupted(ecr, summary, store, 0, end_time=None)
    second = reconcile(summary, store, 2, end_time=None)["reconciled_until"]
    assert second < reconcile(summary, store, 3, end_time=None)["reconciled_until"]


@pytest.mark.parametrize("change", ["age", "order", "ids"])
def test_what_cannot_be_continued_is_read_again(
    history: tuple[LocalEcr, Any], monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    ecr, summary = history
    whole = reconcile(summary, None)
    store = TaskStateStore()
    if change == "order":
        monkeypatch.setattr(recorded_events, "_SECOND", timedelta(days=-1))
    if change == "ids":
        last = max(executions(ecr), key=lambda event: event.happened_at)
        ecr.events.record(HistoricEvent(last.account, last.region, last.happened_at, of_another(last.record, "")))
    interrupted(ecr, summary, store, 5)
    if change == "age":
        monkeypatch.setattr("airflow_provider_ecr_preview.operators._progress.MAX_AGE", -1.0)
    with ecr.inject(counting := Counting(), "LookupEvents", calls=None):
        assert reconcile(summary, store, 2) == whole
    assert counting.count == OTHERS // PAGE + 1
