"""Plain JSON values: how large they are, and how a result is cut until it fits into its bound."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

Value = TypeVar("Value")
Limits = TypeVar("Limits")


def json_size(value: Any) -> int:
    """Return the length of a value as the JSON that Airflow stores."""
    return len(json.dumps(value))


def fitted(value: Value, max_bytes: int, limits: Iterable[Limits], cut_to: Callable[[Value, Limits], Value]) -> Value:
    """Return a value cut to the first limits under which it fits, or to the last ones if it fits under none.

    :param value: the value.
    :param max_bytes: the largest size that fits, as JSON.
    :param limits: how much of each list is kept, the most generous first.
    :param cut_to: returns the value cut to such limits.
    """
    shorter = value
    for limit in limits:
        shorter = cut_to(value, limit)
        if json_size(shorter) <= max_bytes:
            break
    return shorter


def fitting_count(items: Sequence[Any], max_bytes: int) -> int:
    """Return how many of the first items fit into a JSON list of at most ``max_bytes``.

    :param items: the items, the most important first.
    :param max_bytes: the size of the list.
    """
    size = len("[]")
    for count, item in enumerate(items):
        size += json_size(item) + len(", ")
        if size > max_bytes:
            return count
    return len(items)
