"""Image lists are read once each, no further than they may be, and nobody waits for a list that somebody else has asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.bounded_reading import TooMuchError, TooSlowError
from airflow_provider_ecr_preview.plugins.web.image_cache import ImageTables, Place
from airflow_provider_ecr_preview.plugins.web.image_table import ImageTable
from airflow_provider_ecr_preview.plugins.web.refused_files import SECONDS, SECONDS_IF_SLOW, Refusals
from airflow_provider_ecr_preview.reports.lists import image_list
from tests.plugins.previews import images

pytestmark = pytest.mark.xdist_group("web")


@pytest.fixture
def uris(tmp_path: Path) -> list[str]:
    uris = [f"file://{tmp_path}/{name}.jsonl.gz" for name in ("one", "other")]
    for uri in uris:
        with image_list(uri) as written:
            for image in images(3):
                written.write(image)
    return uris


def opened(tables: ImageTables, uri: str, user: str = "alice") -> ImageTable:
    folders = [uri.rpartition("/")[0]]
    found = tables.find(uri, folders)
    return found if isinstance(found, ImageTable) else tables.read(found, folders, user)


def test_a_list_that_was_read_is_shown_while_another_is_being_read(
    uris: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, read, begun, go_on = ImageTables(), ImageTables._read, threading.Event(), threading.Event()
    known = opened(tables, uris[0])

    def slowly(self: ImageTables, place: Place, folders: Sequence[str]) -> ImageTable:
        begun.set()
        assert go_on.wait(30)
        return read(self, place, folders)

    monkeypatch.setattr(ImageTables, "_read", slowly)
    with ThreadPoolExecutor(2) as threads:
        other = threads.submit(opened, tables, uris[1])
        assert begun.wait(30)
        try:
            assert threads.submit(opened, tables, uris[0]).result(timeout=10) is known
        finally:
            go_on.set()
        assert other.result(timeout=30).image_count == 3


def test_a_list_that_many_request_at_the_same_time_is_read_once(
    uris: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, read, times = ImageTables(), ImageTables._read, []

    def counted(*arguments: Any) -> ImageTable:
        times.append(arguments)
        return read(*arguments)

    monkeypatch.setattr(ImageTables, "_read", counted)
    with ThreadPoolExecutor(8) as threads:
        found = {id(table) for table in threads.map(lambda uri: opened(tables, uri), uris[:1] * 8)}
    assert (len(found), len(times)) == (1, 1)


@pytest.mark.parametrize("error", [ValueError, TooMuchError, TooSlowError])
def test_what_was_refused_is_not_read_again_until_it_changes(
    uris: list[str], monkeypatch: pytest.MonkeyPatch, error: type[ValueError]
) -> None:
    tables, times = ImageTables(), []

    def refuse(*arguments: Any) -> ImageTable:
        times.append(arguments)
        raise error("it is a bomb")

    monkeypatch.setattr(ImageTables, "_read", refuse)
    for _ in range(3):
        with pytest.raises(error, match="it is a bomb"):
            opened(tables, uris[0])
    assert len(times) == 1
    with image_list(uris[0]) as written:
        for image in images(5):
            written.write(image)
    with pytest.raises(error):
        opened(tables, uris[0])
    assert len(times) == 2


def test_refusals_are_forgotten_after_a_while_and_soon_where_it_was_slow() -> None:
    now = [0.0]
    refusals = Refusals(lambda: now[0])
    for key, error in (("bomb", TooMuchError("large")), ("slow", TooSlowError("slow"))):
        with pytest.raises(type(error)), refusals.remembered(key):
            raise error
    now[0] = SECONDS_IF_SLOW + 1
    refusals.check("slow")
    with pytest.raises(TooMuchError, match="large"):
        refusals.check("bomb")
    now[0] = SECONDS + 1
    refusals.check("bomb")


def test_the_lists_of_one_user_do_not_displace_those_of_another(
    uris: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    size = opened(ImageTables(), uris[0]).size_in_bytes
    monkeypatch.setattr(ImageTables, "max_cached_bytes", 4 * size)
    monkeypatch.setattr(ImageTables, "max_cached_bytes_of_a_user", 2 * size)
    tables = ImageTables()
    known = opened(tables, uris[0], "alice")
    folder = uris[0].rpartition("/")[0]
    for number in range(6):
        with image_list(f"{folder}/{number}.gz") as written:
            written.write(next(images(1)))
        opened(tables, f"{folder}/{number}.gz", "mallory")
    assert opened(tables, uris[0], "bob") is known
    assert [owner for _, owner in tables._tables.values()].count("mallory") == 2


def test_a_list_that_takes_more_than_a_share_is_shown_and_not_kept(
    uris: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageTables, "max_cached_bytes_of_a_user", 1)
    tables = ImageTables()
    assert opened(tables, uris[0]).image_count == 3
    assert not tables._tables
