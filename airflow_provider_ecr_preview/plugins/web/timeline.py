"""How the images of a list spread over the time when they were pushed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE
from airflow_provider_ecr_preview.core.preview.kept import KEEP
from airflow_provider_ecr_preview.plugins.web.image_table import DayCount

MAX_BINS = 60


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Bin:
    expiring: int = 0
    archiving: int = 0
    kept: int = 0
    known_bytes: int = 0
    unknown_sizes: int = 0

    def add(self, counted: DayCount) -> None:
        if counted.action == KEEP:
            self.kept += counted.image_count
            return
        if counted.action == EXPIRE:
            self.expiring += counted.image_count
        else:
            self.archiving += counted.image_count
        self.known_bytes += counted.known_bytes
        self.unknown_sizes += counted.unknown_sizes


def timeline(days: Sequence[DayCount]) -> dict[str, Any]:
    """Return at most 60 bins of as many whole days each, and how many images have no known day.

    :param days: the counts by day.
    """
    dated = [(counted.day, counted) for counted in days if counted.day is not None]
    undated = sum(counted.image_count for counted in days if counted.day is None)
    if not dated:
        return {"bins": [], "undated": undated}
    first, last = min(day for day, _ in dated), max(day for day, _ in dated)
    width = (last - first) // MAX_BINS + 1
    bins = [_Bin() for _ in range((last - first) // width + 1)]
    for day, counted in dated:
        bins[(day - first) // width].add(counted)
    return {
        "bins": [
            {
                "from": _midnight(first + number * width),
                "to": _midnight(min(first + (number + 1) * width, last + 1)),
                "expiring": counts.expiring,
                "archiving": counts.archiving,
                "kept": counts.kept,
                "bytes": None if counts.unknown_sizes else counts.known_bytes,
            }
            for number, counts in enumerate(bins)
        ],
        "undated": undated,
    }


def _midnight(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()
