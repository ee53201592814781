"""The list that the result of a clean-up, a reconciliation or another task points to, as the front end reads it."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.reports.lists import line_list
from tests.plugins.conftest import Server

pytestmark = pytest.mark.xdist_group("web")

FROZEN = Path(__file__).parents[1] / "frozen" / "0.1.0"


def line(number: int, **others: Any) -> dict[str, Any]:
    return {
        "registry_id": "123456789012",
        "region_name": "us-east-1",
        "repository_name": "team/api",
        "image_digest": f"sha256:{number:064x}",
        "image_tags": [f"build-{number}", 'say "hi"'] if number % 2 else [],
        "status": "deleted" if number % 5 else "spared",
        "reason": None if number % 5 else "in_use",
        "message": "=1+1",
        "image_size_in_bytes": number,
        "secret": "is no column",
        **others,
    }


def cleanup(uri: Any) -> dict[str, Any]:
    return {"schema": "ecr-image-cleanup/1", "results_uri": uri}


@pytest.fixture
def cleaned_up(server: Server, reports: Path) -> Server:
    """Return the server after the task of ``payments`` has written what became of 250 images."""
    uri = f"file://{reports}/results.jsonl.gz"
    with line_list(uri, dag_id="payments") as lines:
        for number in range(250):
            lines.write(line(number))
    server.push(cleanup(uri))
    return server


def rows(server: Server, user: str = "alice", **params: Any) -> Any:
    return server.get(user, server.path(what="rows"), **params)


def test_a_page_has_the_lines_in_their_order_and_how_many_there_are_of_each_kind(cleaned_up: Server) -> None:
    page = rows(cleaned_up, limit=2, offset=5).json()
    assert [row["image_digest"][-3:] for row in page["rows"]] == ["005", "006"]
    assert "secret" not in page["rows"][0]
    assert (page["total"], page["matching"], page["filter"]) == (250, 250, "status")
    assert page["values"] == {"deleted": 200, "spared": 50}


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"value": "spared"}, 50),
        ({"value": "spared", "search": "BUILD-5"}, 2),
        ({"search": "image_digest"}, 0),
        ({"search": "build-24"}, 5),
        ({"search": 'say "HI"'}, 125),
        ({"search": "\\"}, 0),
        ({"search": "' OR 1=1 --"}, 0),
        ({"search": "", "value": ""}, 250),
        ({"value": "nothing of this kind"}, 0),
    ],
)
def test_only_the_wanted_lines_are_counted_and_listed(cleaned_up: Server, asked: dict[str, str], count: int) -> None:
    page = rows(cleaned_up, limit=500, **asked).json()
    assert (page["matching"], len(page["rows"]), page["total"]) == (count, count, 250)


def test_the_csv_has_every_wanted_line_and_says_which_run_it_is_of(cleaned_up: Server) -> None:
    answer = cleaned_up.get("alice", cleaned_up.path(what="rows.csv"), value="spared")
    assert 'filename="payments_preview_' in answer.headers["content-disposition"]
    lines = list(csv.DictReader(StringIO(answer.text)))
    assert len(lines) == 50
    assert lines[1]["dag_id"] == "payments"
    assert lines[1]["run_id"] == cleaned_up.run_id
    assert lines[1]["image_tags"] == 'build-5 say "hi"'
    assert lines[1]["message"] == "'=1+1"


def test_the_lists_of_the_first_release_are_shown(server: Server, reports: Path) -> None:
    shutil.copy(FROZEN / "files" / "results.jsonl.gz", reports)
    server.push(cleanup(f"file://{reports}/results.jsonl.gz"))
    page = rows(server).json()
    assert page["total"] == sum(page["values"].values()) > 0
    assert {"repository_name", "image_digest", "status"} <= page["rows"][0].keys()


@pytest.mark.parametrize(
    ("result", "written", "filtered"),
    [
        ("ecr-lifecycle-reconciliation/1 results_uri", {"category": "previewed_but_kept"}, "category"),
        ("ecr-cleanup-readiness/1 results_uri", {"verdict": "blocked", "repository_name": None}, "verdict"),
        ("ecr-images-in-use/1 in_use_uri", {"used_by": [["ECS task", "arn"]]}, None),
        ("ecr-lifecycle-approval/1 repositories_uri", {"previewed_at": "2026-01-01T00:00:00+00:00"}, None),
    ],
)
def test_every_result_with_a_list_is_read(
    server: Server, reports: Path, result: str, written: dict[str, Any], filtered: str | None
) -> None:
    schema, field = result.split()
    uri = f"file://{reports}/list.jsonl.gz"
    with line_list(uri) as lines:
        lines.write({"repository_name": "team/api", **written})
    server.push({"schema": schema, field: uri})
    page = rows(server).json()
    assert (page["total"], page["filter"]) == (1, filtered)
    name, value = next(iter(written.items()))
    assert page["rows"][0][name] == value


@pytest.mark.parametrize(
    ("result", "status", "text"),
    [
        ({"schema": "ecr-image-cleanup/1", "results_uri": None}, 404, "Give the task results_path"),
        ({"schema": "ecr-image-cleanup/1"}, 404, "Give the task results_path"),
        ({"schema": "ecr-image-cleanup/1", "results_uri": 7}, 409, "results_uri is not what this package writes"),
        ({"schema": "ecr-lifecycle-audit/1"}, 404, "no list of its own"),
        ({"schema": ["ecr-image-cleanup/1"]}, 404, "no list of its own"),
        ("text", 404, "no list of its own"),
        (cleanup("file:///etc/passwd"), 409, "outside [ecr_preview] reports_path"),
        (cleanup("s3://bucket/x"), 409, "outside [ecr_preview] reports_path"),
    ],
)
def test_a_result_without_a_list_says_what_to_do(
    server: Server, reports: Path, result: Any, status: int, text: str
) -> None:
    del reports
    server.push(result)
    answer = rows(server)
    assert answer.status_code == status
    assert text in answer.json()["detail"]


@pytest.mark.parametrize("text", ["[]\n", '{"status": "deleted"}\n', '{"repository_name": 7}\n'])
def test_a_file_of_something_else_is_refused(server: Server, reports: Path, text: str) -> None:
    (reports / "x.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    server.push(cleanup(f"file://{reports}/x.jsonl.gz"))
    assert rows(server).status_code == 409


def test_a_list_that_another_dag_wrote_is_shown_to_those_alone_who_may_read_that_dag(
    server: Server, reports: Path
) -> None:
    uri = f"file://{reports}/search.jsonl.gz"
    with line_list(uri, dag_id="search") as lines:
        lines.write(line(1))
    server.push(cleanup(uri))
    assert rows(server, "alice").status_code == 403
    assert rows(server, "carol").json()["total"] == 1


@pytest.mark.nightly
def test_a_list_of_one_hundred_thousand_lines_is_read_a_page_at_a_time(server: Server, reports: Path) -> None:
    text = "".join(json.dumps(line(number)) + "\n" for number in range(100_000))
    (reports / "large.jsonl.gz").write_bytes(gzip.compress(text.encode(), 1))
    server.push(cleanup(f"file://{reports}/large.jsonl.gz"))
    page = rows(server, offset=99_990, value="deleted").json()
    assert (page["total"], page["matching"], page["rows"]) == (100_000, 80_000, [])
