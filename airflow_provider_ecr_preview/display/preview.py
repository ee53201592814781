"""The summary of a preview as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from airflow_provider_ecr_preview.core.text.visible import visible
from airflow_provider_ecr_preview.display.text import human_bytes, text_of

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom


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
