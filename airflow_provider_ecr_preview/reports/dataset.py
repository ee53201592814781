"""The table of an audit as files: CSV always, Parquet where pyarrow is installed."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from io import TextIOWrapper
from typing import IO, TYPE_CHECKING, Any, Protocol

from airflow_provider_ecr_preview.core.bounded_reading import ReadBounds, ReadBudget, bounded_lines
from airflow_provider_ecr_preview.core.text.spreadsheet import for_spreadsheet
from airflow_provider_ecr_preview.reports.columns import COLUMNS, Row

if TYPE_CHECKING:
    import pyarrow as pa
    from airflow.sdk import ObjectStoragePath


ROW_GROUP = 1000


_BOUNDS = ReadBounds(stored_bytes=2**30, unpacked_bytes=2**30, lines=10_000_000, line_bytes=2**20, seconds=3600)


class TableFile(Protocol):
    """A file of a table that grows on the worker."""

    def write(self, row: Row) -> None:
        """Append a row."""
        ...

    def finish(self) -> IO[bytes]:
        """Return the whole file, from its beginning on."""
        ...

    def close(self) -> None:
        """Drop the file."""
        ...


class CsvFile:
    """A file of comma-separated values with a header, UTF-8, quoted where it must be.

    These files are for programs, so values are written as they are; only messages, which are for people, get an apostrophe
    before what a spreadsheet would compute. Times are ISO 8601 in UTC, and what is not known is empty.
    """

    def __init__(self) -> None:
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - close() does
        self._lines = TextIOWrapper(self._spool, encoding="utf-8", newline="", write_through=True)
        self._writer = csv.writer(self._lines, lineterminator="\n")
        self._writer.writerow(column.name for column in COLUMNS)

    def write(self, row: Row) -> None:
        """Append a row."""
        self._writer.writerow(_text(column.name, row[column.name]) for column in COLUMNS)

    def finish(self) -> IO[bytes]:
        """Return the whole file, from its beginning on."""
        self._lines.flush()
        self._spool.seek(0)
        return self._spool

    def close(self) -> None:
        """Drop the file."""
        self._lines.close()


class ParquetFile:
    """A Parquet file whose columns have their types also where no row has a value."""

    def __init__(self) -> None:
        import pyarrow.parquet as pq

        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - close() does
        self._writer = pq.ParquetWriter(self._spool, arrow_schema())
        self._rows: list[Row] = []

    def write(self, row: Row) -> None:
        """Append a row."""
        self._rows.append(row)
        if len(self._rows) >= ROW_GROUP:
            self._flush()

    def finish(self) -> IO[bytes]:
        """Return the whole file, from its beginning on."""
        self._flush()
        self._writer.close()
        self._spool.seek(0)
        return self._spool

    def close(self) -> None:
        """Drop the file."""
        self._writer.close()
        self._spool.close()

    def _flush(self) -> None:
        import pyarrow as pa

        self._writer.write_table(pa.Table.from_pylist(self._rows, schema=arrow_schema()))
        self._rows = []


def table_formats() -> dict[str, type[TableFile]]:
    """Return the formats that can be written here, by the ending of their files."""
    return {"csv": CsvFile, "parquet": ParquetFile} if find_spec("pyarrow") else {"csv": CsvFile}


def csv_rows(file: ObjectStoragePath) -> Iterator[dict[str, str]]:
    """Yield the rows of a file that :class:`CsvFile` made, as texts.

    :param file: where it is.
    """
    with file.open("rb") as stored:
        yield from rows_of(bounded_lines(stored, ReadBudget(_BOUNDS), is_packed=False))


def rows_of(lines: Iterable[bytes]) -> csv.DictReader[str]:
    """Return the rows that lines of such a file hold.

    :param lines: the lines, without their line breaks.
    """
    return csv.DictReader(f"{line.decode()}\n" for line in lines)


@cache
def arrow_schema() -> pa.Schema:
    """Return the types of the columns for Parquet."""
    import pyarrow as pa

    types = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "time": pa.timestamp("us", tz="UTC")}
    return pa.schema([(column.name, types[column.type]) for column in COLUMNS])


def _text(column_name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return for_spreadsheet(value) if column_name == "message" and value is not None else value
