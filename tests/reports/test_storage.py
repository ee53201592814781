"""What is stored is there as a whole, where it was meant to be, or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.reports.storage import _part_prefix, require_bucket, write_whole


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


def test_a_write_removes_what_a_killed_one_left_of_the_same_file_long_ago(tmp_path: Path) -> None:
    old, recent, other = (
        tmp_path / f".{_part_prefix(name)}{number}.part" for name, number in (("list", 1), ("list", 2), ("other", 3))
    )
    for part in (old, recent, other):
        part.write_bytes(b"half")
    for part in (old, other):
        os.utime(part, (0, 0))
    write_whole(ObjectStoragePath(f"file://{tmp_path}/list"), b"one")
    assert {path.name for path in tmp_path.iterdir()} == {"list", recent.name, other.name}


class _Stored:
    """A path on an object store of which some buckets are there."""

    def __init__(self, path: str, protocol: str, buckets: tuple[str, ...] | None) -> None:
        self.path, self.protocol, self.buckets = path, protocol, buckets
        self.fs = self

    def exists(self, bucket: str) -> bool:
        if self.buckets is None:
            raise PermissionError("ListBucket")
        return bucket in self.buckets

    def __str__(self) -> str:
        return f"{self.protocol}://{self.path}"


def test_a_bucket_that_is_not_there_is_named_before_anything_is_done() -> None:
    with pytest.raises(ValueError, match=r"reports_path is s3://typo/ecr, and there is no bucket 'typo'"):
        require_bucket(_Stored("typo/ecr", "s3", ("reports",)), "reports_path")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path",
    [
        _Stored("reports/ecr", "s3", ("reports",)),
        _Stored("reports/ecr", "s3", None),
        _Stored("/tmp/reports", "file", ()),
        _Stored("/reports", "memory", ()),
    ],
)
def test_a_place_that_is_there_or_cannot_be_looked_for_is_accepted(path: _Stored) -> None:
    require_bucket(path, "reports_path")  # type: ignore[arg-type]


def test_folders_are_created_on_local_file_systems_only() -> None:
    stored = mock.MagicMock(protocol="s3")
    write_whole(stored, b"text")
    stored.open.assert_called_once_with("wb")
    stored.parent.mkdir.assert_not_called()
