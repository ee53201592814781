"""Image lists are read once each, and nobody waits for a list that somebody else has asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.plugins.web import image_tables
from airflow_provider_ecr_preview.plugins.web.image_tables import ImageTables
from airflow_provider_ecr_preview.reports import image_list
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


def test_a_list_that_was_read_is_shown_while_another_is_being_read(
    uris: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, read, begun, go_on = ImageTables(), image_tables._lines, threading.Event(), threading.Event()
    known = tables.open(uris[0])

    def slowly(path: Any) -> Iterator[dict[str, Any]]:
        begun.set()
        assert go_on.wait(30)
        yield from read(path)

    monkeypatch.setattr(image_tables, "_lines", slowly)
    with ThreadPoolExecutor(2) as threads:
        other = threads.submit(tables.open, uris[1])
        assert begun.wait(30)
        try:
            assert threads.submit(tables.open, uris[0]).result(timeout=10) is known
        finally:
            go_on.set()
        assert other.result(timeout=30).image_count == 3


def test_a_list_that_many_ask_for_at_once_is_read_once(uris: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    tables, read, times = ImageTables(), image_tables._lines, []

    def counted(path: Any) -> Iterator[dict[str, Any]]:
        times.append(path)
        yield from read(path)

    monkeypatch.setattr(image_tables, "_lines", counted)
    with ThreadPoolExecutor(8) as threads:
        found = {id(table) for table in threads.map(tables.open, uris[:1] * 8)}
    assert (len(found), len(times)) == (1, 1)
