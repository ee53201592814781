"""Find the repositories that a merged audit no longer has, by its tables and those of the audit that it is compared with."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.audit.disappeared import with_disappeared
from airflow_provider_ecr_preview.core.audit.kind import MIXED, AuditKind
from airflow_provider_ecr_preview.core.xcom.audit import BaselineRef, ChangesXCom, RepositoryRef
from airflow_provider_ecr_preview.reports.dataset import csv_rows
from airflow_provider_ecr_preview.reports.layout import TABLES, partition, site_of
from airflow_provider_ecr_preview.reports.storage import files_under

log = logging.getLogger(__name__)


def named_disappeared(changes: ChangesXCom, kind: AuditKind, table_uris: Sequence[str]) -> ChangesXCom:
    """Return the changes of a whole audit with the repositories that disappeared; without, if a table cannot be read.

    :param changes: the changes of all its parts, merged.
    :param kind: its policies and repositories.
    :param table_uris: the tables of all its parts.
    """
    tables = [uri for uri in table_uris if uri.endswith(".csv")]
    if not tables or kind.policies == MIXED:
        return changes
    try:
        now = {(*site_of(uri), row["repository_name"]) for uri in tables for row in csv_rows(ObjectStoragePath(uri))}
        roots = [*dict.fromkeys(uri.rpartition(f"/{TABLES}/csv/")[0] for uri in tables)]
        before = [
            ref for root in roots for baseline in changes["baselines"] for ref in _repositories_of(root, baseline, kind)
        ]
    except Exception:  # storage fails in many ways, and the audit is done
        log.warning("It is not known which repositories disappeared: a table cannot be read.", exc_info=True)
        return changes
    return with_disappeared(changes, before, now)


def _repositories_of(root: str, baseline: BaselineRef, kind: AuditKind) -> Iterator[RepositoryRef]:
    """Yield the repositories of an earlier audit in one registry and Region."""
    if baseline["audit_id"] is None or baseline["audited_at"] is None:
        return
    registry_id, region_name = baseline["registry_id"], baseline["region_name"]
    audited_at = datetime.fromisoformat(baseline["audited_at"])
    day = partition(registry_id, region_name, audited_at.astimezone(UTC).date())
    for file in files_under(ObjectStoragePath(root) / TABLES / "csv" / day):
        if file.suffix != ".csv":
            continue
        for row in csv_rows(file):
            is_of_it = row["audit_id"] == baseline["audit_id"] and kind.is_of_row(row)
            if is_of_it and datetime.fromisoformat(row["audited_at"]) == audited_at:
                yield RepositoryRef(
                    registry_id=registry_id, region_name=region_name, repository_name=row["repository_name"]
                )
