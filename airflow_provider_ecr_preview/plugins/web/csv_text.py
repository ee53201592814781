"""Images as CSV that a spreadsheet may open."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from typing import Any

from airflow_provider_ecr_preview.core.text.spreadsheet import for_spreadsheet
from airflow_provider_ecr_preview.plugins.web.image_table import COLUMNS


def csv_chunks(chunks: Iterable[Iterable[Mapping[str, Any]]]) -> Iterator[str]:
    """Yield the text, head first.

    :param chunks: the images, some at a time.
    """
    yield _lines([COLUMNS])
    for images in chunks:
        yield _lines([_cell(image[column]) for column in COLUMNS] for image in images)


def _lines(rows: Iterable[Iterable[Any]]) -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    text = " ".join(map(str, value)) if isinstance(value, list) else value
    return for_spreadsheet(text) if isinstance(text, str) else text
