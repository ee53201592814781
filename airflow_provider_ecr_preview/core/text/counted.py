"""Numbers with their nouns."""

from __future__ import annotations

from collections.abc import Sized


def counted(number: int | Sized, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun, as in ``1 image`` and ``1,234 repositories``.

    :param number: the number, or what is counted.
    :param singular: the noun of one, with its verb if one follows: ``image`` or ``image is``.
    :param plural: the noun of any other number; by default the singular with an ``s``.
    """
    count = number if isinstance(number, int) else len(number)
    return f"{count:,} {singular if count == 1 else plural or f'{singular}s'}"


def after(seconds: float) -> str:
    """Return a duration as the end of a phrase: `` after 300 s``; an empty text for 0, of somebody who did not wait.

    :param seconds: the duration.
    """
    return f" after {seconds:,.0f} s" if seconds >= 1 else f" after {seconds:g} s" if seconds else ""
