"""The context that Airflow gives to a task, as far as the operators use it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest import mock


def context() -> Any:
    """Return the context of a task that pushes XComs and nothing else."""
    return {"ti": mock.Mock(spec=["xcom_push"])}


def audit_context() -> Any:
    """Return the context of a task that audits: its first attempt, not mapped, in a run of 2026-01-01."""
    ti = mock.Mock(spec=["xcom_push", "try_number", "map_index", "task"], try_number=1, map_index=-1)
    ti.task.outlets = []
    return {"ti": ti, "dag_run": mock.Mock(spec=["start_date"], start_date=datetime(2026, 1, 1, tzinfo=UTC))}
