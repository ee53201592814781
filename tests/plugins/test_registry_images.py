"""An image is found by its tag or digest over all repositories of an audit."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from airflow_provider_ecr_preview.plugins.web.registry_images import ListOfRepository, RegistryImages
from airflow_provider_ecr_preview.reports.columns import COLUMNS
from airflow_provider_ecr_preview.reports.layout import kept_list_uri
from airflow_provider_ecr_preview.reports.lists import image_list
from tests.plugins.conftest import Server
from tests.plugins.previews import images, kept

pytestmark = pytest.mark.xdist_group("web")


def listed(folder: Path, name: str, count: int, dag_id: str | None = None) -> ListOfRepository:
    uri = f"file://{folder}/{name}.jsonl.gz"
    with image_list(uri, **({"dag_id": dag_id} if dag_id else {})) as written:
        for image in images(count):
            written.write(image)
    return ListOfRepository("123456789012", "us-east-1", name, uri)


def folders(tmp_path: Path) -> list[str]:
    return [f"file://{tmp_path}"]


def test_an_image_is_found_by_tag_or_digest_in_every_repository(tmp_path: Path) -> None:
    found = RegistryImages([listed(tmp_path, "web", 10), listed(tmp_path, "api", 5)])
    found.read_more(folders(tmp_path))
    by_tag = found.found("V4", [], offset=0, limit=10)
    assert [(image["repository_name"], image["image_tags"]) for image in by_tag["images"]] == [
        ("web", ["build-4", "V4"]),
        ("api", ["build-4", "V4"]),
    ]
    by_digest = found.found(f"sha256:{9:064x}", [], offset=0, limit=10)
    assert [image["repository_name"] for image in by_digest["images"]] == ["web"]
    assert (by_tag["repositories"], by_tag["searched"], by_tag["unread"], by_tag["is_cut"]) == (2, 2, 0, False)


def test_images_that_stay_are_found_too(tmp_path: Path) -> None:
    place = listed(tmp_path, "images", 3)
    with image_list(kept_list_uri(place.images_uri)) as written:
        for image in kept(2):
            written.write(image)
    found = RegistryImages([place])
    found.read_more(folders(tmp_path))
    [image] = found.found("release-1001", [], offset=0, limit=10)["images"]
    assert image["action"] == "KEEP"


def test_a_request_reads_some_lists_and_the_next_goes_on(tmp_path: Path) -> None:
    seconds = iter(range(100))
    found = RegistryImages([listed(tmp_path, f"r{number}", 1) for number in range(3)], lambda: float(next(seconds)))
    found.read_more(folders(tmp_path), seconds=0)
    assert (found.found("sha256", [], offset=0, limit=9)["searched"], found.is_whole) == (1, False)
    found.read_more(folders(tmp_path), seconds=1000)
    assert (found.found("sha256", [], offset=0, limit=9)["matching"], found.is_whole) == (3, True)


def test_lists_that_cannot_be_read_are_counted_and_hide_no_others(tmp_path: Path) -> None:
    allowed = tmp_path / "reports"
    allowed.mkdir()
    (allowed / "damaged.jsonl.gz").write_text("nothing")
    places = [
        ListOfRepository(None, None, "gone", f"file://{allowed}/gone.jsonl.gz"),
        ListOfRepository(None, None, "damaged", f"file://{allowed}/damaged.jsonl.gz"),
        listed(tmp_path, "elsewhere", 3),
        ListOfRepository(None, None, "up", f"file://{allowed}/../elsewhere.jsonl.gz"),
        listed(allowed, "web", 3),
    ]
    found = RegistryImages(places)
    found.read_more(folders(allowed))
    answer = found.found("sha256", [], offset=0, limit=9)
    assert (answer["unread"], answer["matching"], {image["repository_name"] for image in answer["images"]}) == (
        4,
        3,
        {"web"},
    )


def test_lists_of_a_dag_that_was_not_checked_are_left_out(tmp_path: Path) -> None:
    found = RegistryImages([listed(tmp_path, "web", 2, "payments"), listed(tmp_path, "api", 3, "search")])
    found.read_more(folders(tmp_path))
    assert found.dag_ids == {"payments", "search"}
    assert found.found("sha256", ["payments"], offset=0, limit=9)["matching"] == 2


def audit(server: Server, reports: Path, dag_id: str) -> None:
    values = {
        "repository_name": "web",
        "images_uri": listed(reports, "web", 4, dag_id).images_uri,
        "dag_id": "payments",
    }
    names = [column.name for column in COLUMNS]
    with (reports / f"{dag_id}.csv").open("w", newline="") as table:
        csv.writer(table).writerows([names, [values.get(name, "") for name in names]])
    server.push({"schema": "ecr-lifecycle-audit/1", "table_uris": [f"file://{reports}/{dag_id}.csv"]})


def test_the_route_finds_an_image_and_says_how_much_it_has_searched(server: Server, reports: Path) -> None:
    audit(server, reports, "payments")
    answer = server.get(path=server.path(what="found-images"), search="build-2").json()
    assert (answer["matching"], answer["searched"], answer["repositories"]) == (1, 1, 1)


def test_the_list_of_a_dag_that_the_user_may_not_read_is_not_searched(server: Server, reports: Path) -> None:
    audit(server, reports, "search")
    answer = server.get(path=server.path(what="found-images"), search="build-2")
    assert (answer.status_code, "images" in answer.json()) == (403, False)
    assert server.get("carol", server.path(what="found-images"), search="build-2").json()["matching"] == 1


def test_the_table_of_an_earlier_release_lacks_later_columns_and_is_read(server: Server, reports: Path) -> None:
    audit(server, reports, "payments")
    path = reports / "payments.csv"
    with path.open(newline="") as table:
        rows = list(csv.DictReader(table))
    names = [name for name in rows[0] if name != "owner" and not name.endswith("_usd")]
    with path.open("w", newline="") as table:
        writer = csv.DictWriter(table, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    answer = server.get(path=server.path(what="repositories")).json()
    [row] = [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]
    assert (row["repository_name"], row["owner"]) == ("web", None)
