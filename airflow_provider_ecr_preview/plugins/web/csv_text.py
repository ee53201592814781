"""Lists as CSV that a spreadsheet may open."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

from airflow_provider_ecr_preview.core.text.spreadsheet import for_spreadsheet
from airflow_provider_ecr_preview.plugins.web.image_table import COLUMNS


def csv_chunks(chunks: Iterable[Iterable[Mapping[str, Any]]], columns: Sequence[str] = COLUMNS) -> Iterator[str]:
    """Yield the text, head first.

    :param chunks: the lines of the list, some at a time.
    :param columns: what of each is written.
    """
    yield _lines([columns])
    for lines in chunks:
        yield _lines([_cell(line[column]) for column in columns] for line in lines)


def _lines(rows: Iterable[Iterable[Any]]) -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _text(value: Any) -> str:
    return ": ".join(map(str, value)) if isinstance(value, list) else str(value)


def _cell(value: Any) -> Any:
    text = " ".join(map(_text, value)) if isinstance(value, list) else value
    if isinstance(text, dict):
        text = json.dumps(text, ensure_ascii=False)
    return for_spreadsheet(text) if isinstance(text, str) else text
