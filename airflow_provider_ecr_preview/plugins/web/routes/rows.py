"""The routes of the list that the result of one task points to, for those who may read its XCom."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from airflow_provider_ecr_preview.plugins.web.access import READS_XCOM
from airflow_provider_ecr_preview.plugins.web.csv_text import csv_chunks
from airflow_provider_ecr_preview.plugins.web.downloads import CsvDownload, file_name
from airflow_provider_ecr_preview.plugins.web.fair_queue import in_thread
from airflow_provider_ecr_preview.plugins.web.opening import RequestedRows
from airflow_provider_ecr_preview.plugins.web.queries import DEFAULT_PAGE, Limit, Offset, Text
from airflow_provider_ecr_preview.plugins.web.replies import encoded, json_reply, takes_gzip
from airflow_provider_ecr_preview.plugins.web.row_lists import RowList
from airflow_provider_ecr_preview.plugins.web.row_table import RowFilter, RowTable

router = APIRouter(prefix="/dags/{dag_id}/runs/{run_id}/tasks/{task_id}", dependencies=[READS_XCOM])


def _row_filter(search: Text = None, value: Text = None) -> RowFilter:
    return RowFilter(search or "", value or "")


WantedRows = Annotated[RowFilter, Depends(_row_filter)]


@router.get("/rows")
async def read_page(
    request: Request, requested: RequestedRows, wanted: WantedRows, offset: Offset = 0, limit: Limit = DEFAULT_PAGE
) -> Response:
    """Return some of the lines, and the number of lines by outcome."""

    def page(table: RowTable, rows: RowList) -> Response:
        value = {
            "total": table.row_count,
            "matching": table.count(wanted),
            "offset": offset,
            "filter": rows.category,
            "values": table.categories() if rows.category else {},
            "rows": table.page(wanted, rows.columns, offset=offset, limit=limit),
        }
        return json_reply(value, is_packed=takes_gzip(request))

    async with requested.opened() as (table, rows):
        return await in_thread(page, table, rows)


@router.get("/rows.csv")
async def read_csv(request: Request, requested: RequestedRows, wanted: WantedRows) -> Response:
    """Return all of the wanted lines as a file, which says in every line which run it is of."""
    is_packed = takes_gzip(request)
    task = requested.task
    marks = {"dag_id": task.dag_id, "run_id": task.run_id, "task_id": task.task_id}
    async with requested.opened() as (table, rows):
        lines = ([{**line, **marks} for line in some] for some in table.all(wanted, rows.columns))
        chunks = encoded(csv_chunks(lines, (*rows.columns, *marks)), is_packed=is_packed)
    name = file_name(task.dag_id, task.task_id, task.run_id)
    return CsvDownload(chunks, task.user.get_id(), name, is_packed=is_packed)
