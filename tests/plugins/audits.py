"""Audits as tasks push and write them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from airflow_provider_ecr_preview.core.audit.marker import marker
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.reports.audit import AuditReports
from tests.plugins.conftest import Server
from tests.support.builders import NOW


def push_audit(
    server: Server, reports: Path, outcomes: Iterable[RepositoryOutcome], *, audit_id: str = "weekly", **task: Any
) -> None:
    """Put an audit, its marker and its table where a task would.

    :param task: which task, as for :meth:`Server.push`.
    """
    outcomes = list(outcomes)
    audit = Audit(audit_id, NOW)
    audit.update(outcomes)
    written = AuditReports(f"file://{reports}", audit_id=f"{audit_id} {task}", audited_at=NOW)
    value = audit_xcom(audit, table_uris=written.write_tables(outcomes), report_uri=written.markdown_uri)
    server.push(value, **task)
    server.mark(marker(value), **task)
