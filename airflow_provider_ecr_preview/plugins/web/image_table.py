"""The images of one list as a table that is searched, sorted and cut into pages without being held in memory."""

from __future__ import annotations

import json
import operator
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import chain
from threading import Lock
from types import NoneType
from typing import Any, Literal

from airflow_provider_ecr_preview.core.bounded_reading import TooMuchError
from airflow_provider_ecr_preview.core.ecr_values import EXPIRE, TRANSITION
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.kept import KEEP
from airflow_provider_ecr_preview.plugins.web.image_filter import ImageFilter, day_number
from airflow_provider_ecr_preview.plugins.web.thread_yield import breathe

_OF_KEPT_IMAGES = ("reason", "explanation", "next_action", "next_action_at", "shielded_from")


COLUMNS = (*(field.name for field in fields(PreviewedImage)), *_OF_KEPT_IMAGES)


SortColumn = Literal[
    "image_pushed_at",
    "image_size_in_bytes",
    "last_recorded_pull_time",
    "applied_rule_priority",
    "image_digest",
    "image_tags",
    "next_action_at",
]


MAX_IMAGES = 1_000_000
"""Ten times what ECR lets a repository hold."""


MAX_NUMBER = 2**43
"""More bytes than any image has, but few enough that the sizes of all rows can be added up."""


_CHUNK = 250


_BREATH = 20


_MAX_DAY = 100_000


_ACTIONS = (EXPIRE, TRANSITION, KEEP)


_NUMBERS = ("applied_rule_priority", "image_size_in_bytes")


_TYPES_OF: dict[str, tuple[type, ...]] = {
    "image_digest": (str,),
    "image_tags": (list,),
    "action": (str,),
    "shielded_from": (list, NoneType),
    **dict.fromkeys(_NUMBERS, (int, NoneType)),
}


_TYPES = [_TYPES_OF.get(column, (str, NoneType)) for column in COLUMNS]


_DAYS = ("pushed_day", "next_day")


_NEVER = -1
"""The day of the next action on an image that the policy never takes."""


_UNFORESEEN = ("not_evaluated", "not_in_preview")
"""The reasons of kept images for which no simulation holds."""


_INSERT = f"INSERT INTO images VALUES ({', '.join('?' * len((*COLUMNS, *_DAYS)))})"


_SUMS = "count(*), coalesce(sum(image_size_in_bytes), 0), count(*) - count(image_size_in_bytes)"


@dataclass(frozen=True, slots=True)
class DayCount:
    """The images of one action and one day.

    :param day: days since 1970 in UTC; None of those whose day is not known.
    :param action: ``EXPIRE``, ``TRANSITION`` or ``KEEP``.
    :param image_count: how many.
    :param known_bytes: the sum of the sizes that are known.
    :param unknown_sizes: of how many the size is not known.
    """

    day: int | None
    action: str
    image_count: int
    known_bytes: int
    unknown_sizes: int


@dataclass(frozen=True, slots=True)
class RuleCounts:
    """The counts of the images that one rule decides about.

    :param priority: its priority; None of the images that no rule decides about.
    :param taken: how many it expires or archives.
    :param kept: how many it keeps.
    :param shielded: how many of those a rule below it would take.
    """

    priority: int | None
    taken: int
    kept: int
    shielded: int


