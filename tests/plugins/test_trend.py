"""The trend of a task's audits, for those who may read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.core.audit.test_trend import point
from tests.plugins.conftest import Server

pytestmark = pytest.mark.xdist_group("web")


def push(server: Server, path: Path, *points: Any) -> None:
    path.write_text("".join(f"{json.dumps(made)}\n" for made in points))
    server.push({"schema": "ecr-lifecycle-audit/1", "trend_uri": path.as_uri()})


def test_the_points_are_those_of_the_file(server: Server, reports: Path) -> None:
    push(server, reports / "trend.jsonl", point("a", dag_id="payments"), point("b", 7, dag_id="payments"))
    answer = server.get(path=server.path(what="trend"))
    assert [made["audit_id"] for made in answer.json()["points"]] == ["a", "b"]


def test_the_trend_of_another_dag_is_for_those_who_may_read_that_dag(server: Server, reports: Path) -> None:
    push(server, reports / "trend.jsonl", point("a", dag_id="search"))
    statuses = {user: server.get(user, path=server.path(what="trend")).status_code for user in ("alice", None)}
    assert statuses == {"alice": 403, None: 401}


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (None, 404),
        ({"schema": "other"}, 404),
        ({"schema": "ecr-lifecycle-audit/1"}, 404),
        ({"schema": "ecr-lifecycle-audit/1", "trend_uri": 5}, 409),
        ({"schema": "ecr-lifecycle-audit/1", "trend_uri": "file:///etc/passwd"}, 409),
    ],
)
def test_a_result_without_a_trend_says_why(server: Server, reports: Path, result: Any, status: int) -> None:
    server.push(result)
    assert server.get(path=server.path(what="trend")).status_code == status


def test_a_file_that_is_no_trend_is_not_shown(server: Server, reports: Path) -> None:
    (reports / "trend.jsonl").write_text('{"secret": 1}\n')
    server.push({"schema": "ecr-lifecycle-audit/1", "trend_uri": (reports / "trend.jsonl").as_uri()})
    answer = server.get(path=server.path(what="trend"))
    assert answer.status_code == 409
    assert "secret" not in answer.text
