"""The types of parameters that a DAG sets to a value, a template, or the output of another task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeVar, cast

from airflow.sdk import XComArg

T = TypeVar("T")


Templated: TypeAlias = T | str | XComArg
"""A value, a text that renders to it, or the output of another task, such as ``audit.output``.

Airflow replaces the output of the other task in the attribute before the operator runs.
"""


Summaries: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any] | XComArg | str]
"""A summary or an audit, or several of them; with ``check_only``, also names of repositories."""


ExpectedPolicyFiles: TypeAlias = str | Sequence[str] | Mapping[str, str]
"""A folder or a file with policies, a list of them, or a mapping of repository names or globs to files."""


def as_rendered(value: T | XComArg) -> T:
    """Return a parameter unchanged, typed as the attribute is once Airflow has replaced the output of other tasks.

    :param value: the parameter.
    """
    return cast("T", value)
