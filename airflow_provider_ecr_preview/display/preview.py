"""The summary of a preview as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.text.visible import visible
from airflow_provider_ecr_preview.display.text import SHARED_LAYERS, human_bytes, text_of

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom


def summary_table(summary: PreviewSummaryXCom) -> RenderableType:
    """Return a summary as a table of its rules, with headline and findings."""
    total = summary["total_image_count"]
    headline = (
        f"{visible(summary['repository_name'])} ({summary['registry_id']}, {summary['region_name']}): "
        f"{summary['expiring_image_count']} expiring, {summary['archiving_image_count']} archiving"
        f"{'' if total is None else f', of {total} images'}; at most {human_bytes(summary['expiring_bytes_upper_bound'])} "
        f"freed (layers are shared){_exactly(summary)}"
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


def _exactly(summary: PreviewSummaryXCom) -> str:
    """Return what is freed by the manifests, if they were read."""
    if message := summary.get("exact_bytes_message"):
        return f"; exactly how much is unknown: {visible(message)}"
    if summary.get("expiring_bytes_exact") is None:
        return ""
    families = counted(summary.get("expiring_family_count") or 0, "family", "families")
    return (
        f"; {human_bytes(summary.get('expiring_bytes_exact'))} by the manifests of {families} of images, and "
        f"{human_bytes(summary.get('shared_bytes'))} stay because other images share them; {SHARED_LAYERS}"
    )
