"""The context that Airflow gives to a task, as far as the operators use it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from unittest import mock


class RecordedTaskInstance:
    """A task instance that keeps the XComs that are pushed.

    :param first_reschedule_date: when a sensor that gives up its slot was first put off.
    """

    def __init__(self, first_reschedule_date: datetime | None = None) -> None:
        self.pushed: dict[str, Any] = {}
        self._first_reschedule_date = first_reschedule_date

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def get_first_reschedule_date(self, _: object) -> datetime | None:
        return self._first_reschedule_date


class TaskStateStore:
    """Airflow's task state store of one task instance; values are kept as JSON keeps them."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any, *, retention: object = None) -> None:
        self.values[key] = json.loads(json.dumps(value))

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


def task_context(**values: Any) -> Any:
    """Return the context of a task that pushes XComs and nothing else.

    :param values: what else the context has.
    """
    return {"ti": mock.Mock(spec=["xcom_push"]), **values}


def audit_context(
    started_at: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    *,
    try_number: int = 1,
    max_tries: int = 2,
    map_index: int = -1,
    run_id: str = "run",
    store: TaskStateStore | None = None,
    states: Mapping[str, str] | None = None,
) -> Any:
    """Return the context of a task that audits or merges audits.

    :param started_at: when the run started.
    :param try_number: the number of the attempt.
    :param max_tries: the number of the last attempt that Airflow makes by itself.
    :param map_index: which of the mapped tasks this is; -1 of a task that is not mapped.
    :param run_id: the run.
    :param store: the task state store; None for an Airflow that has none.
    :param states: the states of the other tasks of the run, by task.
    """
    names = ["xcom_push", "try_number", "max_tries", "map_index", "task", "dag_id", "run_id", "get_task_states"]
    ti = mock.Mock(spec=[*names, "start_date"], try_number=try_number, max_tries=max_tries, map_index=map_index)
    ti.dag_id, ti.run_id, ti.task.outlets = "weekly", run_id, []
    ti.get_task_states.return_value = {run_id: dict(states or {})}
    dag_run = mock.Mock(spec=["start_date"], start_date=started_at)
    return {"ti": ti, "dag_run": dag_run} | ({} if store is None else {"task_state_store": store})


def pushed_by(of: Any) -> dict[str, Any]:
    """Return the XComs that a task with this context pushed, by key."""
    return {call.kwargs["key"]: call.kwargs["value"] for call in of["ti"].xcom_push.call_args_list}
