"""The trend of a series of audits as a file of JSON Lines, which each audit rewrites with one more line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.audit.trend import MAX_POINTS, point_of, trend_point, with_point
from airflow_provider_ecr_preview.core.bounded_reading import ReadBounds, ReadBudget, TooSlowError, bounded_lines
from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom, TrendPoint
from airflow_provider_ecr_preview.reports.layout import TREND
from airflow_provider_ecr_preview.reports.storage import slug, write_whole

BOUNDS = ReadBounds(
    stored_bytes=8 * 2**20, unpacked_bytes=8 * 2**20, lines=MAX_POINTS, line_bytes=16 * 2**10, seconds=60
)


log = logging.getLogger(__name__)


def write_trend(root: ObjectStoragePath, series: str, value: AuditXCom, dag_id: str | None) -> str | None:
    """Write the trend of a series of audits with the point of one more, and return where it is; None if it cannot be read.

    :param root: folder of the reports.
    :param series: what the audits have in common: DAG, task and previewed policies.
    :param value: the audit.
    :param dag_id: the DAG that audits.
    """
    path = root / TREND / f"{slug(series)}.jsonl"
    try:
        earlier = _read(path)
    except Exception:  # a trend that cannot be read must not fail this audit, which is done
        log.exception("The trend in %s cannot be read, so it lacks this audit.", path)
        return None
    points = with_point(earlier, trend_point(value, dag_id))
    write_whole(path, "".join(f"{json.dumps(point)}\n" for point in points).encode())
    return str(path)


def points_of(lines: Iterable[bytes]) -> Iterator[TrendPoint]:
    """Yield the points in the lines of such a file.

    :param lines: the lines.
    :raises ValueError: if a line is no point.
    """
    for line in lines:
        try:
            point = point_of(json.loads(line))
        except RecursionError:
            point = None
        if point is None:
            raise ValueError("this line is no point of a trend")
        yield point


def _read(path: ObjectStoragePath) -> list[TrendPoint]:
    try:
        with path.open("rb") as stored:
            return [*points_of(bounded_lines(stored, ReadBudget(BOUNDS), is_packed=False))]
    except FileNotFoundError:
        return []
    except TooSlowError:  # the file may be whole
        raise
    except ValueError as error:
        log.warning("The trend in %s is damaged (%s) and starts anew with this audit.", path, error)
        return []
