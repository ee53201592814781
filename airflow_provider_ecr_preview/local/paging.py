"""Pages and their tokens."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from moto.ecr.exceptions import InvalidParameterException

_T = TypeVar("_T")


def page_size(parameters: Mapping[str, Any], largest: int, default: int) -> int:
    """Return ``maxResults`` of a request.

    :raises InvalidParameterException: if it is out of range.
    """
    size = parameters.get("maxResults", default)
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= largest:
        raise invalid("maxResults", f"Member must have value between 1 and {largest}, not {size!r}")
    return size


def page_after(
    items: Sequence[_T],
    parameters: Mapping[str, Any],
    *,
    largest: int,
    default: int = 100,
    serial: Callable[[_T], int],
    wanted: Callable[[_T], bool] = lambda _: True,
) -> tuple[list[_T], str | None]:
    """Return one page of the items, and the token of the next page.

    If items are added or deleted between two pages, no other item is skipped or repeated.

    :param items: all items, in the order of ``serial``.
    :param parameters: the request.
    :param largest: the largest page size of the operation.
    :param default: the page size if the request has no ``maxResults``.
    :param serial: returns a unique number for an item.
    :param wanted: whether the item belongs to the result.
    """
    size = page_size(parameters, largest, default)
    start = 0
    if token := parameters.get("nextToken"):
        (after,) = read_token(token, int)
        start = bisect_right(items, after, key=serial)
    page: list[_T] = []
    for index in range(start, len(items)):
        if not wanted(items[index]):
            continue
        if len(page) == size:
            return page, write_token(serial(page[-1]))
        page.append(items[index])
    return page, None


def write_token(*values: object) -> str:
    """Return an opaque token that stands for ``values``."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


def read_token(token: object, *types: type) -> tuple[Any, ...]:
    """Return the values that a token stands for.

    :param token: the ``nextToken`` of the request.
    :param types: the types of the values.
    :raises InvalidParameterException: if it is not a token of this module.
    """
    try:
        values = json.loads(base64.urlsafe_b64decode(token.encode()))  # type: ignore[attr-defined]  # may be anything
    except (AttributeError, ValueError, binascii.Error):
        values = None
    if not isinstance(values, list) or [type(value) for value in values] != list(types):
        raise invalid("nextToken", "The token is not one that this operation returned")
    return tuple(values)


def invalid(parameter: str, constraint: str) -> InvalidParameterException:
    """Return the error for a parameter that ECR refuses, in its wording."""
    return InvalidParameterException(f"Invalid parameter at '{parameter}' failed to satisfy constraint: '{constraint}'")
