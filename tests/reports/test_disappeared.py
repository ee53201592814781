"""A merged audit names the repositories that the audit before it had and it lacks, whichever part would have had them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from airflow_provider_ecr_preview.core.audit.changes import Alarms
from airflow_provider_ecr_preview.core.audit.kind import AuditKind
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.exceptions import AuditIncompleteError
from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom, ChangesXCom
from airflow_provider_ecr_preview.operators.ecr_audit import EcrMergeLifecycleAuditsOperator
from airflow_provider_ecr_preview.reports.audit import AuditReports
from tests.support.builders import NOW, REGION, REGISTRY_ID, preview_xcom
from tests.support.contexts import audit_context

WEEK = timedelta(days=7)


def outcome(name: str) -> RepositoryOutcome:
    if name.endswith("!"):
        return RepositoryOutcome(name[:-1], None, None, "failed", error="ThrottledError", message="slow")
    return RepositoryOutcome(name, REGISTRY_ID, REGION, "previewed", preview_xcom(name))


def parts(folder: Path, at: datetime, *names: list[str], kind: AuditKind | None = None) -> list[AuditXCom]:
    audits = []
    for index, of_part in enumerate(names):
        reports = AuditReports(
            folder.as_uri(),
            audit_id=f"weekly {at:%m-%d}",
            audited_at=at,
            part=str(index),
            audit_name="weekly",
            kind=kind,
        )
        audit = Audit(reports.audit_id, at, kind or AuditKind())
        outcomes = [outcome(name) for name in of_part]
        audit.update(outcomes)
        uris = reports.write_tables(outcomes)
        changes = reports.compare(lambda of=outcomes: of, audit.registries, Alarms(), whole=False)  # type: ignore[misc]
        audits.append(audit_xcom(audit, changes=changes, table_uris=uris))
    return audits


def merged(audits: list[AuditXCom | None]) -> ChangesXCom:
    task = EcrMergeLifecycleAuditsOperator(task_id="merge", audits=audits, fail_on="none", on_missing="warn")
    changes = task.execute(audit_context())["changes"]
    assert changes is not None
    return changes


def names(changes: ChangesXCom) -> list[str]:
    return [repository["repository_name"] for repository in changes["disappeared"]]


def test_what_disappeared_is_named_also_where_it_moved_to_another_part(tmp_path: Path) -> None:
    parts(tmp_path, NOW - WEEK, ["a", "gone/1"], ["b", "gone/2", "moved"])
    changes = merged([*parts(tmp_path, NOW, ["a", "moved", "new"], ["b"])])
    assert (names(changes), changes["disappeared_count"], changes["appeared_count"]) == (["gone/1", "gone/2"], 2, 1)


def test_a_repository_that_failed_before_its_registry_was_known_has_not_disappeared(tmp_path: Path) -> None:
    parts(tmp_path, NOW - WEEK, ["a"], ["flaky", "gone"])
    assert names(merged([*parts(tmp_path, NOW, ["a"], ["flaky!"])])) == ["gone"]


def test_a_what_if_is_compared_with_its_own_kind_alone(tmp_path: Path) -> None:
    parts(tmp_path, NOW - WEEK, ["a"], ["b"])
    what_if = AuditKind("candidate", "f" * 64)
    parts(tmp_path, NOW - WEEK / 2, ["a"], ["other"], kind=what_if)
    assert merged([*parts(tmp_path, NOW, ["a"], ["b"])])["disappeared_count"] == 0


def test_with_a_missing_part_it_is_not_known_what_disappeared(tmp_path: Path) -> None:
    parts(tmp_path, NOW - WEEK, ["a"], ["b"])
    now = parts(tmp_path, NOW, ["a"])
    assert merged([*now, None])["disappeared_count"] is None
    with pytest.raises(AuditIncompleteError):
        EcrMergeLifecycleAuditsOperator(task_id="merge", audits=[*now, None]).execute(audit_context())


def test_it_is_not_known_what_disappeared_where_a_table_is_damaged_or_parts_are_of_other_policies(
    tmp_path: Path,
) -> None:
    parts(tmp_path, NOW - WEEK, ["a"], ["b"])
    now = parts(tmp_path, NOW, ["a"], ["b"])
    mixed = [now[0], *parts(tmp_path, NOW, [], ["c"], kind=AuditKind("candidate", "f" * 64))[1:]]
    assert merged([*mixed])["disappeared_count"] is None
    for table in (tmp_path / "repositories" / "csv").rglob(f"*audit_date={NOW - WEEK:%Y-%m-%d}/*.csv"):
        table.write_bytes(b"\xff\xfe")
    assert merged([*now])["disappeared_count"] is None
