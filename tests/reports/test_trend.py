from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.bounded_reading import TooSlowError
from airflow_provider_ecr_preview.reports import trend
from airflow_provider_ecr_preview.reports.trend import points_of, write_trend
from tests.core.money.test_money import audit_of, outcome
from tests.support.builders import NOW


def audited(days: int = 0) -> Any:
    value = audit_of([outcome("a", None)]).as_dict()
    return {**value, "audit_id": f"weekly {days}", "audited_at": (NOW + timedelta(days=days)).isoformat()}


def written(root: Path, days: int, series: str = "weekly merge applied") -> Path:
    uri = write_trend(ObjectStoragePath(root.as_uri()), series, audited(days), "weekly")
    assert uri is not None
    return Path(uri.removeprefix("file://"))


def test_each_audit_adds_a_line_and_a_retry_replaces_its_own(tmp_path: Path) -> None:
    for days in (0, 7, 7, 14):
        path = written(tmp_path, days)
    points = [*points_of(path.read_bytes().splitlines())]
    assert [point["audit_id"] for point in points] == ["weekly 0", "weekly 7", "weekly 14"]


def test_another_task_or_policy_has_a_file_of_its_own(tmp_path: Path) -> None:
    assert written(tmp_path, 0) != written(tmp_path, 0, "weekly merge candidate 0a1b")


@pytest.mark.parametrize("damage", [b"{", b"{}\n", b"[" * 10_000, b"\xff\n"])
def test_a_damaged_trend_starts_anew(tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path, 0)
    path.write_bytes(damage)
    written(tmp_path, 7)
    assert "starts anew" in caplog.text
    assert [point["audit_id"] for point in points_of(path.read_bytes().splitlines())] == ["weekly 7"]


@pytest.mark.parametrize("error", [PermissionError(), TooSlowError("it takes too long")])
def test_a_trend_that_cannot_be_read_now_stays_and_does_not_fail_the_audit(
    tmp_path: Path, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, 0)
    before = path.read_bytes()
    with mock.patch.object(trend, "bounded_lines", side_effect=error):
        assert write_trend(ObjectStoragePath(tmp_path.as_uri()), "weekly merge applied", audited(7), None) is None
    assert path.read_bytes() == before
    assert "lacks this audit" in caplog.text
