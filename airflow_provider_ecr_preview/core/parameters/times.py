"""Read times and durations from templates, forms and DAG files."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar

from airflow_provider_ecr_preview.core.parameters.forms import refuse, shown, timedelta_of
from airflow_provider_ecr_preview.core.parameters.values import given, number

MAX_DAYS = 36_500


MAX_SECONDS = 10 * 366 * 86_400


_EXAMPLE = "2026-11-24T08:00:00+00:00"


T = TypeVar("T")


def days(value: Any, parameter: str, default: T, *, protects: bool = False) -> float | T:
    """Return a number of days.

    :param value: the value of the parameter: a number of days, a timedelta, or an ISO 8601 duration such as ``P7D``.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :param protects: whether the parameter protects images.
    :raises ValueError: if it is anything else, negative, or more than a hundred years.
    """
    length = timedelta_of(value)
    value = value if length is None else length / timedelta(days=1)
    try:
        return number(value, parameter, default, maximum=MAX_DAYS, protects=protects)
    except ValueError as error:
        raise ValueError(f"{error} Use 0 to switch it off.") from None


def seconds(value: Any, parameter: str, default: T, *, minimum: float = 0) -> float | T:
    """Return a number of seconds.

    :param value: the value of the parameter: a number of seconds, a timedelta, or an ISO 8601 duration such as ``PT1H``.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :param minimum: the lowest value allowed.
    :raises ValueError: if it is anything else, or more than ten years.
    """
    length = timedelta_of(value)
    value = value if length is None else length.total_seconds()
    return number(value, parameter, default, minimum=minimum, maximum=MAX_SECONDS)


def duration(value: Any, parameter: str, default: T, *, protects: bool = False) -> timedelta | T:
    """Return a length of time. A bare number is not one, because it has no unit.

    :param value: the value of the parameter: a timedelta, Python's text of one, or an ISO 8601 duration such as ``P1D``.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :param protects: whether the parameter protects images.
    :raises ValueError: if it is anything else, negative, or more than a hundred years.
    """
    value = given(value, parameter, protects=protects)
    if value is None:
        return default
    length = timedelta_of(value)
    if length is None or not timedelta(0) <= length <= timedelta(days=MAX_DAYS):
        refuse(value, parameter, "Use a timedelta, or an ISO 8601 duration such as 'P1D' or 'PT12H'")
    return length


def moment(value: Any, parameter: str, default: T) -> datetime | T:
    """Return a time.

    :param value: the value of the parameter: a datetime, or text as ISO 8601, with the time zone.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :raises ValueError: if it is anything else.
    """
    value = given(value, parameter)
    if value is None:
        return default
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{parameter} is {shown(value)}, not a time. Write it like {_EXAMPLE}.") from None
    if time.tzinfo is None:
        raise ValueError(f"{parameter} is {shown(value)}, without a time zone. Write it like {_EXAMPLE}.")
    return time
