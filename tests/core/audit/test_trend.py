"""The trend of a series has one point for each audit, in the order of time, and is bounded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.audit import trend
from airflow_provider_ecr_preview.core.audit.trend import point_of, trend_point, with_point
from airflow_provider_ecr_preview.core.xcom.audit import TrendPoint
from tests.core.money.test_money import GB, audit_of, outcome, storage_of
from tests.support.builders import NOW, stored


def point(audit_id: str, days: int = 0, **fields: Any) -> TrendPoint:
    value = audit_of([outcome("a", storage_of(stored(1, image_size_in_bytes=GB)), "web")]).as_dict()
    made: Any = trend_point(value, "weekly")
    return {**made, "audit_id": audit_id, "audited_at": (NOW + timedelta(days=days)).isoformat(), **fields}


def test_a_point_has_the_sums_of_the_audit() -> None:
    made = point("a")
    assert (made["stored_bytes_upper_bound"], made["monthly_cost_usd"], made["dag_id"]) == (GB, 0.1, "weekly")
    assert trend_point(audit_of([]).as_dict(), None)["monthly_cost_usd"] is None


def test_the_result_of_an_audit_points_to_its_trend() -> None:
    audit = audit_of([])
    audit.trend_uri = "file:///reports/trend/weekly.jsonl"
    assert audit.as_dict()["trend_uri"] == "file:///reports/trend/weekly.jsonl"


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 400)), max_size=12))
def test_each_audit_has_its_latest_point_and_the_points_are_in_order(audits: list[tuple[str, int]]) -> None:
    points: list[TrendPoint] = []
    for audit_id, days in audits:
        points = with_point(points, point(audit_id, days))
    assert {made["audit_id"]: made["audited_at"] for made in points} == {
        audit_id: (NOW + timedelta(days=days)).isoformat() for audit_id, days in audits
    }
    assert [made["audited_at"] for made in points] == sorted(made["audited_at"] for made in points)


def test_the_oldest_points_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trend, "MAX_POINTS", 3)
    points: list[TrendPoint] = []
    for days in (3, 1, 4, 2, 5):
        points = with_point(points, point(str(days), days))
    assert [made["audit_id"] for made in points] == ["3", "4", "5"]


def test_a_point_is_read_back_as_it_was_written_and_without_what_is_unknown() -> None:
    made: Any = point("a")
    assert point_of({**made, "secret": "x"}) == made


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "a",
        {},
        {"audit_id": "a", "audited_at": "yesterday"},
        {"audit_id": "a", "audited_at": 5},
        {"audit_id": "a", "audited_at": "2026-01-01T00:00:00"},
        {"audit_id": 5, "audited_at": "2026-01-01T00:00:00+00:00"},
        {"audit_id": "a", "audited_at": "2026-01-01T00:00:00+00:00", "monthly_cost_usd": "<b>"},
    ],
)
def test_what_is_no_point_is_refused(value: Any) -> None:
    assert point_of(value) is None
