"""Markdown in which what others wrote, as names and messages, is text and never markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def inert(text: str) -> str:
    """Return others' text so that no Markdown renderer takes any of it for markup, on one line.

    :param text: the text.
    """
    escaped = re.sub(r"([\\`*_{}\[\]()<>#+!|~$-])", r"\\\1", " ".join(text.split()))
    return escaped.replace("@", "@\u200b").replace("://", ":\u200b//")


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table.

    :param headers: the headers; one with a colon at its end is of numbers.
    :param rows: the cells of each row, as Markdown.
    """
    ruler = ["---:" if header.endswith(":") else "---" for header in headers]
    lines = [[header.rstrip(":") for header in headers], ruler]
    return "\n".join(f"| {' | '.join(line)} |" for line in [*lines, *rows])


def listed(lines: Iterable[str], count: int) -> str:
    """Return a list of which there may be more than is shown.

    :param lines: the entries that are shown, as Markdown.
    :param count: how many there are.
    """
    shown = [f"- {line}" for line in lines]
    more = count - len(shown)
    return "\n".join([*shown, f"- and {more:,} more"] if more else shown)


def counted(number: int, singular: str, plural: str) -> str:
    """Return a number with its noun.

    :param number: the number.
    :param singular: the noun of one.
    :param plural: the noun of any other number.
    """
    return f"{number:,} {singular if number == 1 else plural}"
