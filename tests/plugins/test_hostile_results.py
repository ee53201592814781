"""Whatever a task has pushed and written, a page answers in a sentence: nothing makes the API server fail, or read for ever."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_ecr_preview.plugins.web import opening
from airflow_provider_ecr_preview.plugins.web.image_lists import (
    DamagedResultError,
    NoListError,
    Repository,
    images_uri_of,
    table_uris_of,
)
from airflow_provider_ecr_preview.reports.columns import audit_row
from airflow_provider_ecr_preview.reports.dataset import CsvFile
from airflow_provider_ecr_preview.reports.lists import image_list
from tests.core.audit.test_summary import NOW, audited
from tests.plugins.conftest import Server
from tests.plugins.previews import images, kept, summary

pytestmark = pytest.mark.xdist_group("web")

AUDIT = "ecr-lifecycle-audit/1"
ROUTES = ("images", "images/timeline", "images/rules", "images/forecast", "images.csv", "repositories")
EVERY_ROUTE = (*ROUTES, "rows", "rows.csv")
WHOLE = {"repository_name": "team/a", "registry_id": "123456789012", "region_name": "us-east-1"}

TEXTS = st.text(max_size=8) | st.sampled_from(
    [
        "",
        "x" * 5000,
        "\ud800",
        "../..",
        "file:///etc/passwd",
        "s3://a/b",
        "2026-01-01T00:00:00",
        "9999-12-31T23:59:59Z",
        AUDIT,
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ENTRIES = st.lists(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("images_uri", *WHOLE), ANYTHING)) | ANYTHING, max_size=2
)
RESULTS = (
    st.fixed_dictionaries(
        {"schema": st.sampled_from([AUDIT, "ecr-lifecycle-preview-summary/1"]) | ANYTHING},
        optional={
            "images_uri": ANYTHING,
            "summaries": ENTRIES | ANYTHING,
            "top": ENTRIES | ANYTHING,
            "table_uris": st.lists(TEXTS.map(lambda text: f"{text}.csv") | ANYTHING, max_size=3) | ANYTHING,
            "report_uri": ANYTHING,
            "audit_id": ANYTHING,
            "audited_at": ANYTHING,
        },
    )
    | ANYTHING
)


@settings(deadline=None, max_examples=400)
@given(RESULTS, st.builds(Repository, *[st.none() | TEXTS] * 3))
def test_a_result_of_any_shape_names_a_file_or_none(result: Any, repository: Repository) -> None:
    with suppress(NoListError, DamagedResultError):
        assert isinstance(images_uri_of(result, repository), str)
    with suppress(NoListError, DamagedResultError):
        assert all(isinstance(uri, str) for uri in table_uris_of(result))


def check_every_route(server: Server, result: Any) -> None:
    if "\\ud" in json.dumps(result):  # of which Airflow itself cannot make an answer
        return
    server.push(result)
    for what in EVERY_ROUTE:
        for params in ({}, WHOLE):
            answer = server.get(path=server.path(what=what), **params)
            assert answer.status_code in {200, 404, 409, 410}, (what, result, answer.text)
            assert answer.status_code == 200 or answer.json()["detail"].endswith("."), answer.text


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RESULTS)
def test_a_result_of_any_shape_is_answered(server: Server, reports: Path, result: Any) -> None:
    check_every_route(server, result)


@pytest.mark.nightly
@settings(deadline=None, max_examples=1500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RESULTS)
def test_a_result_of_any_shape_is_answered_at_length(server: Server, reports: Path, result: Any) -> None:
    check_every_route(server, result)


def damaged(value: Any) -> Iterator[Any]:
    """Yield the value with something of a wrong type in the place of each of its parts."""
    yield from (None, 7, "text", [], {}, [7], {"a": 7}, True, 1e300)
    if isinstance(value, dict):
        for key, part in value.items():
            for worse in damaged(part):
                yield {**value, key: worse}
    elif isinstance(value, list) and value:
        for worse in damaged(value[0]):
            yield [worse, *value[1:]]


def test_a_result_with_a_wrong_type_in_any_place_is_answered(server: Server, reports: Path) -> None:
    uri = f"file://{reports}/list.jsonl.gz"
    with image_list(uri) as written:
        written.write(next(images(1)))
    whole = {
        "schema": AUDIT,
        "audit_id": "a",
        "audited_at": "2026-01-05T06:00:00+00:00",
        "report_uri": f"file://{reports}/audits/a/b.md",
        "summaries": [summary(uri, "team/a")],
        "top": [summary(uri, "team/a")],
        "table_uris": [f"file://{reports}/table.csv"],
    }
    found = set()
    for value in {
        json.dumps(value): value for whole_value in (summary(uri), whole) for value in damaged(whole_value)
    }.values():
        for call in (lambda value: images_uri_of(value, Repository(**WHOLE)), table_uris_of):
            try:
                call(value)
                found.add("file")
            except (NoListError, DamagedResultError) as error:
                found.add(type(error).__name__)
    assert found == {"file", "NoListError", "DamagedResultError"}


def pack(line: bytes, mebibytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = line * (2**20 // len(line))
    return b"".join([*(packer.compress(block) for _ in range(mebibytes)), packer.flush()])


IMAGE = next(images(1)).as_dict()


HARMFUL = [
    (pack(json.dumps({**IMAGE, "artifact_media_type": "x" * 10_000}).encode() + b"\n", 40), 413),
    (pack(b"\n", 40), 409),
    (pack(b"[", 40), 413),
    (gzip.compress(b'{"a":' * 150_000), 409),
    (gzip.compress(b"{" + b",".join(b'"%d":0' % number for number in range(100_000)) + b"}\n"), 409),
    (gzip.compress(b'{"image_size_in_bytes":' + b"9" * 10_000 + b"}\n"), 409),
    (gzip.compress(json.dumps({**IMAGE, "image_digest": "\ud800"}).encode()), 409),
    (gzip.compress(json.dumps(IMAGE).encode().replace(b"TRANSITION", b"\xff\xfe")), 409),
    *(
        (gzip.compress(json.dumps({**IMAGE, **wrong}).encode()), 409)
        for wrong in (
            {"image_size_in_bytes": float("nan")},
            {"image_size_in_bytes": float("inf")},
            {"image_size_in_bytes": 1.5},
            {"image_size_in_bytes": -1},
            {"image_size_in_bytes": 2**60},
            {"image_size_in_bytes": True},
            {"applied_rule_priority": "1"},
            {"image_tags": "latest"},
            {"image_tags": [1]},
            {"image_tags": None},
            {"image_digest": None},
            {"image_digest": ["x"]},
            {"action": "DELETE"},
            {"action": {}},
            {"storage_class": 1e400},
            {"shielded_from": ["x"]},
            {"shielded_from": 7},
            {"next_action_at": 7},
            {"next_action": "EXPIRE", "next_action_at": "soon"},
            {"image_pushed_at": "9999-12-31T23:59:59+00:00"},
            {"image_pushed_at": "0001-01-01T00:00:00+23:59"},
            {"image_pushed_at": 7},
            {"last_recorded_pull_time": {}},
        )
    ),
]


@pytest.mark.parametrize(("content", "status"), HARMFUL, ids=[str(number) for number in range(len(HARMFUL))])
def test_a_list_that_means_harm_is_refused(server: Server, reports: Path, content: bytes, status: int) -> None:
    (reports / "list.jsonl.gz").write_bytes(content)
    server.push(summary(f"file://{reports}/list.jsonl.gz"))
    for what in ("images", "images/timeline", "images.csv"):
        answer = server.get(path=server.path(what=what))
        assert answer.status_code == status, answer.text
        assert answer.json()["detail"].endswith(".")


@pytest.mark.parametrize(
    "content",
    [b"x" * 2 * 2**20, b"\xff\xfe", b"\0" * 100, b'"' + b"a\n" * 100_000, b"a,b\n1\n", b""],
    ids=["long line", "no UTF-8", "zeros", "open quote", "other columns", "empty"],
)
def test_a_table_that_means_harm_is_refused(server: Server, reports: Path, content: bytes) -> None:
    (reports / "table.csv").write_bytes(content)
    server.push({"schema": AUDIT, "table_uris": [f"file://{reports}/table.csv"]})
    answer = server.get(path=server.path(what="repositories"))
    assert answer.status_code in (409, 413), answer.text


def write_table(path: Path, dag_id: str | None, count: int = 3) -> str:
    with closing(CsvFile()) as table:
        for number in range(count):
            row = audit_row(audited(f"team/{number}"), audit_id="a", audit_name="a", audited_at=NOW, dag_id=dag_id)
            table.write(row)
        path.write_bytes(table.finish().read())
    return f"file://{path}"


def test_a_table_that_is_named_often_is_read_once_and_too_many_are_refused(server: Server, reports: Path) -> None:
    uri = write_table(reports / "table.csv", "payments")
    server.push({"schema": AUDIT, "table_uris": [uri] * 900})
    assert len(server.get(path=server.path(what="repositories")).json()["rows"]) == 3
    server.push({"schema": AUDIT, "table_uris": [uri] * 10_000})
    assert server.get(path=server.path(what="repositories")).status_code == 409


def test_a_result_larger_than_any_of_this_package_is_not_looked_at(server: Server, reports: Path) -> None:
    server.push(summary("x" * 2 * 2**20))
    assert server.get().status_code == 413


def test_a_list_is_shown_to_those_who_may_read_the_dag_that_wrote_it(server: Server, reports: Path) -> None:
    def write(name: str, dag_id: str | None) -> str:
        uri = f"file://{reports}/{name}.jsonl.gz"
        with image_list(uri, with_kept=True, dag_id=dag_id) as lines:
            lines.write(next(images(1)))
            assert lines.write_kept
            lines.write_kept(kept(2))
        return uri

    for dag_id, statuses in (
        ("payments", (200, 200)),
        ("search", (403, 200)),
        ("gone", (403, 403)),
        (None, (200, 200)),
    ):
        server.push(summary(write(str(dag_id), dag_id)))
        # Alice may read payments alone, Carol search too.
        assert tuple(server.get(user).status_code for user in ("alice", "carol")) == statuses, dag_id
        for what in ROUTES[:-1]:
            assert server.get("alice", server.path(what=what)).status_code == statuses[0]


def test_a_table_is_shown_to_those_who_may_read_the_dag_that_wrote_it(server: Server, reports: Path) -> None:
    for dag_id, statuses in (("payments", (200, 200)), ("search", (403, 200)), (None, (200, 200))):
        uris = [write_table(reports / f"{name}.csv", name) for name in ("payments", dag_id)]
        server.push({"schema": AUDIT, "table_uris": uris})
        path = server.path(what="repositories")
        assert tuple(server.get(user, path).status_code for user in ("alice", "carol")) == statuses, dag_id


def test_what_another_dag_wrote_next_to_a_list_is_not_shown(server: Server, reports: Path) -> None:
    uri, other = f"file://{reports}/list.jsonl.gz", f"file://{reports}/other.jsonl.gz"
    for written, dag_id in ((uri, "payments"), (other, "search")):
        with image_list(written, with_kept=True, dag_id=dag_id) as lines:
            lines.write(next(images(1)))
            assert lines.write_kept
            lines.write_kept(kept(2))
    (reports / "other.kept.jsonl.gz").rename(reports / "list.kept.jsonl.gz")
    server.push(summary(uri))
    assert server.get(action="ANY").json()["matching"] == 1


def test_a_link_that_takes_the_place_of_a_list_between_two_looks_is_not_followed(
    server: Server, reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.jsonl.gz"
    for path in (secret, reports / "list.jsonl.gz"):
        with image_list(f"file://{path}") as lines:
            lines.write(next(images(1)))
    find = opening._tables.find

    def find_and_replace(uri: str, folders: Any) -> Any:
        found = find(uri, folders)
        (reports / "list.jsonl.gz").unlink()
        (reports / "list.jsonl.gz").symlink_to(secret)
        return found

    monkeypatch.setattr(opening._tables, "find", find_and_replace)
    server.push(summary(f"file://{reports}/list.jsonl.gz"))
    assert server.get().status_code == 409


def test_a_user_with_too_many_waiting_requests_gets_a_retry_after(
    preview: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening.ANSWERS, "of_a_user", 0)
    monkeypatch.setattr(opening.ANSWERS, "patience", 0)
    answer = preview.get()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    monkeypatch.setattr(opening.ANSWERS, "waiting_of_a_user", 0)
    answer = preview.get()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    assert answer.json()["detail"].startswith("You have too many open requests")


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
@pytest.mark.parametrize("what", ROUTES)
def test_answers_are_the_same_packed_or_not(preview: Server, reports: Path, what: str, encoding: str) -> None:
    uri = write_table(reports / "table.csv", "payments", 100)
    if what == "repositories":
        preview.push({"schema": AUDIT, "table_uris": [uri]})
    path = preview.path(what=what)
    plain = preview.client.get(path, headers={**preview.headers("alice"), "Accept-Encoding": "identity"})
    answer = preview.client.get(path, headers={**preview.headers("alice"), "Accept-Encoding": encoding})
    assert answer.content == plain.content
    is_packed = answer.headers.get("content-encoding") == "gzip"
    # Airflow packs those that the routes do not, and some of its releases leave small ones as they are.
    assert is_packed == (encoding == "gzip") or len(plain.content) < 1024
    assert not (is_packed and encoding == "identity")
    assert answer.headers["cache-control"] == "private, no-store"
