"""What an audit has written, as the page of the registry asks for it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.reports.columns import COLUMNS
from tests.plugins.conftest import Server
from tests.plugins.previews import summary
from tests.support.policies import keep

pytestmark = pytest.mark.xdist_group("web")

NAMES = [f"team/service-{number:02}" for number in range(60)]
SITE = {"registry_id": "123456789012", "region_name": "us-east-1"}


@pytest.fixture
def audited(server: Server, reports: Path, local_ecr: LocalEcr) -> Server:
    """Return the server after an audit of sixty repositories, of which its result names fifty."""
    for number, name in enumerate(NAMES):
        local_ecr.create_repository(name, policy=keep(1) if number else None)
        local_ecr.push_many(name, 2 + number % 3)
    ti = mock.Mock(spec=["xcom_push", "try_number", "map_index", "task", "get_task_states", "dag_id", "run_id"])
    ti.try_number, ti.map_index, ti.task.outlets = 1, -1, []
    run = mock.Mock(spec=["start_date"], start_date=datetime(2026, 1, 5, 6, tzinfo=UTC))
    task = EcrAuditLifecyclePoliciesOperator(
        task_id="audit",
        repository_names=NAMES,
        reports_path=f"file://{reports}",
        audit_id="weekly 2026-01-05",
        fail_on="none",
    )
    result = task.execute({"ti": ti, "dag_run": run})  # type: ignore[typeddict-item]
    assert result["summaries"] is None
    server.push(result)
    return server


def test_all_repositories_of_an_audit_are_listed_with_their_counts(audited: Server) -> None:
    table = audited.get(path=audited.path(what="repositories")).json()
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    assert sorted(row["repository_name"] for row in rows) == NAMES
    by_name = {row["repository_name"]: row for row in rows}
    assert by_name[NAMES[0]]["status"] == "without_policy"
    assert by_name[NAMES[0]]["expiring_image_count"] is None
    assert by_name[NAMES[5]]["expiring_image_count"] == 3
    assert {(row["registry_id"], row["region_name"]) for row in rows} == {tuple(SITE.values())}
    assert set(table["columns"]) - set(SITE) < {column.name for column in COLUMNS}


def test_each_repository_shows_its_images_also_where_the_result_does_not_name_it(audited: Server) -> None:
    totals = [audited.get(repository_name=name, **SITE).json().get("total") for name in NAMES[1:]]
    assert totals == [1 + number % 3 for number in range(1, len(NAMES))]


def test_a_table_elsewhere_is_not_opened(server: Server, reports: Path, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("repository_name\nsecret\n")
    server.push({"schema": "ecr-lifecycle-audit/1", "table_uris": [f"file://{tmp_path}/table.csv"]})
    answer = server.get(path=server.path(what="repositories"))
    assert answer.status_code == 409
    assert "secret" not in answer.text


def test_a_file_that_is_no_table_is_told_so(server: Server, reports: Path) -> None:
    (reports / "table.csv").write_text("name\nvalue\n")
    server.push({"schema": "ecr-lifecycle-audit/1", "table_uris": [f"file://{reports}/table.csv"]})
    answer = server.get(path=server.path(what="repositories"))
    assert (answer.status_code, "not a report" in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize("result", [summary(None), {"schema": "ecr-lifecycle-audit/1", "table_uris": []}, None])
def test_a_result_without_a_table_has_none(server: Server, reports: Path, result: Any) -> None:
    server.push(result)
    assert server.get(path=server.path(what="repositories")).status_code == 404
