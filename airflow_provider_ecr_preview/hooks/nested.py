"""Look for something in an answer, wherever in it that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def values_of(described: Any, key: str) -> Iterator[str]:
    """Yield every text under a key, however deep: services name images in many places, and add more.

    :param described: an answer, or a part of it.
    :param key: the key.
    """
    if isinstance(described, Mapping):
        for name, value in described.items():
            if name == key and isinstance(value, str):
                yield value
            else:
                yield from values_of(value, key)
    elif isinstance(described, list):
        for value in described:
            yield from values_of(value, key)


def mappings_of(described: Any, key: str) -> Iterator[Mapping[str, Any]]:
    """Yield every object under a key, however deep.

    :param described: an answer, or a part of it.
    :param key: the key.
    """
    if isinstance(described, Mapping):
        for name, value in described.items():
            if name == key and isinstance(value, Mapping):
                yield value
            yield from mappings_of(value, key)
    elif isinstance(described, list):
        for value in described:
            yield from mappings_of(value, key)


def texts_of(described: Any) -> Iterator[str]:
    """Yield every text, however deep.

    :param described: an answer, or a part of it.
    """
    if isinstance(described, str):
        yield described
    elif isinstance(described, Mapping):
        for value in described.values():
            yield from texts_of(value)
    elif isinstance(described, list):
        for value in described:
            yield from texts_of(value)
