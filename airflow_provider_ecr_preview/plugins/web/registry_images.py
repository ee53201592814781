"""The images of all repositories of one audit, in which an image is found by its tag or digest."""

from __future__ import annotations

import json
import sqlite3
import time
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, NamedTuple

from airflow_provider_ecr_preview.core.bounded_reading import ReadBounds, ReadBudget, TooMuchError, bounded_objects
from airflow_provider_ecr_preview.core.list_writer import HEAD_BYTES, dag_id_of
from airflow_provider_ecr_preview.plugins.web.image_table import COLUMNS, image_rows
from airflow_provider_ecr_preview.plugins.web.locations import open_checked
from airflow_provider_ecr_preview.reports.layout import kept_list_uri

MAX_IMAGES = 500_000
"""The images of one audit that are searched; with more, the rest of the repositories is not."""


SECONDS_AT_A_TIME = 2.0
"""How long one request reads lists; the next one goes on from there."""


BOUNDS = ReadBounds(
    stored_bytes=512 * 2**20, unpacked_bytes=2 * 2**30, lines=2 * MAX_IMAGES, line_bytes=2**20, seconds=600, ratio=100
)


_IMAGE = (
    "image_digest",
    "image_tags",
    "image_pushed_at",
    "image_size_in_bytes",
    "last_recorded_pull_time",
    "applied_rule_priority",
    "action",
)


_REPOSITORY = ("registry_id", "region_name", "repository_name")


_PLACES = tuple(COLUMNS.index(name) for name in _IMAGE)


_WANTED = "instr(searched, :search) AND (dag_id IS NULL OR dag_id IN (SELECT value FROM json_each(:dag_ids)))"


class ListOfRepository(NamedTuple):
    """Where the images of one repository are listed.

    :param registry_id: the registry (account).
    :param region_name: the Region.
    :param repository_name: its name.
    :param images_uri: where its list is.
    """

    registry_id: str | None
    region_name: str | None
    repository_name: str
    images_uri: str


class RegistryImages:
    """Images in a temporary file, which ends with it. It is filled a few lists at a time, and searched at any time.

    :param lists: the lists of all repositories.
    :param clock: returns the time in seconds.
    """

    def __init__(self, lists: Sequence[ListOfRepository], clock: Callable[[], float] = time.monotonic) -> None:
        self.dag_ids: set[str] = set()
        """The DAGs that wrote the lists, as far as they say."""
        self.unread_count = 0
        """How many lists could not be read."""
        self._lists = lists
        self._clock = clock
        self._next = 0
        self._image_count = 0
        self._budget = ReadBudget(BOUNDS, clock)
        self._reading = Lock()
        self._lock = Lock()
        self._connection = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        weakref.finalize(self, self._connection.close)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute(f"CREATE TABLE images ({', '.join((*_REPOSITORY, *_IMAGE))}, searched, dag_id)")

    @property
    def is_whole(self) -> bool:
        """Whether no list is left to read."""
        return self._next >= len(self._lists) or self.is_cut

    @property
    def is_cut(self) -> bool:
        """Whether there are more images than are searched."""
        return self._image_count >= MAX_IMAGES

    def read_more(self, folders: Sequence[str], seconds: float = SECONDS_AT_A_TIME) -> None:
        """Read some of the lists, at least one.

        :param folders: the folders below which files may be opened.
        :param seconds: how long.
        """
        with self._reading:
            until = self._clock() + seconds
            while not self.is_whole:
                self._read(self._lists[self._next], folders)
                self._next += 1
                if self._clock() >= until:
                    return

    def found(self, search: str, dag_ids: Iterable[str], *, offset: int, limit: int) -> dict[str, Any]:
        """Return the images that have a text in a tag or in the digest, and how far the lists were read.

        :param search: the text, in any case.
        :param dag_ids: the DAGs whose lists the user may read; those of others, read meanwhile, are left out.
        :param offset: how many to pass over.
        :param limit: how many at most.
        """
        parameters = {"search": search.lower(), "dag_ids": json.dumps([*dag_ids])}
        names = (*_REPOSITORY, *_IMAGE)
        with self._lock:
            [(matching,)] = self._connection.execute(f"SELECT count(*) FROM images WHERE {_WANTED}", parameters)
            rows = self._connection.execute(
                f"SELECT {', '.join(names)} FROM images WHERE {_WANTED} ORDER BY rowid LIMIT {limit:d} OFFSET {offset:d}",
                parameters,
            ).fetchall()
        images = [dict(zip(names, row, strict=True)) for row in rows]
        return {
            "repositories": len(self._lists),
            "searched": self._next,
            "unread": self.unread_count,
            "is_cut": self.is_cut,
            "matching": matching,
            "offset": offset,
            "images": [{**image, "image_tags": json.loads(image["image_tags"])} for image in images],
        }

    def _read(self, listed: ListOfRepository, folders: Sequence[str]) -> None:
        try:
            rows = [*self._rows(listed, folders)]
        except TooMuchError:
            self._image_count = MAX_IMAGES
            return
        except Exception:  # noqa: BLE001 - one list that cannot be read must not hide the images of the others
            self.unread_count += 1
            return
        with self._lock:
            self._connection.execute("BEGIN")
            self._connection.executemany(f"INSERT INTO images VALUES ({', '.join('?' * 12)})", rows)
            self._connection.execute("COMMIT")
        self._image_count += len(rows)

    def _rows(self, listed: ListOfRepository, folders: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        dag_id = yield from self._rows_of(listed, listed.images_uri, folders)
        if dag_id:
            self.dag_ids.add(dag_id)
        try:
            kept = [*self._rows_of(listed, kept_list_uri(listed.images_uri), folders, of_dag=(dag_id,))]
        except (FileNotFoundError, PermissionError):
            return  # not written
        yield from kept

    def _rows_of(
        self, listed: ListOfRepository, uri: str, folders: Sequence[str], of_dag: tuple[str | None] | None = None
    ) -> Generator[tuple[Any, ...], None, str | None]:
        with open_checked(uri, folders) as stored:
            dag_id = dag_id_of(stored.read(HEAD_BYTES))
            if of_dag is not None and of_dag != (dag_id,):
                return dag_id  # A list from another DAG does not belong to this one.
            stored.seek(0)
            images: Iterator[Mapping[str, Any]] = bounded_objects(stored, self._budget)
            for row in image_rows(images):
                values = [row[place] for place in _PLACES]
                yield (*listed[:3], *values, f"{values[0]} {values[1]}".lower(), dag_id)
        return dag_id
