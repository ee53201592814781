"""Summaries as tables for a person, for task logs and terminals."""

from __future__ import annotations

from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.text import Text

from airflow_provider_ecr_preview.core.text.secrets import masked
from airflow_provider_ecr_preview.core.text.visible import one_line, visible

LOG_WIDTH = 110


_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


_STEP = 1000


def render(*parts: RenderableType, width: int = LOG_WIDTH) -> str:
    """Return renderables as plain text of at most ``width`` columns."""
    text = StringIO()
    console = Console(file=text, width=width, color_system=None, highlight=False, markup=False, emoji=False)
    console.print(Group(*parts))
    # A safety net for text that was not made safe; its line breaks look the same as those of the table by now.
    return "\n".join(visible(line.rstrip()) for line in text.getvalue().split("\n")).rstrip("\n")


def text_of(*lines: str) -> Text:
    """Return text from outside as a table cell or as separate lines, without markup, secrets or control characters.

    :param lines: text from outside; leading blanks stay.
    """
    return Text("\n".join(line[: len(line) - len(line.lstrip(" "))] + one_line(masked(line)) for line in lines))


SHARED_LAYERS = "a layer that other repositories of the account have mounted stays there"
"""What the manifests of one repository cannot show."""


def human_bytes(size: int | None) -> str:
    """Return a size in decimal units, as AWS bills it; ``unknown`` for None."""
    if size is None:
        return "unknown"
    if size < _STEP:
        return f"{size} {_UNITS[0]}"
    number = size / _STEP
    for unit in _UNITS[1:-1]:
        if number < _STEP:
            return f"{number:.1f} {unit}"
        number /= _STEP
    return f"{number:.1f} {_UNITS[-1]}"
