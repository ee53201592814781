"""The types of parameters that a DAG sets to a value, a template, or the output of another task."""

from __future__ import annotations

from typing import TypeAlias, TypeVar

from airflow.sdk import XComArg

T = TypeVar("T")


Templated: TypeAlias = T | str | XComArg
"""A value, a text that renders to it, or what another task returns, such as ``start.output["policy_fingerprint"]``.

Airflow replaces the output of the other task in the attribute before the operator runs.
"""
