"""Text that a spreadsheet shows and never computes."""

from __future__ import annotations

import re

_FORMULA = re.compile(
    # A spreadsheet may split a cell at a semicolon, a tab or a line break, whatever separates the cells of the file.
    r"""(?:\A|(?<=[;\t\r\n]))(?=[\s"']*[=+\-@\uff1d\uff0b\uff0d\uff20])|\A(?=[\t\r\n])"""
)


def for_spreadsheet(text: str) -> str:
    """Return a text with an apostrophe before whatever a spreadsheet would compute.

    That is what begins with ``=``, ``+``, ``-`` or ``@``, in full-width form too, at the start of the text or where a
    spreadsheet may split it.

    :param text: the content of a cell, written by others.
    """
    return _FORMULA.sub("'", text)
