"""Which images of a list are wanted, as a condition of SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from airflow_provider_ecr_preview.core.preview.kept import KEEP

Action = Literal["EXPIRE", "TRANSITION", "KEEP", "ANY"]


LastPull = Literal["never", "known"]


_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """A filter for images; fields that are None or empty do not matter.

    An image whose push date, size or last pull is unknown does not match a filter for it.

    :param search: part of the digest or of a tag.
    :param action: ``EXPIRE``, ``TRANSITION``, ``KEEP`` or ``ANY``; without, the affected images, which are the first
        two.
    :param rule: priority of the rule that decides about the image.
    :param pushed_from: first day in UTC on which the image was pushed.
    :param pushed_to: last day.
    :param min_bytes: its size is at least this.
    :param max_bytes: its size is at most this.
    :param never_pulled: ECR has recorded no pull of it.
    :param not_pulled_days: it was not pulled for this number of days; if it was never pulled, the push counts instead.
    :param listed_at: when the images were listed (aware), from which those days are counted.
    """

    search: str = ""
    action: Action | None = None
    rule: int | None = None
    pushed_from: date | None = None
    pushed_to: date | None = None
    min_bytes: int | None = None
    max_bytes: int | None = None
    never_pulled: bool = False
    not_pulled_days: int | None = None
    listed_at: datetime | None = None

    def sql(self) -> str:
        """Return the condition, whose parameters are the fields of this."""
        conditions = {
            "instr(lower(image_digest || ' ' || image_tags), :search)": self.search,
            f"action <> '{KEEP}'": self.action is None,
            "action = :action": self.action not in (None, "ANY"),
            "applied_rule_priority = :rule": self.rule is not None,
            "pushed_day >= :first_day": self.pushed_from is not None,
            "pushed_day <= :last_day": self.pushed_to is not None,
            "image_size_in_bytes >= :min_bytes": self.min_bytes is not None,
            "image_size_in_bytes <= :max_bytes": self.max_bytes is not None,
            # Sizes and pulls come from the same call: where one was not read, the other was not.
            "last_recorded_pull_time IS NULL AND image_size_in_bytes IS NOT NULL": self.never_pulled,
            "coalesce(last_recorded_pull_time, image_pushed_at) < :unused_since AND image_size_in_bytes IS NOT NULL": (
                self.not_pulled_days is not None
            ),
        }
        return " AND ".join(condition for condition, wanted in conditions.items() if wanted) or "TRUE"

    def parameters(self) -> dict[str, Any]:
        """Return the values of the parameters of the condition."""
        return {
            "search": self.search.lower(),
            "action": self.action,
            "rule": self.rule,
            "first_day": None if self.pushed_from is None else day_number(self.pushed_from),
            "last_day": None if self.pushed_to is None else day_number(self.pushed_to),
            "min_bytes": self.min_bytes,
            "max_bytes": self.max_bytes,
            "unused_since": self._unused_since(),
        }

    def _unused_since(self) -> str | None:
        if self.not_pulled_days is None or self.listed_at is None:
            return None
        return (self.listed_at - timedelta(days=self.not_pulled_days)).isoformat()


def day_number(day: date) -> int:
    """Return the number of days from 1970 to a day.

    :param day: the day.
    """
    return day.toordinal() - _EPOCH