class ImageTable:
    """A read-only table in a temporary file, which ends with it.

    :param affected: the affected images, as :meth:`PreviewedImage.as_dict` has them.
    :param kept: those that stay, as :meth:`KeptImage.as_dict` has them; None if they were not written.
    :param dag_id: the DAG that wrote the list; None if it does not say.
    :raises ValueError: if one of them is no such image.
    :raises TooMuchError: if there are too many.
    """

    def __init__(
        self,
        affected: Iterable[Mapping[str, Any]],
        kept: Iterable[Mapping[str, Any]] | None = None,
        *,
        dag_id: str | None = None,
    ) -> None:
        self.dag_id = dag_id
        self.has_kept = kept is not None
        """Whether the images that stay are known."""
        # With an empty name SQLite uses a private temporary file, which is gone even when the process is killed.
        self._connection = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        weakref.finalize(self, self._connection.close)
        self._lock = Lock()
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute(f"CREATE TABLE images ({', '.join((*COLUMNS, *_DAYS))})")
        self._connection.execute("BEGIN")
        try:
            self._connection.executemany(_INSERT, image_rows(chain(affected, kept or ())))
        except (KeyError, OverflowError, TypeError) as error:
            raise ValueError(f"it is no list of images: {error}") from error
        for column in ("image_pushed_at", "image_size_in_bytes", "last_recorded_pull_time", "applied_rule_priority"):
            self._connection.execute(f"CREATE INDEX by_{column} ON images ({column})")
        self._connection.execute("CREATE INDEX by_digest ON images (image_digest)")
        self._connection.execute("CREATE INDEX by_tags ON images (image_tags)")
        self._connection.execute("COMMIT")
        self.image_count = self.count(ImageFilter())
        """The number of affected images."""

    @property
    def size_in_bytes(self) -> int:
        """The disk space that it takes."""
        return int(self._all("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")[0][0])

    def count(self, wanted: ImageFilter) -> int:
        """Return how many images are wanted.

        :param wanted: which images.
        """
        return int(self._all(f"SELECT count(*) FROM images WHERE {wanted.sql()}", wanted)[0][0])

    def page(
        self, wanted: ImageFilter, *, sort: SortColumn, descending: bool, offset: int, limit: int
    ) -> list[dict[str, Any]]:
        """Return some of the wanted images in an order that is the same at every call.

        :param wanted: which images.
        :param sort: what they are sorted by; what is not known is less than everything.
        :param descending: the greatest first.
        :param offset: how many to pass over.
        :param limit: how many at most.
        """
        query = f"{_select(wanted, sort, descending=descending)} LIMIT {limit:d} OFFSET {offset:d}"
        return [_image(row) for row in self._all(query, wanted)]

    def all(self, wanted: ImageFilter, *, sort: SortColumn, descending: bool) -> Iterator[list[dict[str, Any]]]:
        """Yield the wanted images in order, some at a time.

        :param wanted: which images.
        :param sort: what they are sorted by.
        :param descending: the greatest first.
        """
        with self._lock:
            cursor = self._connection.execute(_select(wanted, sort, descending=descending), wanted.parameters())
        try:
            while rows := self._some(cursor):
                yield [_image(row) for row in rows]
        finally:
            cursor.close()

    def by_day(self, wanted: ImageFilter) -> list[DayCount]:
        """Return how many of the wanted images were pushed on each day, sorted.

        :param wanted: which images.
        """
        query = f"SELECT pushed_day, action, {_SUMS} FROM images WHERE {wanted.sql()} GROUP BY 1, 2 ORDER BY 1, 2"
        return [DayCount(*row) for row in self._all(query, wanted)]

    def by_next_day(self, wanted: ImageFilter) -> list[DayCount]:
        """Return how many of the wanted kept images the policy takes on each day, sorted; those it never takes are left out.

        :param wanted: which images.
        """
        going = f"next_day IS NOT {_NEVER} AND action = '{KEEP}' AND {wanted.sql()}"
        query = (
            f"SELECT next_day, coalesce(next_action, ''), {_SUMS} FROM images WHERE {going} GROUP BY 1, 2 ORDER BY 1, 2"
        )
        return [DayCount(*row) for row in self._all(query, wanted)]

    def by_rule(self) -> list[RuleCounts]:
        """Return the counts of each rule, sorted."""
        kept = f"action = '{KEEP}'"
        sums = f"sum(NOT {kept}), sum({kept}), sum({kept} AND shielded_from <> '[]')"
        return [RuleCounts(*row) for row in self._all(f"SELECT applied_rule_priority, {sums} FROM images GROUP BY 1")]

    def _all(self, query: str, wanted: ImageFilter | None = None) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(query, wanted.parameters() if wanted else {}).fetchall()

    def _some(self, cursor: sqlite3.Cursor) -> list[tuple[Any, ...]]:
        with self._lock:
            return cursor.fetchmany(_CHUNK)


def _select(wanted: ImageFilter, sort: SortColumn, *, descending: bool) -> str:
    direction = "DESC" if descending else "ASC"
    columns = ", ".join(COLUMNS)
    return f"SELECT {columns} FROM images WHERE {wanted.sql()} ORDER BY {sort} {direction}, rowid {direction}"


def image_rows(images: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield images as rows: their columns, and the day on which each was pushed.

    :param images: as lists hold them.
    :raises ValueError: if one of them is no image.
    :raises TooMuchError: if there are too many.
    """
    for number, image in enumerate(images):
        if number == MAX_IMAGES:
            raise TooMuchError(f"it has more than {MAX_IMAGES:,} images")
        if not number % _BREATH:
            breathe()
        row = tuple(map(image.get, COLUMNS))
        tags, shielded_from = image["image_tags"], image.get("shielded_from", [])
        if (
            not all(map(operator.contains, _TYPES, map(type, row)))
            or image["action"] not in _ACTIONS
            or not all(type(tag) is str for tag in tags)
            or not all(type(rule) is int for rule in shielded_from)
            or not all(0 <= (image.get(name) or 0) <= MAX_NUMBER for name in _NUMBERS)
        ):
            raise ValueError(f"entry {number} of it is no image")
        tags_text = json.dumps(tags, ensure_ascii=False)
        days = (_day_of(image["image_pushed_at"]), _next_day(image))
        yield (row[0], tags_text, *row[2:-1], json.dumps(shielded_from), *days)


def _day_of(time: str | None) -> int | None:
    if time is None:
        return None
    day = day_number(datetime.fromisoformat(time).astimezone(UTC))
    if not 0 <= day <= _MAX_DAY:
        raise ValueError(f"{time} is no time at which an image was pushed")
    return day


def _next_day(image: Mapping[str, Any]) -> int | None:
    """Return the day of the next action on an image; None of one that is affected now, and where it is unknown."""
    if "next_action_at" not in image or image.get("reason") in _UNFORESEEN:
        return None
    at = image["next_action_at"]
    if at is None or image.get("next_action") not in _ACTIONS:
        return _NEVER
    return min(day_number(datetime.fromisoformat(at).astimezone(UTC)), _MAX_DAY)


def _image(row: tuple[Any, ...]) -> dict[str, Any]:
    image = dict(zip(COLUMNS, row, strict=True))
    return {**image, **{name: json.loads(image[name]) for name in ("image_tags", "shielded_from")}}
