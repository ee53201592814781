"""Make text from outside harmless to terminals, log viewers and readers.

Rule descriptions, names, tags and messages of services come from outside. They are stored unchanged, and made inert
where they are shown: in logs, tables, messages and reports.
"""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    # Printable according to Python, but invisible: fillers, joiners and variation selectors.
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


_LIST = re.compile(r"\n(?=  - )")


def visible(text: str) -> str:
    r"""Return a text on one line, in which every character that is not shown as itself is written as in ``\x1b``.

    These are escape codes, line breaks, marks that turn the direction of writing, characters without width, and what cannot be
    written in UTF-8.

    :param text: what others wrote.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if _is_shown(character) else _escaped(character) for character in text)


def one_line(text: str) -> str:
    """Return a sentence as :func:`visible` does, with blanks in place of its line breaks.

    :param text: what others wrote.
    """
    return visible(" ".join(text.split()))


def visible_list(text: str) -> str:
    """Return a message as :func:`visible` does, but for the line breaks of a list in it.

    :param text: the message; a line of its list begins with a dash, two blanks before it and one after it.
    """
    return "\n".join(map(visible, _LIST.split(text)))


def _is_shown(character: str) -> bool:
    return character.isprintable() and not _UNSEEN.match(character)


def _escaped(character: str) -> str:
    shown = character.encode("unicode_escape").decode("ascii")
    return shown if shown != character else f"\\u{ord(character):04x}"
