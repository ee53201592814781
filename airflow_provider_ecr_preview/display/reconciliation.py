"""A reconciliation as a table for a person, for task logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.text.visible import visible
from airflow_provider_ecr_preview.display.text import text_of

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.xcom.reconciliation import ReconciliationXCom


MAX_SHOWN = 20


def reconciliation_table(value: ReconciliationXCom) -> RenderableType:
    """Return a reconciliation as a table of its repositories, with headline and findings."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in ("Repository", "Status", "Policy", "Images"):
        table.add_column(header)
    shown = value["repositories"][:MAX_SHOWN]
    findings = []
    for repository in shown:
        name = visible(repository["repository_name"])
        policy = text_of(repository["policy"] or "")
        table.add_row(text_of(name), text_of(repository["status"]), policy, text_of(_counted(repository["counts"])))
        findings += [
            text_of(f"{finding['severity'].upper()} {finding['code']} in {name}: {finding['message']}")
            for finding in repository["findings"]
        ]
    headline = (
        f"{counted(value['repository_count'], 'preview')}, {counted(value['event_count'], 'event')} until "
        f"{value['reconciled_until']}: {_counted(value['counts']) or 'no event says that an image went'}"
    )
    more = value["repository_count"] - len(shown)
    return Group(
        text_of(headline),
        table,
        *findings,
        *([text_of(f"and {counted(more, 'more repository', 'more repositories')}.")] if more else []),
    )


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {category}" for category, count in sorted(counts.items()))
