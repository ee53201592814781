"""One audit among the markers of thousands of previews."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from airflow_provider_ecr_preview.core.xcom.preview import AUDIT_MARKER_KEY, MARKER_KEY
from tests.core.audit.test_summary import audited
from tests.plugins import xcom_rows
from tests.plugins.audits import push_audit
from tests.plugins.conftest import Server

COUNT = 10_000
FIRST = 10
"""The first map index; the tasks of the server have lower ones."""


@pytest.fixture
def previews(server: Server) -> Iterator[None]:
    """Let ``payments`` have the markers of many previews, all newer than its audit."""
    server.mark(
        {"schema": "ecr-lifecycle-preview-marker/1", "kind": "summary", "counts": {}}, task_id="mapped", map_index=0
    )
    its = {"dag_id": "payments", "run_id": server.run_id, "task_id": "mapped", "map_index": 0}
    xcom_rows.copy(MARKER_KEY, range(FIRST, FIRST + COUNT), **its)
    yield
    xcom_rows.remove_copies(FIRST)


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
