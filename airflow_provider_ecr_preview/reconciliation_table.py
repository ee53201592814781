"""A reconciliation as a table for a person, for task logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.reconciliation_xcom import ReconciliationXCom

MAX_SHOWN = 20


def reconciliation_table(value: ReconciliationXCom) -> RenderableType:
    """Return a reconciliation as a table of its repositories, with headline and findings."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in ("Repository", "Status", "Policy", "Images"):
        table.add_column(header)
    shown = value["repositories"][:MAX_SHOWN]
    findings = []
    for repository in shown:
        name = repository["repository_name"]
        table.add_row(Text(name), repository["status"], repository["policy"] or "", _counted(repository["counts"]))
        findings += [
            Text(f"{finding['severity'].upper()} {finding['code']} in {name}: {finding['message']}")
            for finding in repository["findings"]
        ]
    headline = (
        f"{value['repository_count']} previews, {value['event_count']} events until {value['reconciled_until']}: "
        f"{_counted(value['counts']) or 'no image is known to have gone'}"
    )
    more = value["repository_count"] - len(shown)
    return Group(Text(headline), table, *findings, *([Text(f"and {more} more repositories.")] if more else []))


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {category}" for category, count in sorted(counts.items()))
