"""What is stored is there as a whole, where it was meant to be, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.reports.storage import write_whole


def test_a_file_replaces_the_one_before(tmp_path: Path) -> None:
    target = ObjectStoragePath(f"file://{tmp_path}/a/list")
    for data in (b"one", b"two"):
        write_whole(target, data)
    assert [(path.name, path.read_bytes()) for path in (tmp_path / "a").iterdir()] == [("list", b"two")]


def test_a_folder_is_an_error_and_nothing_is_put_into_it(tmp_path: Path) -> None:
    (tmp_path / "list").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(ObjectStoragePath(f"file://{tmp_path}/list"), b"one")
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*")] == [Path("list")]
