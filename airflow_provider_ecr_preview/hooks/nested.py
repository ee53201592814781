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
