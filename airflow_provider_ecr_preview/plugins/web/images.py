"""The routes of the image list of one task, for those who may read its XCom."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse

from airflow_provider_ecr_preview.plugins.settings import reports_paths
from airflow_provider_ecr_preview.plugins.web.access import PRIVATE, READS_XCOM
from airflow_provider_ecr_preview.plugins.web.csv_text import csv_chunks
from airflow_provider_ecr_preview.plugins.web.image_lists import NoImageListError, images_uri_of
from airflow_provider_ecr_preview.plugins.web.image_table import ImageTable
from airflow_provider_ecr_preview.plugins.web.image_tables import ImageTables
from airflow_provider_ecr_preview.plugins.web.locations import ForeignLocationError, checked_location
from airflow_provider_ecr_preview.plugins.web.queries import (
    DEFAULT_PAGE,
    Limit,
    MapIndex,
    Offset,
    Sort,
    WantedImages,
    WantedRepository,
)
from airflow_provider_ecr_preview.plugins.web.stored import read_stored
from airflow_provider_ecr_preview.plugins.web.timeline import timeline
from airflow_provider_ecr_preview.plugins.web.xcoms import read_result
from airflow_provider_ecr_preview.report_layout import kept_list_uri

router = APIRouter(prefix="/dags/{dag_id}/runs/{run_id}/tasks/{task_id}", dependencies=[READS_XCOM])

_tables = ImageTables()


async def _table(
    request: Request,
    *,
    dag_id: str,
    run_id: str,
    task_id: str,
    repository: WantedRepository,
    map_index: MapIndex = -1,
) -> ImageTable:
    """Return the images of a task that whoever asks may read."""
    result = await read_result(request, dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index)
    try:
        uri = images_uri_of(result, repository)
    except NoImageListError as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from error
    return await run_in_threadpool(_opened, uri)


def _opened(uri: str) -> ImageTable:
    try:
        kept_uri = checked_location(kept_list_uri(uri), reports_paths())
    except (FileNotFoundError, ForeignLocationError):  # of the list itself it is told why it is not opened
        kept_uri = None
    return read_stored(uri, partial(_tables.open, kept_uri=kept_uri))


Table = Annotated[ImageTable, Depends(_table)]


@router.get("/images")
def read_page(
    table: Table,
    wanted: WantedImages,
    sort: Sort = "image_pushed_at",
    *,
    descending: bool = False,
    offset: Offset = 0,
    limit: Limit = DEFAULT_PAGE,
) -> JSONResponse:
    """Return some of the images: those that the policy would expire or archive, unless the action says others."""
    page = {
        "total": table.image_count,
        "matching": table.count(wanted),
        "offset": offset,
        "images": table.page(wanted, sort=sort, descending=descending, offset=offset, limit=limit),
    }
    return JSONResponse(page, headers=PRIVATE)


@router.get("/images/timeline")
def read_timeline(table: Table, wanted: WantedImages) -> JSONResponse:
    """Return how the images spread over the time when they were pushed."""
    return JSONResponse(timeline(table.by_day(wanted)), headers=PRIVATE)


@router.get("/images/rules")
def read_rules(table: Table) -> JSONResponse:
    """Return how many images each rule takes, keeps and shields; nothing where the kept ones were not written."""
    rules = [asdict(rule) for rule in table.by_rule()] if table.has_kept else None
    return JSONResponse({"rules": rules}, headers=PRIVATE)


@router.get("/images.csv")
def read_csv(
    table: Table, wanted: WantedImages, sort: Sort = "image_pushed_at", *, descending: bool = False
) -> StreamingResponse:
    """Return all of the images that are asked for as a file."""
    return StreamingResponse(
        csv_chunks(table.all(wanted, sort=sort, descending=descending)),
        media_type="text/csv; charset=utf-8",
        headers={**PRIVATE, "Content-Disposition": 'attachment; filename="ecr-preview-images.csv"'},
    )
