"""One audit among the markers of thousands of previews."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from playwright.sync_api import Page, expect
from sqlalchemy import delete, insert, select

from airflow_provider_ecr_preview.core.xcom.preview import AUDIT_MARKER_KEY, MARKER_KEY
from tests.core.audit.test_summary import audited
from tests.plugins.audits import push_audit
from tests.plugins.conftest import Server

COUNT = 10_000
FIRST = 10
"""The first map index; the tasks of the server have lower ones."""

INSTANCES, XCOMS = TaskInstance.__table__, XComModel.__table__


@pytest.fixture
def previews(server: Server) -> Iterator[None]:
    """Let ``payments`` have the markers of many previews, all newer than its audit."""
    server.mark(
        {"schema": "ecr-lifecycle-preview-marker/1", "kind": "summary", "counts": {}}, task_id="mapped", map_index=0
    )
    with create_session() as session:
        of_mapped = {"dag_id": "payments", "task_id": "mapped", "map_index": 0}
        instance = dict(session.execute(select(INSTANCES).filter_by(**of_mapped)).mappings().one())
        xcom = dict(session.execute(select(XCOMS).filter_by(**of_mapped, key=MARKER_KEY)).mappings().one())
        indexes = range(FIRST, FIRST + COUNT)
        new_id = (lambda: str(uuid.uuid4())) if isinstance(instance["id"], str) else uuid.uuid4
        session.execute(insert(INSTANCES), [{**instance, "id": new_id(), "map_index": index} for index in indexes])
        session.execute(insert(XCOMS), [{**xcom, "map_index": index} for index in indexes])
    yield
    with create_session() as session:
        session.execute(delete(XCOMS).where(XCOMS.c.map_index >= FIRST))
        session.execute(delete(INSTANCES).where(INSTANCES.c.map_index >= FIRST))


def test_an_audit_among_ten_thousand_previews_is_found(
    page: Page, server: Server, reports: Path, previews: None
) -> None:
    push_audit(server, reports, [audited("shared/needle", expiring=2)])
    xcom = f"/api/v2/dags/payments/dagRuns/{quote(server.run_id)}/taskInstances/preview/xcomEntries/{MARKER_KEY}"
    # As the task that audits pushes it, under a key that previews do not have.
    server.mark(server.get(path=xcom).json()["value"], key=AUDIT_MARKER_KEY)
    page.goto("/plugin/ecr-previews")
    expect(page.get_by_role("heading", name="Audit of")).to_be_visible()
    expect(page.get_by_text("shared/needle").first).to_be_visible()
