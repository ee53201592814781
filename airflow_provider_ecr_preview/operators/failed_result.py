"""What a task that fails leaves all the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context


def push_before_failure(context: Context, task: BaseOperator, value: Mapping[str, Any]) -> None:
    """Push what a task would have returned if it did not fail, for the tasks that run all the same.

    :param context: the task's context.
    :param task: the task.
    :param value: what it would have returned.
    """
    if task.do_xcom_push:
        context["ti"].xcom_push(key="return_value", value=value)
