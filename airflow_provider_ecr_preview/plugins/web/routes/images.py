"""The routes of the image list of one task, for those who may read its XCom."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request
from fastapi.responses import Response

from airflow_provider_ecr_preview.plugins.web.access import READS_XCOM
from airflow_provider_ecr_preview.plugins.web.csv_text import csv_chunks
from airflow_provider_ecr_preview.plugins.web.downloads import CsvDownload, file_name
from airflow_provider_ecr_preview.plugins.web.fair_queue import in_thread
from airflow_provider_ecr_preview.plugins.web.forecast import forecast
from airflow_provider_ecr_preview.plugins.web.image_table import COLUMNS, ImageTable
from airflow_provider_ecr_preview.plugins.web.opening import OpenedImages, RequestedImages
from airflow_provider_ecr_preview.plugins.web.queries import DEFAULT_PAGE, Limit, Offset, Sort
from airflow_provider_ecr_preview.plugins.web.replies import encoded, json_reply, takes_gzip
from airflow_provider_ecr_preview.plugins.web.timeline import timeline

router = APIRouter(prefix="/dags/{dag_id}/runs/{run_id}/tasks/{task_id}", dependencies=[READS_XCOM])


@router.get("/images")
async def read_page(
    request: Request,
    requested: RequestedImages,
    sort: Sort = "image_pushed_at",
    *,
    descending: bool = False,
    offset: Offset = 0,
    limit: Limit = DEFAULT_PAGE,
) -> Response:
    """Return some of the images: those that the policy would expire or archive, unless the action says others."""

    def page(opened: OpenedImages) -> Response:
        table, wanted = opened.table, opened.wanted
        images = table.page(wanted, sort=sort, descending=descending, offset=offset, limit=limit)
        value = {"total": table.image_count, "matching": table.count(wanted), "offset": offset, "images": images}
        return json_reply(value, is_packed=takes_gzip(request))

    async with requested.opened() as opened:
        return await in_thread(page, opened)


@router.get("/images/timeline")
async def read_timeline(request: Request, requested: RequestedImages) -> Response:
    """Return how the images spread over the time when they were pushed."""

    def reply(opened: OpenedImages) -> Response:
        return json_reply(timeline(opened.table.by_day(opened.wanted)), is_packed=takes_gzip(request))

    async with requested.opened() as opened:
        return await in_thread(reply, opened)


@router.get("/images/rules")
async def read_rules(request: Request, requested: RequestedImages) -> Response:
    """Return how many images each rule takes, keeps and shields; nothing where the kept ones were not written."""

    def rules(table: ImageTable) -> Response:
        value = [asdict(rule) for rule in table.by_rule()] if table.has_kept else None
        return json_reply({"rules": value}, is_packed=takes_gzip(request))

    async with requested.opened() as opened:
        return await in_thread(rules, opened.table)


@router.get("/images/forecast")
async def read_forecast(request: Request, requested: RequestedImages) -> Response:
    """Return what would go in the next days if nothing were pushed, as a simulation."""

    def reply(opened: OpenedImages) -> Response:
        return json_reply(forecast(opened.table, opened.listed_at), is_packed=takes_gzip(request))

    async with requested.opened() as opened:
        return await in_thread(reply, opened)


@router.get("/images.csv")
async def read_csv(
    request: Request,
    requested: RequestedImages,
    sort: Sort = "image_pushed_at",
    *,
    descending: bool = False,
) -> Response:
    """Return all of the wanted images as a file, which says in every line which preview it is of."""
    is_packed = takes_gzip(request)
    task = requested.task
    async with requested.opened() as (table, subject, wanted, _):
        marks = {**subject, "dag_id": task.dag_id, "run_id": task.run_id, "task_id": task.task_id}
        lines = ([{**image, **marks} for image in some] for some in table.all(wanted, sort=sort, descending=descending))
        chunks = encoded(csv_chunks(lines, (*COLUMNS, *marks)), is_packed=is_packed)
    audit = subject["audit_id"] or f"{task.task_id} {task.run_id}"
    name = file_name("images", subject["repository_name"], subject["region_name"], audit)
    return CsvDownload(chunks, task.user.get_id(), name, is_packed=is_packed)
