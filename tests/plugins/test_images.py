"""The image list of a task: pages, order, filters, timeline and CSV, as the front end asks for them."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.kept import KeptImage
from airflow_provider_ecr_preview.core.preview.next_action import NextAction
from airflow_provider_ecr_preview.reports.layout import image_list_path
from airflow_provider_ecr_preview.reports.lists import image_list
from airflow_provider_ecr_preview.reports.storage import slug
from tests.plugins.conftest import Server
from tests.plugins.previews import images, kept, summary

pytestmark = pytest.mark.xdist_group("web")

OF_KEPT = ("reason", "explanation", "next_action", "next_action_at")
ALL = [{**image.as_dict(), **dict.fromkeys(OF_KEPT), "shielded_from": []} for image in images(250)]
KEPT = [{"target_storage_class": None, **image.as_dict()} for image in kept(40)]


def write(uri: str, written: list[PreviewedImage], stay: Iterable[KeptImage] | None = None) -> str:
    with image_list(uri, with_kept=True) as lines:
        for image in written:
            lines.write(image)
        if stay is not None and lines.write_kept:
            lines.write_kept(stay)
    return uri


def number(image: dict[str, Any]) -> int:
    return int(image["image_digest"].removeprefix("sha256:"), 16)


def last_use(image: dict[str, Any]) -> str:
    return str(image["last_recorded_pull_time"] or image["image_pushed_at"])


def test_a_page_has_the_images_as_they_were_written(preview: Server) -> None:
    assert preview.get(limit=2, offset=1).json() == {"total": 250, "matching": 250, "offset": 1, "images": ALL[1:3]}


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    "sort", ["image_pushed_at", "image_size_in_bytes", "applied_rule_priority", "image_digest", "image_tags"]
)
def test_the_pages_are_the_whole_list_in_order_each_image_once(preview: Server, sort: str, descending: bool) -> None:
    pages = [
        preview.get(sort=sort, descending=descending, offset=offset, limit=70).json()["images"]
        for offset in (0, 70, 140, 210, 280)
    ]
    found = [image for page in pages for image in page]
    assert sorted(map(number, found)) == list(range(250))
    keys = [(image[sort] is not None, image[sort] if image[sort] is not None else 0) for image in found]
    if sort != "image_tags":
        assert keys == sorted(keys, reverse=descending)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"search": "build-24"}, lambda image: any("build-24" in tag for tag in image["image_tags"])),
        ({"search": "v7"}, lambda image: any("V7" in tag for tag in image["image_tags"])),
        ({"search": "00ff"}, lambda image: "00ff" in image["image_digest"]),
        ({"search": "%"}, lambda _: False),
        ({"search": "' OR 1=1 --"}, lambda _: False),
        ({"action": "TRANSITION"}, lambda image: image["action"] == "TRANSITION"),
        ({"rule": 1}, lambda image: image["applied_rule_priority"] == 1),
        ({"rule": "", "action": "", "search": ""}, lambda _: True),
        ({"pushed_from": "2026-01-03"}, lambda image: image["image_pushed_at"][:10] >= "2026-01-03"),
        ({"pushed_to": "2026-01-03"}, lambda image: image["image_pushed_at"][:10] <= "2026-01-03"),
        (
            {"pushed_from": "2026-01-03", "pushed_to": "2026-01-03"},
            lambda image: image["image_pushed_at"][:10] == "2026-01-03",
        ),
        ({"min_bytes": 1100}, lambda image: (image["image_size_in_bytes"] or 0) >= 1100),
        ({"max_bytes": 1100}, lambda image: (image["image_size_in_bytes"] or 2000) <= 1100),
        ({"min_bytes": 1200, "max_bytes": 1100}, lambda _: False),
        ({"never_pulled": True}, lambda image: image["image_size_in_bytes"] and not image["last_recorded_pull_time"]),
        ({"not_pulled_days": 95}, lambda image: image["image_size_in_bytes"] and last_use(image) < "2026-01-06"),
        ({"not_pulled_days": 0}, lambda image: image["image_size_in_bytes"] and last_use(image) < "2026-04-11"),
        (
            {"pushed_from": "", "pushed_to": "", "min_bytes": "", "max_bytes": "", "not_pulled_days": ""},
            lambda _: True,
        ),
        ({"rule": 2, "search": "build-1"}, lambda i: i["action"] == "TRANSITION" and "build-1" in str(i["image_tags"])),
    ],
)
def test_only_matching_images_are_listed_and_counted(preview: Server, asked: dict[str, Any], wanted: Any) -> None:
    page = preview.get(limit=500, **asked).json()
    assert page["images"] == [image for image in ALL if wanted(image)]
    assert (page["matching"], page["total"]) == (len(page["images"]), 250)


@pytest.mark.parametrize(
    "asked",
    [
        {"limit": 501},
        {"limit": 0},
        {"offset": -1},
        {"sort": "rowid; DROP TABLE images"},
        {"action": "DELETE"},
        {"map_index": -2},
        {"map_index": "x"},
        {"search": "x" * 301},
        {"pushed_from": "yesterday"},
        {"pushed_to": "1969-12-31"},
        {"min_bytes": -1},
        {"max_bytes": 2**43 + 1},
        {"not_pulled_days": 36_501},
        {"never_pulled": "perhaps"},
    ],
)
def test_an_impossible_filter_is_refused_in_a_sentence(preview: Server, asked: dict[str, Any]) -> None:
    answer = preview.get(**asked)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(f"This request is not understood: {next(iter(asked))}: ")


def test_pulls_are_counted_back_from_the_time_of_the_preview_which_the_result_has_to_say(
    server: Server, reports: Path
) -> None:
    uri = write(f"file://{reports}/list.gz", list(images(20)))
    for damaged in ("yesterday", "0001-01-01T00:00:00+00:00", None):
        server.push({**summary(uri), "previewed_at": damaged})
        assert server.get().json()["total"] == 20
        answer = server.get(not_pulled_days=30)
        assert answer.status_code == 409
        assert "previewed_at is not what this package writes" in answer.json()["detail"]


def test_timeline_and_csv_have_the_same_filters_as_the_page(preview: Server) -> None:
    asked = {"pushed_from": "2026-01-03", "pushed_to": "2026-01-04", "min_bytes": 1060, "never_pulled": True}
    matching = preview.get(**asked).json()["matching"]
    assert 0 < matching < 48
    bins = preview.get(path=preview.path(what="images/timeline"), **asked).json()["bins"]
    assert sum(column["expiring"] + column["archiving"] for column in bins) == matching
    text = preview.get(path=preview.path(what="images.csv"), **asked).text
    assert len(list(csv.DictReader(StringIO(text)))) == matching


@pytest.mark.parametrize("map_index", ["{MAP_INDEX}", "", "-1"])
def test_the_placeholder_of_airflow_stands_for_a_task_that_is_not_mapped(preview: Server, map_index: str) -> None:
    assert preview.get(map_index=map_index).json()["total"] == 250


def test_airflow_may_be_below_a_path(preview: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview.client.app, "root_path", "/airflow")
    assert preview.get(path=f"/airflow{preview.path()}").json()["total"] == 250


def test_each_mapped_task_has_its_own_images(server: Server, reports: Path) -> None:
    for index in (0, 1):
        uri = write(f"file://{reports}/{index}.gz", list(images(10 + index)))
        server.push(summary(uri), task_id="mapped", map_index=index)
    path = server.path(task_id="mapped")
    assert [server.get(path=path, map_index=index).json()["total"] for index in (0, 1)] == [10, 11]
    assert server.get(path=path).status_code == 404


def test_a_list_that_was_written_anew_is_read_anew(server: Server, reports: Path) -> None:
    uri = write(f"file://{reports}/list.gz", list(images(3)))
    server.push(summary(uri))
    assert server.get().json()["total"] == 3
    write(uri, list(images(5)))
    assert server.get().json()["total"] == 5


def test_markup_stays_text(server: Server, reports: Path) -> None:
    tag = "<script>alert(1)</script>"
    [image] = images(1)
    server.push(
        summary(write(f"file://{reports}/list.gz", [PreviewedImage(image.image_digest, (tag,), None, "EXPIRE", 1)]))
    )
    answer = server.get()
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["images"][0]["image_tags"] == [tag]


def test_the_timeline_has_all_images_in_bins_of_whole_days(preview: Server) -> None:
    timeline = preview.get(path=preview.path(what="images/timeline")).json()
    assert timeline["undated"] == 0
    assert len(timeline["bins"]) == 11
    assert timeline["bins"][0] == {
        "from": "2026-01-01T00:00:00+00:00",
        "to": "2026-01-02T00:00:00+00:00",
        "expiring": 19,
        "archiving": 5,
        "kept": 0,
        "bytes": None,
    }
    assert sum(column["expiring"] + column["archiving"] for column in timeline["bins"]) == 250
    assert {column["from"] for column in timeline["bins"][1:]} == {column["to"] for column in timeline["bins"][:-1]}


def test_the_timeline_of_years_has_no_more_than_sixty_bins_and_loses_no_image(server: Server, reports: Path) -> None:
    pushed = [datetime(year, month, 1, tzinfo=UTC) for year in range(2019, 2027) for month in range(1, 13)]
    written = [
        PreviewedImage(f"sha256:{n:064x}", (), at, "EXPIRE", 1, image_size_in_bytes=10) for n, at in enumerate(pushed)
    ]
    written.append(PreviewedImage("sha256:none", (), None, "EXPIRE", 1))
    server.push(summary(write(f"file://{reports}/list.gz", written)))
    timeline = server.get(path=server.path(what="images/timeline")).json()
    assert len(timeline["bins"]) <= 60
    assert sum(column["expiring"] for column in timeline["bins"]) == len(pushed)
    assert sum(column["bytes"] for column in timeline["bins"]) == 10 * len(pushed)
    assert timeline["undated"] == 1


def test_no_image_makes_no_bin(server: Server, reports: Path) -> None:
    server.push(summary(write(f"file://{reports}/list.gz", [])))
    assert server.get(path=server.path(what="images/timeline")).json() == {"bins": [], "undated": 0}
    assert server.get().json() == {"total": 0, "matching": 0, "offset": 0, "images": []}


def test_the_csv_has_every_matching_image(server: Server, reports: Path) -> None:
    written = list(images(2500))
    server.push(summary(write(f"file://{reports}/list.gz", written)))
    answer = server.get(path=server.path(what="images.csv"), sort="image_digest", action="EXPIRE")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.DictReader(StringIO(answer.text)))
    wanted = [image for image in written if image.action == "EXPIRE"]
    assert [row["image_digest"] for row in rows] == [image.image_digest for image in wanted]
    assert rows[0]["image_tags"] == " ".join(wanted[0].image_tags)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_of_the_csv_is_a_formula(server: Server, reports: Path, start: str) -> None:
    tag = f'{start}HYPERLINK("http://evil.example","x")'
    image = PreviewedImage("sha256:0", (tag,), None, "EXPIRE", 1)
    server.push(summary(write(f"file://{reports}/list.gz", [image])))
    text = server.get(path=server.path(what="images.csv")).content.decode()
    [row] = csv.DictReader(StringIO(text, newline=""))
    assert row["image_tags"] == f"'{tag}"


@pytest.fixture
def both(server: Server, reports: Path) -> Server:
    """Return the server after the task has also written the 40 images that stay."""
    server.push(summary(write(f"file://{reports}/both.jsonl.gz", list(images(250)), kept(40))))
    return server


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        ("", ALL),
        ("EXPIRE", [image for image in ALL if image["action"] == "EXPIRE"]),
        ("KEEP", KEPT),
        ("ANY", ALL + KEPT),
    ],
)
def test_the_images_that_stay_are_listed_when_they_are_asked_for(
    both: Server, action: str, wanted: list[dict[str, Any]]
) -> None:
    page = both.get(action=action, limit=500).json()
    assert page["images"] == wanted
    assert (page["total"], page["matching"]) == (250, len(wanted))


def test_an_image_that_stays_has_its_reason(both: Server) -> None:
    [image] = both.get(action="KEEP", search="release-1002").json()["images"]
    assert (image["reason"], image["explanation"], image["applied_rule_priority"], image["shielded_from"]) == (
        "within_count",
        "Kept by rule 1: among the newest.",
        1,
        [2],
    )
    text = both.get(path=both.path(what="images.csv"), action="KEEP", search="release-1002").text
    [row] = csv.DictReader(StringIO(text))
    assert (row["action"], row["explanation"], row["shielded_from"]) == ("KEEP", image["explanation"], "2")


def test_each_rule_tells_what_it_takes_keeps_and_shields(both: Server) -> None:
    assert both.get(path=both.path(what="images/rules")).json()["rules"] == [
        {"priority": None, "taken": 0, "kept": 10, "shielded": 0},
        {"priority": 1, "taken": 200, "kept": 30, "shielded": 10},
        {"priority": 2, "taken": 50, "kept": 0, "shielded": 0},
    ]


def test_the_timeline_sets_what_stays_against_what_goes(both: Server) -> None:
    bins = both.get(path=both.path(what="images/timeline"), action="ANY").json()["bins"]
    assert sum(column["kept"] for column in bins) == 40
    assert sum(column["expiring"] + column["archiving"] for column in bins) == 250
    assert sum(column["kept"] for column in both.get(path=both.path(what="images/timeline")).json()["bins"]) == 0


def test_the_forecast_begins_with_the_preview_and_has_each_image_that_goes_on_its_day(
    server: Server, reports: Path
) -> None:
    at = datetime(2026, 4, 11, tzinfo=UTC)
    due = {1000: NextAction("EXPIRE", at), 1001: NextAction("EXPIRE", at + timedelta(days=29, hours=23))}
    due |= {1002: NextAction("TRANSITION", at + timedelta(days=2)), 1003: NextAction("EXPIRE", at + timedelta(days=30))}
    stay = [replace(image, next_action=due.get(1000 + n)) for n, image in enumerate(kept(8))]
    stay[7] = replace(stay[7], reason="not_in_preview")
    server.push(summary(write(f"file://{reports}/coming.gz", list(images(250)), stay)))
    path = server.path(what="images/forecast")
    answer = server.get(path=path).json()
    assert answer["now"] == {"expiring": 200, "archiving": 50, "bytes": None}
    assert answer["unknown"] == 1
    days = answer["days"]
    assert (len(days), days[0]["day"], days[-1]["day"]) == (30, "2026-04-11", "2026-05-10")
    assert days[0] == {"day": "2026-04-11", "expiring": 1, "archiving": 0, "bytes": 1000}
    assert days[2] == {"day": "2026-04-13", "expiring": 0, "archiving": 1, "bytes": 0}
    assert days[29]["bytes"] == 1001
    assert sum(day["expiring"] + day["archiving"] for day in days) == 3
    # In the order in which they go; those that never go are first.
    found = server.get(action="KEEP", sort="next_action_at").json()["images"]
    assert [number(image) for image in found[4:]] == [1000, 1002, 1001, 1003]


@pytest.mark.parametrize("field", ["previewed_at", "reason", "kept", "next_action_at"])
def test_there_is_no_forecast_where_the_list_does_not_say_enough(
    server: Server, reports: Path, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stay = [*kept(3)] if field != "reason" else [replace(image, reason="not_evaluated") for image in kept(3)]
    if field == "next_action_at":  # as earlier releases wrote it
        written = KeptImage.as_dict
        monkeypatch.setattr(
            KeptImage, "as_dict", lambda image: {k: v for k, v in written(image).items() if k != "next_action_at"}
        )
    uri = write(f"file://{reports}/list.gz", list(images(3)), None if field == "kept" else stay)
    server.push({**summary(uri), **({"previewed_at": None} if field == "previewed_at" else {})})
    answer = server.get(path=server.path(what="images/forecast")).json()
    assert (answer["days"], answer["now"]["expiring"]) == (None, 2)


def test_what_stays_is_not_known_where_it_was_not_written(preview: Server) -> None:
    assert preview.get(path=preview.path(what="images/rules")).json() == {"rules": None}
    assert preview.get(action="KEEP").json()["images"] == []


def test_a_rule_that_takes_everything_keeps_none(server: Server, reports: Path) -> None:
    server.push(summary(write(f"file://{reports}/list.gz", list(images(3)), [])))
    rules = server.get(path=server.path(what="images/rules")).json()["rules"]
    assert [(rule["taken"], rule["kept"]) for rule in rules] == [(1 + 1, 0), (1, 0)]


def test_a_list_of_what_stays_that_leads_elsewhere_is_not_opened(server: Server, reports: Path, tmp_path: Path) -> None:
    write(f"file://{tmp_path}/elsewhere.jsonl.gz", [], kept(5))
    uri = write(f"file://{reports}/list.jsonl.gz", list(images(3)))
    (reports / "list.kept.jsonl.gz").symlink_to(tmp_path / "elsewhere.kept.jsonl.gz")
    server.push(summary(uri))
    assert server.get(action="ANY").json()["matching"] == 3
    assert server.get(path=server.path(what="images/rules")).json() == {"rules": None}


def audit(reports: Path, names: list[str], top: list[str]) -> dict[str, Any]:
    began, audit_id = datetime(2026, 1, 5, 6, tzinfo=UTC), "weekly audit"
    uris = {}
    for count, name in enumerate(names, start=1):
        path = image_list_path("123456789012", "us-east-1", began.date(), slug(audit_id), name)
        uris[name] = write(f"file://{reports}/{path}", list(images(count)))
    return {
        "schema": "ecr-lifecycle-audit/1",
        "audit_id": audit_id,
        "audited_at": began.isoformat(),
        "report_uri": f"file://{reports}/audits/audit_date=2026-01-05/{slug(audit_id)}.md",
        "summaries": None,
        "top": [summary(uris[name], name) for name in top],
    }


def test_an_audit_shows_the_images_of_the_repository_that_is_asked_for(server: Server, reports: Path) -> None:
    names = ["team/a", "team/b", "team/c"]
    server.push(audit(reports, names, top=names[:2]))
    whole = {"registry_id": "123456789012", "region_name": "us-east-1"}
    assert [server.get(repository_name=name).json()["total"] for name in names[:2]] == [1, 2]
    assert server.get(repository_name="team/c", **whole).json()["total"] == 3
    assert server.get(repository_name="team/c").status_code == 404
    assert server.get().json()["detail"].startswith("Say which repository")
    assert server.get(repository_name="../../..", **whole).status_code == 410


@pytest.mark.parametrize("value", [None, "text", 7, [], {}, {"schema": "ecr-lifecycle-comparison/1"}])
def test_a_result_that_is_no_preview_has_no_images(server: Server, reports: Path, value: Any) -> None:
    server.push(value)
    answer = server.get()
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "The result of this task is neither a preview nor an audit.",
    )


def test_a_preview_without_a_list_says_how_to_get_one(server: Server, reports: Path) -> None:
    server.push(summary(None))
    answer = server.get()
    assert answer.status_code == 404
    assert "images_path" in answer.json()["detail"]


def test_a_list_that_was_removed_is_gone(preview: Server, reports: Path) -> None:
    assert preview.get().status_code == 200
    (reports / "payments.jsonl.gz").unlink()
    assert preview.get().status_code == 410


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip",
        gzip.compress(b"no JSON"),
        gzip.compress(b"[]\n"),
        gzip.compress(b"{}\n"),
        gzip.compress(json.dumps(ALL[0]).encode())[:-9],
        gzip.compress(json.dumps({**ALL[0], "image_size_in_bytes": {}}).encode()),
        gzip.compress(json.dumps({**ALL[0], "image_size_in_bytes": 2**70}).encode()),
        gzip.compress(json.dumps({**ALL[0], "image_pushed_at": "yesterday"}).encode()),
        gzip.compress(b'{"image_digest": "' + b"x" * 2_000_000 + b'"}'),
    ],
    ids=["empty", "plain", "no-json", "list", "no-fields", "cut", "object", "big-number", "no-date", "long-line"],
)
def test_a_file_that_is_no_image_list_is_told_so(server: Server, reports: Path, content: bytes) -> None:
    (reports / "list.gz").write_bytes(content)
    server.push(summary(f"file://{reports}/list.gz"))
    answer = server.get()
    if len(content) > 1000:
        assert (answer.status_code, "too large to be shown" in answer.json()["detail"]) == (413, True)
    elif content:
        assert answer.status_code == 409
        assert answer.json()["detail"].startswith("The file is not a report of this package.")
    else:
        assert answer.json()["total"] == 0
