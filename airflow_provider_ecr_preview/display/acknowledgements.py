"""What an audit says of acknowledged findings, as tables for task logs and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table

from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.acknowledgement import AcknowledgementCounts
from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom
from airflow_provider_ecr_preview.display.markdown import inert, table, verbatim
from airflow_provider_ecr_preview.display.text import text_of

_HEADERS = ("Acknowledged", "Repositories", "Findings:", "Until", "Reason")


def acknowledged_table(audit: AuditXCom) -> Iterator[RenderableType]:
    """Yield the acknowledged findings and what is to do about the acknowledgements, for task logs.

    :param audit: the audit.
    """
    if active := _active(audit):
        drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for header in _HEADERS:
            is_number = header.endswith(":")
            drawn.add_column(header.removesuffix(":"), justify="right" if is_number else "left", overflow="fold")
        for entry in active:
            drawn.add_row(*map(text_of, _cells(entry)))
        yield drawn
    yield from map(text_of, _notes(audit))


def acknowledged_markdown(audit: AuditXCom) -> Iterator[str]:
    """Yield the same as a section of Markdown.

    :param audit: the audit.
    """
    active, notes = _active(audit), [f"- {inert(note)}" for note in _notes(audit)]
    if active or notes:
        yield "## Acknowledged findings"
    if active:
        yield table(
            _HEADERS,
            (
                (verbatim(code), verbatim(repositories), count, inert(until), inert(reason))
                for code, repositories, count, until, reason in map(_cells, active)
            ),
        )
    if notes:
        yield "\n".join(notes)


def _active(audit: AuditXCom) -> list[AcknowledgementCounts]:
    return [entry for entry in audit.get("acknowledgements", []) if entry["finding_count"] and not entry["has_ended"]]


def _cells(entry: AcknowledgementCounts) -> tuple[str, str, str, str, str]:
    return entry["code"], entry["repositories"], f"{entry['finding_count']:,}", entry["until"], entry["reason"]


def _notes(audit: AuditXCom) -> Iterator[str]:
    for entry in audit.get("acknowledgements", []):
        name = f"{entry['code']} in {entry['repositories']}"
        if entry["has_ended"] and entry["finding_count"]:
            found = counted(entry["finding_count"], "repository has", "repositories have")
            yield (
                f"The acknowledgement of {name} ended on {entry['until']} ({entry['reason']}). {found} the finding, and it "
                "counts again: correct it, or set a later date."
            )
        elif entry["has_ended"]:
            yield f"The acknowledgement of {name} ended on {entry['until']} and matches nothing: remove it."
        elif not entry["finding_count"] and not entry["failed_repository_count"]:
            yield f"The acknowledgement of {name} matches no finding of this audit: correct or remove it."
    if left_out := audit.get("acknowledgements_left_out", 0):
        yield f"{counted(left_out, 'more acknowledgement', 'more acknowledgements')} had no room here"
