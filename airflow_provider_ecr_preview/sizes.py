"""Sums of sizes of which one may not be known."""

from __future__ import annotations

from collections.abc import Iterable


def known_sum(sizes: Iterable[int | None]) -> int | None:
    """Return the sum, or None as soon as one addend is not known.

    :param sizes: the addends.
    """
    total = 0
    for size in sizes:
        if size is None:
            return None
        total += size
    return total
