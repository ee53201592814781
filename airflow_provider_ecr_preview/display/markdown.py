"""Markdown in which text from outside, such as names and messages, never becomes markup, a link or a mention."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from airflow_provider_ecr_preview.core.text.secrets import masked
from airflow_provider_ecr_preview.core.text.visible import one_line, visible

_UNSEEN_BREAK = "\u200b"


_MARKUP = re.compile(r"([\\`*_{}\[\]()<>|~$&!])")


_AT_THE_START = re.compile(r"^(\d{1,9})([.)])|^([#+=-])")


_LINKS = re.compile(r"(?i)(?<=www)(?=\.)|(?<=:)(?=//)|(?<=mailto)(?=:)|(?<=xmpp)(?=:)|(?<=[@#])|(?<=gh)(?=-\d)")


def verbatim(text: str) -> str:
    """Return a name as code, which is shown and copied exactly.

    :param text: text from outside, such as the name of a repository.
    """
    # Renderers do not agree on a pipe within code within a table.
    text = visible(text).replace("|", r"\x7c")
    if not text.strip():
        return "(blank)" if text else "(empty)"
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    # A backtick at an end would join the fence, and one blank at both ends is taken away.
    padding = " " if "`" in (text[0], text[-1]) or text[0] == text[-1] == " " else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def inert(text: str) -> str:
    """Return a sentence in which nothing is markup, on one line.

    Addresses and names after ``@`` and ``#`` are broken up by an invisible character, because renderers turn them into
    links even in escaped text.

    :param text: text from outside, such as the message of an error.
    """
    escaped = _MARKUP.sub(r"\\\1", one_line(masked(text)))
    escaped = _AT_THE_START.sub(lambda start: rf"{start[1]}\{start[2]}" if start[1] else rf"\{start[3]}", escaped)
    return unlinked(escaped)


def unlinked(text: str) -> str:
    """Return a text in which addresses, and names after ``@`` and ``#``, are broken up by an invisible character.

    :param text: text from outside.
    """
    return _LINKS.sub(_UNSEEN_BREAK, text)


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
