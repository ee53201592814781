"""A what-if leaves no trace in the history of what is applied."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow_provider_ecr_preview.core.audit.changes import Alarms
from airflow_provider_ecr_preview.core.audit.kind import AuditKind
from airflow_provider_ecr_preview.core.xcom.audit import ChangesXCom
from airflow_provider_ecr_preview.reports.audit import AuditReports
from tests.core.audit.test_summary import audited

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
WEEKLY = AuditKind(selection="*")
CANDIDATE = AuditKind("candidate", "f" * 64, None, "*")


def run(folder: Path, week: float, kind: AuditKind, *names: str) -> ChangesXCom:
    outcomes = [audited(name) for name in names]
    reports = AuditReports(
        f"file://{folder}",
        audit_id=f"audit {week}",
        audit_name="registry",
        audited_at=BEGAN + timedelta(weeks=week),
        kind=kind,
    )
    reports.write_tables(outcomes)
    sites = {(outcome.registry_id, outcome.region_name) for outcome in outcomes}
    return reports.compare(lambda: outcomes, sites, Alarms(None, None), whole=True)


def baselines(changes: ChangesXCom) -> list[str | None]:
    return [baseline["audit_id"] for baseline in changes["baselines"]]


def test_the_weekly_audit_is_compared_with_the_last_weekly_audit_and_not_with_a_what_if_or_a_part(
    tmp_path: Path,
) -> None:
    run(tmp_path, 1, WEEKLY, "a", "b", "c")
    assert baselines(run(tmp_path, 1.3, CANDIDATE, "a")) == [None]
    assert baselines(run(tmp_path, 1.6, AuditKind(selection="a*"), "a")) == [None]
    changes = run(tmp_path, 2, WEEKLY, "a", "b", "c")
    assert baselines(changes) == ["audit 1"]
    assert (changes["appeared_count"], changes["disappeared_count"]) == (0, 0)
    assert baselines(run(tmp_path, 2.3, CANDIDATE, "a")) == ["audit 1.3"]
