"""The lines of one list as a table that is searched, filtered and cut into pages without being held in memory."""

from __future__ import annotations

import json
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from airflow_provider_ecr_preview.core.bounded_reading import TooMuchError
from airflow_provider_ecr_preview.plugins.web.thread_yield import breathe

MAX_ROWS = 1_000_000


MAX_CATEGORIES = 100
"""More than any column has values by which lines are counted."""


_CATEGORIES = ("status", "category", "verdict", "change")
"""Columns by which lines are counted; a line has one of them at most."""


_CHUNK = 250


_BREATH = 20


@dataclass(frozen=True, slots=True)
class RowFilter:
    """A filter for lines; empty fields do not matter.

    :param search: part of any value of the line.
    :param value: value of the column by which lines are counted.
    """

    search: str = ""
    value: str = ""

    def sql(self) -> str:
        """Return the condition, whose parameters are the fields of this."""
        conditions = {"instr(searched, :search)": self.search, "category = :value": self.value}
        return " AND ".join(condition for condition, wanted in conditions.items() if wanted) or "TRUE"

    def parameters(self) -> dict[str, Any]:
        """Return the values of the parameters of the condition."""
        # The values are searched as JSON, in which a quotation mark and a backslash stand behind another backslash.
        return {"search": json.dumps(self.search.lower(), ensure_ascii=False)[1:-1], "value": self.value}


class RowTable:
    """A read-only table in a temporary file, which ends with it.

    :param rows: the lines.
    :param dag_id: the DAG that wrote the list; None if it does not say.
    :raises ValueError: if one of them is no such line.
    :raises TooMuchError: if there are too many.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]], *, dag_id: str | None = None) -> None:
        self.dag_id = dag_id
        # With an empty name SQLite uses a private temporary file, which is gone even when the process is killed.
        self._connection = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        weakref.finalize(self, self._connection.close)
        self._lock = Lock()
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("CREATE TABLE rows (category, line, searched)")
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO rows VALUES (?, ?, ?)", _lines(rows))
        self._connection.execute("CREATE INDEX by_category ON rows (category)")
        self._connection.execute("COMMIT")
        self.row_count = self.count(RowFilter())
        """The number of lines."""

    @property
    def size_in_bytes(self) -> int:
        """The disk space that it takes."""
        return int(self._all("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")[0][0])

    def count(self, wanted: RowFilter) -> int:
        """Return how many lines are wanted.

        :param wanted: which lines.
        """
        return int(self._all(f"SELECT count(*) FROM rows WHERE {wanted.sql()}", wanted)[0][0])

    def categories(self) -> dict[str, int]:
        """Return how many lines have each value by which lines are counted, the most frequent first."""
        query = "SELECT category, count(*) FROM rows WHERE category IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT"
        return dict(self._all(f"{query} {MAX_CATEGORIES}"))

    def page(self, wanted: RowFilter, columns: Iterable[str], *, offset: int, limit: int) -> list[dict[str, Any]]:
        """Return some of the wanted lines in the order of the list.

        :param wanted: which lines.
        :param columns: what of each is wanted.
        :param offset: how many to pass over.
        :param limit: how many at most.
        """
        query = f"{_select(wanted)} LIMIT {limit:d} OFFSET {offset:d}"
        return [_row(line, columns) for (line,) in self._all(query, wanted)]

    def all(self, wanted: RowFilter, columns: Iterable[str]) -> Iterator[list[dict[str, Any]]]:
        """Yield the wanted lines in order, some at a time.

        :param wanted: which lines.
        :param columns: what of each is wanted.
        """
        with self._lock:
            cursor = self._connection.execute(_select(wanted), wanted.parameters())
        try:
            while rows := self._some(cursor):
                yield [_row(line, columns) for (line,) in rows]
        finally:
            cursor.close()

    def _all(self, query: str, wanted: RowFilter | None = None) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(query, wanted.parameters() if wanted else {}).fetchall()

    def _some(self, cursor: sqlite3.Cursor) -> list[tuple[Any, ...]]:
        with self._lock:
            return cursor.fetchmany(_CHUNK)


def _select(wanted: RowFilter) -> str:
    return f"SELECT line FROM rows WHERE {wanted.sql()} ORDER BY rowid"


def _lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str | None, str, str]]:
    for number, row in enumerate(rows):
        if number == MAX_ROWS:
            raise TooMuchError(f"it has more than {MAX_ROWS:,} lines")
        if not number % _BREATH:
            breathe()
        if not isinstance(row.get("repository_name"), str | None) or "repository_name" not in row:
            raise ValueError(f"entry {number} of it is of no repository")
        category = next((row[name] for name in _CATEGORIES if isinstance(row.get(name), str)), None)
        searched = json.dumps([*row.values()], ensure_ascii=False).lower()
        yield category, json.dumps(row, ensure_ascii=False), searched


def _row(line: str, columns: Iterable[str]) -> dict[str, Any]:
    row = json.loads(line)
    return {column: row.get(column) for column in columns}
