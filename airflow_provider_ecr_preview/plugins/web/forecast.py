"""What would go in the next days if nothing were pushed, from the list of the images that a preview keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE, TRANSITION
from airflow_provider_ecr_preview.plugins.web.image_filter import ImageFilter, day_number
from airflow_provider_ecr_preview.plugins.web.image_table import DayCount, ImageTable

FORECAST_DAYS = 30


@dataclass(slots=True)
class _Day:
    expiring: int = 0
    archiving: int = 0
    known_bytes: int = 0
    unknown_sizes: int = 0

    def add(self, counted: DayCount) -> None:
        if counted.action == TRANSITION:
            self.archiving += counted.image_count
        elif counted.action == EXPIRE:
            self.expiring += counted.image_count
            self.known_bytes += counted.known_bytes
            self.unknown_sizes += counted.unknown_sizes

    def as_dict(self) -> dict[str, Any]:
        return {
            "expiring": self.expiring,
            "archiving": self.archiving,
            # Archiving frees nothing.
            "bytes": None if self.unknown_sizes else self.known_bytes,
        }


def forecast(table: ImageTable, listed_at: datetime | None) -> dict[str, Any]:
    """Return how many images the preview takes now, and how many more the policy takes on each of the next days.

    :param table: the images of one repository.
    :param listed_at: when they were listed (aware); None if unknown.
    """
    now = _Day()
    for counted in table.by_day(ImageFilter()):
        now.add(counted)
    kept = ImageFilter(action="KEEP")
    coming = table.by_next_day(kept)
    unknown = sum(counted.image_count for counted in coming if counted.day is None)
    is_known = table.has_kept and listed_at is not None and (not unknown or unknown < table.count(kept))
    return {
        "now": now.as_dict(),
        "days": _days(coming, listed_at.date()) if is_known and listed_at is not None else None,
        "unknown": unknown,
    }


def _days(coming: Sequence[DayCount], first: date) -> list[dict[str, Any]]:
    days = [_Day() for _ in range(FORECAST_DAYS)]
    for counted in coming:
        # What is due today goes today.
        number = FORECAST_DAYS if counted.day is None else max(counted.day - day_number(first), 0)
        if number < FORECAST_DAYS:
            days[number].add(counted)
    return [
        {"day": (first + timedelta(days=number)).isoformat(), **counts.as_dict()} for number, counts in enumerate(days)
    ]
