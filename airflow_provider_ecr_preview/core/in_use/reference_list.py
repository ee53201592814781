"""A list of image references written by another tool, as JSON or JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

_SHOWN_CHARACTERS = 100


_HOW = "Write a list of references, or of objects with image and digest, as JSON or as JSON Lines"


class ListedReference(NamedTuple):
    """A reference of the list.

    :param image: the reference; only a digest if no image is named.
    :param digest: the digest that it was resolved to, if the list says so.
    :param name: its user, if the list says so.
    """

    image: str
    digest: str | None = None
    name: str | None = None


class ReferenceList(NamedTuple):
    """The whole list.

    :param references: its references; never empty.
    :param collected_at: when it was collected, if the list says so.
    """

    references: tuple[ListedReference, ...]
    collected_at: datetime | None = None


def parse_reference_list(value: Any) -> ReferenceList:
    """Return a list of references.

    :param value: references, each as text or as an object with ``image``, ``digest`` or both, and perhaps the ``name``
        of what uses it; or an object with these as ``images``, and ``collected_at``; or the text of either as JSON, or
        of the items as JSON Lines.
    :raises ValueError: if it is anything else, or empty: an empty list may be a failed one, and proves nothing.
    """
    if isinstance(value, str):
        value = _decoded(value)
    collected_at = None
    if isinstance(value, Mapping) and "images" in value:
        collected_at = _time(value.get("collected_at"))
        value = value["images"]
    elif isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list | tuple):
        raise ValueError(f"This is not a list: {_shown(value)}. {_HOW}.")  # noqa: TRY004 - read from a file
    if not value:
        raise ValueError(f"The list is empty; perhaps nothing was written to it. {_HOW}.")
    return ReferenceList(tuple(_item(item, number) for number, item in enumerate(value, 1)), collected_at)


def _decoded(text: str) -> Any:
    text = text.strip().removeprefix("\ufeff")
    if not text:
        raise ValueError(f"It is empty. {_HOW}.")
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        return [_line(line, number) for number, line in lines]
    # One line of JSON Lines.
    return [whole] if isinstance(whole, str) else whole


def _line(line: str, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError(f"Line {number} is not JSON: {_shown(line)}. {_HOW}.") from None


def _item(item: Any, number: int) -> ListedReference:
    if isinstance(item, str) and item.strip():
        return ListedReference(item)
    if isinstance(item, Mapping):
        image, digest = (item.get(key) for key in ("image", "digest"))
        texts = [part for part in (image, digest) if part is not None]
        if texts and all(isinstance(part, str) and part.strip() for part in texts):
            name = item.get("name")
            return ListedReference(texts[0], digest if image else None, str(name) if name else None)
    raise ValueError(f"Item {number} names no image: {_shown(item)}. {_HOW}.")


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"collected_at is not a time: {_shown(value)}. Write it as in 2026-01-31T06:00:00Z.") from None
    if time.tzinfo is None:
        raise ValueError(f"collected_at has no time zone: {_shown(value)}. Write it as in 2026-01-31T06:00:00Z.")
    return time


def _shown(value: Any) -> str:
    return repr(value)[:_SHOWN_CHARACTERS]
