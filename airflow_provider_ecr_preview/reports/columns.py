"""The table of an audit: one row for each repository, in columns of plain values."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, Literal, NamedTuple

from airflow_provider_ecr_preview.core.audit.kind import AuditKind
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.totals import exact_bytes, expiring_bytes, summary_of
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom


class Column(NamedTuple):
    """A column of the table."""

    name: str
    type: Literal["text", "integer", "number", "time"]


COLUMNS = (
    Column("audit_id", "text"),
    Column("audit_name", "text"),
    Column("audited_at", "time"),
    Column("repository_name", "text"),
    Column("status", "text"),
    Column("error", "text"),
    Column("message", "text"),
    Column("preview_call_count", "integer"),
    Column("previewed_at", "time"),
    Column("policy_fingerprint", "text"),
    Column("images_fingerprint", "text"),
    Column("expiring_image_count", "integer"),
    Column("archiving_image_count", "integer"),
    Column("tagged_image_count", "integer"),
    Column("untagged_image_count", "integer"),
    Column("total_image_count", "integer"),
    Column("expiring_bytes_upper_bound", "integer"),
    Column("oldest_pushed_at", "time"),
    Column("newest_pushed_at", "time"),
    Column("critical_finding_count", "integer"),
    Column("warning_finding_count", "integer"),
    Column("info_finding_count", "integer"),
    Column("finding_codes", "text"),
    Column("images_uri", "text"),
    Column("dag_id", "text"),
    Column("policies", "text"),
    Column("selection", "text"),
    Column("owner", "text"),
    Column("stored_image_count", "integer"),
    Column("unknown_size_image_count", "integer"),
    Column("stored_bytes_upper_bound", "integer"),
    Column("archived_bytes_upper_bound", "integer"),
    Column("monthly_cost_usd", "number"),
    Column("leaving_bytes_upper_bound", "integer"),
    Column("leaving_monthly_cost_usd", "number"),
    Column("saved_bytes_upper_bound", "integer"),
    Column("saved_monthly_cost_usd", "number"),
    Column("never_pulled_image_count", "integer"),
    Column("never_pulled_bytes_upper_bound", "integer"),
    Column("never_pulled_monthly_cost_usd", "number"),
    Column("acknowledged_finding_count", "integer"),
    Column("acknowledged_finding_codes", "text"),
    Column("owner_tag", "text"),
    Column("expiring_bytes_exact", "integer"),
    Column("shared_bytes", "integer"),
)
"""Registry, Region and day are not columns, but parts of the path, from which readers of the table make columns."""


Row = dict[str, Any]


def audit_row(
    outcome: RepositoryOutcome,
    *,
    audit_id: str,
    audit_name: str,
    audited_at: datetime,
    dag_id: str | None = None,
    kind: AuditKind | None = None,
    owner_tag: str | None = None,
) -> Row:
    """Return the row of one repository. Unknown values are None, never zero.

    :param outcome: the outcome of the repository.
    :param audit_id: the identifier of the audit.
    :param audit_name: the name shared by a series of audits.
    :param audited_at: when the audit started.
    :param dag_id: the DAG that audits.
    :param kind: the policies and repositories previewed.
    :param owner_tag: the tag that names owners; its column is empty where the tags of the repository were not read.
    """
    kind = kind or AuditKind()
    row: Row = dict.fromkeys(column.name for column in COLUMNS)
    row |= {
        "audit_id": audit_id,
        "audit_name": audit_name,
        "audited_at": audited_at,
        "repository_name": outcome.repository_name,
        "status": outcome.status,
        "error": outcome.error,
        # A row is one line, even for readers that do not support line breaks within quotes.
        "message": None if outcome.message is None else " ".join(outcome.message.split()),
        "preview_call_count": outcome.preview_calls,
        "dag_id": dag_id,
        "policies": kind.series,
        "selection": kind.selection,
        "owner": outcome.owner,
        "owner_tag": None if outcome.owner is None else owner_tag,
    }
    if outcome.storage is not None:
        row |= {name: value for name, value in outcome.storage.items() if name in row}
    if outcome.status == "previewed":
        row |= _summarized(summary_of(outcome))
    if outcome.status == "previewed" or outcome.findings:
        row |= _found(outcome)
    return row


def _found(outcome: RepositoryOutcome) -> Row:
    findings = outcome.open_findings
    severities = Counter(finding["severity"] for finding in findings)
    return {
        "critical_finding_count": severities["critical"],
        "warning_finding_count": severities["warning"],
        "info_finding_count": severities["info"],
        "finding_codes": " ".join(sorted({finding["code"] for finding in findings})) or None,
        "acknowledged_finding_count": len(outcome.all_findings) - len(findings),
        "acknowledged_finding_codes": " ".join(outcome.acknowledged_codes) or None,
    }


def _summarized(summary: PreviewSummaryXCom) -> Row:
    return {
        "previewed_at": _time(summary["previewed_at"]),
        "policy_fingerprint": summary["policy_fingerprint"],
        "images_fingerprint": summary["images_fingerprint"],
        "expiring_image_count": summary["expiring_image_count"],
        "archiving_image_count": summary["archiving_image_count"],
        "tagged_image_count": summary["tagged_image_count"],
        "untagged_image_count": summary["untagged_image_count"],
        "total_image_count": summary["total_image_count"],
        "expiring_bytes_upper_bound": expiring_bytes(summary),
        "oldest_pushed_at": _time(summary["oldest_pushed_at"]),
        "newest_pushed_at": _time(summary["newest_pushed_at"]),
        "images_uri": summary["images_uri"],
        "expiring_bytes_exact": exact_bytes(summary),
        "shared_bytes": summary.get("shared_bytes"),
    }


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
