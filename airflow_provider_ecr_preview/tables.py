"""Summaries as tables for a person, for task logs and terminals."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from airflow_provider_ecr_preview.core.secrets import masked
from airflow_provider_ecr_preview.core.visible import one_line, visible

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.xcom import PreviewSummaryXCom

LOG_WIDTH = 110
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_STEP = 1000


def render(*parts: RenderableType, width: int = LOG_WIDTH) -> str:
    """Return renderables as plain text of at most ``width`` columns."""
    text = StringIO()
    console = Console(file=text, width=width, color_system=None, highlight=False, markup=False, emoji=False)
    console.print(Group(*parts))
    # What was forgotten where a text was put in; line breaks can no longer be told from those of the table.
    return "\n".join(visible(line.rstrip()) for line in text.getvalue().split("\n")).rstrip("\n")


def text_of(*lines: str) -> Text:
    """Return what others wrote as a cell of a table or as lines of their own, without markup, secrets or control characters.

    :param lines: what others wrote; blanks before it stay.
    """
    return Text("\n".join(line[: len(line) - len(line.lstrip(" "))] + one_line(masked(line)) for line in lines))


def summary_table(summary: PreviewSummaryXCom) -> RenderableType:
    """Return a summary as a table of its rules, with headline and findings."""
    total = summary["total_image_count"]
    headline = (
        f"{visible(summary['repository_name'])} ({summary['registry_id']}, {summary['region_name']}): "
        f"{summary['expiring_image_count']} expiring, {summary['archiving_image_count']} archiving"
        f"{'' if total is None else f', of {total} images'}; at most {human_bytes(summary['expiring_bytes_upper_bound'])} "
        "freed (layers are shared)"
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header, justify in (("Rule", "right"), ("Action", "left"), ("Images", "right"), ("Bytes at most", "right")):
        table.add_column(header, justify=justify)  # type: ignore[arg-type]  # a Literal that mypy widens here
    table.add_column("Description")
    for rule in summary["rules"]:
        table.add_row(
            str(rule["priority"]),
            text_of(rule["action"]),
            str(rule["image_count"]),
            human_bytes(rule["bytes_upper_bound"]),
            text_of(visible(rule["description"] or "")),
        )
    findings = [
        text_of(f"{finding['severity'].upper()} {finding['code']}: {finding['message']}")
        for finding in summary["findings"]
    ]
    return Group(text_of(headline), table, *findings)


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
