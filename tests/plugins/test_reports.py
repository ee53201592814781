"""The readable report of an audit opens in the browser, as text that no browser runs, for those who may read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.xcom.approval import APPROVAL_SCHEMA
from airflow_provider_ecr_preview.core.xcom.audit import AUDIT_SCHEMA, AuditXCom
from airflow_provider_ecr_preview.reports.approvals import keep_question
from airflow_provider_ecr_preview.reports.audit import AuditReports
from tests.plugins.conftest import Server
from tests.support.builders import NOW

pytestmark = pytest.mark.xdist_group("web")

MARKUP = "<script>alert(1)</script>"


def audit(report_uri: str | None) -> AuditXCom:
    return audit_xcom(Audit(f"weekly {MARKUP}", NOW), report_uri=report_uri)


def written(reports: Path, dag_id: str | None = "payments") -> str:
    of = AuditReports(f"file://{reports}", audit_id=f"weekly {MARKUP}", audited_at=NOW, dag_id=dag_id)
    of.write_markdown(audit(None))
    return of.markdown_uri


def test_the_report_opens_as_text_that_no_browser_runs(server: Server, reports: Path) -> None:
    server.push(audit(written(reports)))
    answer = server.get(path=server.path(what="report"))
    assert answer.status_code == 200
    assert answer.text.startswith("# ECR lifecycle audit ")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("other.md", "# Another file", 409),
        ("nameless.md", "# ECR lifecycle audit of somebody", 409),
        ("binary.md", b"\xff\xfe\x00", 409),
        ("others.md", "# ECR lifecycle audit x\n<!-- dag_id=search -->\n", 403),
        ("forged.md", "# ECR lifecycle audit x\n<!-- dag_id=payments -->\nmore\n<!-- dag_id=search -->\n", 403),
    ],
)
def test_no_other_file_and_no_report_of_a_dag_that_may_not_be_read_is_shown(
    server: Server, reports: Path, name: str, content: str | bytes, status: int
) -> None:
    (reports / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    server.push(audit(f"file://{reports}/{name}"))
    assert server.get("alice", server.path(what="report")).status_code == status


@pytest.mark.parametrize(
    "uri", ["file:///etc/passwd", "{reports}/../outside.md", "{reports}/link.md", "{reports}//x.md"]
)
def test_nothing_outside_the_folder_of_reports_is_opened(server: Server, reports: Path, uri: str) -> None:
    outside = reports.parent / "outside.md"
    outside.write_text("# ECR lifecycle audit x\n<!-- dag_id=payments -->\n")
    (reports / "link.md").unlink(missing_ok=True)
    (reports / "link.md").symlink_to(outside)
    server.push(audit(uri.replace("{reports}", f"file://{reports}")))
    assert server.get("alice", server.path(what="report")).status_code == 409


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ({"schema": "ecr-lifecycle-preview-summary/1"}, 404),
        ({"schema": AUDIT_SCHEMA, "report_uri": None}, 404),
        ({"schema": AUDIT_SCHEMA, "report_uri": 7}, 409),
        (["no", "result"], 404),
    ],
)
def test_a_result_without_a_report_says_so(server: Server, reports: Path, result: Any, status: int) -> None:
    server.push(result)
    assert server.get("alice", server.path(what="report")).status_code == status


@pytest.mark.parametrize("key", ["return_value", "ecr_lifecycle_approval"])
def test_the_question_of_an_approval_opens_before_and_after_its_answer(server: Server, reports: Path, key: str) -> None:
    uri = f"file://{reports}/run.md"
    keep_question(uri, "FOR GOOD: delete 2 images?", f"Look. {MARKUP}", "payments")
    server.push(None)
    server.mark({"schema": APPROVAL_SCHEMA, "question_uri": uri}, key=key)
    answer = server.get("alice", server.path(what="report"))
    assert answer.status_code == 200
    assert answer.text.startswith("# FOR GOOD: delete 2 images?")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert server.get("bob", server.path(what="report")).status_code == 403
    server.mark(None, key="ecr_lifecycle_approval")


def test_a_question_without_a_file_says_so(server: Server, reports: Path) -> None:
    server.push({"schema": APPROVAL_SCHEMA, "question_uri": None})
    answer = server.get("alice", server.path(what="report"))
    assert (answer.status_code, "question_path" in answer.json()["detail"]) == (404, True)
