"""The trend of a series of audits: one point for each audit, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import cast

from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom, TrendPoint

MAX_POINTS = 2_000
"""Five years of an audit every day."""


def trend_point(value: AuditXCom, dag_id: str | None) -> TrendPoint:
    """Return the point of one audit.

    :param value: the audit.
    :param dag_id: the DAG that audits.
    """
    storage = value.get("storage")
    return TrendPoint(
        audit_id=value["audit_id"],
        audited_at=value["audited_at"],
        dag_id=dag_id,
        selection=value.get("selection"),
        repository_count=value["repository_count"],
        failed_count=value["failed_count"],
        missing_part_count=value["missing_part_count"],
        expiring_image_count=value["expiring_image_count"],
        expiring_bytes_upper_bound=value["expiring_bytes_upper_bound"],
        critical_finding_count=value["critical_finding_count"],
        warning_finding_count=value["warning_finding_count"],
        info_finding_count=value["info_finding_count"],
        acknowledged_finding_count=value.get("acknowledged_finding_count", 0),
        stored_bytes_upper_bound=None if storage is None else storage["stored_bytes_upper_bound"],
        monthly_cost_usd=None if storage is None else storage["monthly_cost_usd"],
        never_pulled_monthly_cost_usd=None if storage is None else storage["never_pulled_monthly_cost_usd"],
    )


def with_point(points: Iterable[TrendPoint], point: TrendPoint) -> list[TrendPoint]:
    """Return a trend with one more point, in the place of an earlier point of the same audit, and without the oldest.

    :param points: the trend so far.
    :param point: the point of an audit.
    """
    others = (other for other in points if other["audit_id"] != point["audit_id"])
    return sorted([*others, point], key=lambda kept: (datetime.fromisoformat(kept["audited_at"]), kept["audit_id"]))[
        -MAX_POINTS:
    ]


def point_of(value: object) -> TrendPoint | None:
    """Return a point that was read from a file; None if it is none.

    :param value: a line, decoded.
    """
    if not isinstance(value, dict):
        return None
    try:
        is_dated = datetime.fromisoformat(value["audited_at"]).tzinfo is not None
    except (KeyError, TypeError, ValueError):
        return None
    keys = TrendPoint.__annotations__
    if not is_dated or not isinstance(value.get("audit_id"), str):
        return None
    numbers = (name for name in keys if name not in ("audit_id", "audited_at", "dag_id", "selection"))
    if not all(value.get(name) is None or isinstance(value[name], int | float) for name in numbers):
        return None
    return cast("TrendPoint", {name: value.get(name) for name in keys})
