"""Refuse the None that the output of another task turns out to be, where it would mean something wider."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow.sdk import XComArg

_RESULT = "return_value"


RESULTS = (
    "applied",
    "approved",
    "audit",
    "candidates",
    "changes",
    "in_use",
    "lifecycle_policies",
    "lifecycle_policy_text",
    "policy_fingerprint",
    "repository_names",
    "required_scope",
    "summary",
)
"""The parameters that take the result of another task, and for which None means something else, such as any policy."""


def given_outputs(task: Any, fields: Iterable[str]) -> dict[str, XComArg]:
    """Return the outputs of other tasks among the fields of a task, by the name of the field.

    :param task: the operator, before its templates are rendered.
    :param fields: the names of the fields.
    """
    values = {name: getattr(task, name, None) for name in fields}
    return {name: value for name, value in values.items() if isinstance(value, XComArg)}


def require_outputs(task: Any, given: dict[str, XComArg]) -> None:
    """Raise if the output of another task turned out to be None.

    A key that the other task did not push gives None, and so does a task without a result. Without a key, None is allowed
    where the parameter does not take the result of a task, such as a path from a function.

    :param task: the operator, rendered.
    :param given: the outputs by the name of the field.
    :raises ValueError: if one is None.
    """
    for name, output in given.items():
        if getattr(task, name, None) is not None:
            continue
        keys = {key for _, key in output.iter_references()}
        tasks = ", ".join(sorted({repr(operator.task_id) for operator, _ in output.iter_references()}))
        missing = sorted(keys - {_RESULT})
        if missing:
            raise ValueError(
                f"{name} is None: the task {tasks} pushed no value under the key {', '.join(map(repr, missing))}. Check how "
                "the key is spelled, and set multiple_outputs=True on that task if the key is one of its result."
            )
        if name in RESULTS:
            raise ValueError(
                f"{name} is None: the task {tasks} has no result. It was skipped, failed, or has do_xcom_push=False. Leave "
                f"{name} out if the task can do without it."
            )
