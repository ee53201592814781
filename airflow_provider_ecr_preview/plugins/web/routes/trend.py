"""The route for the trend of the audits of a task, from the file that the result of one of them names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from airflow_provider_ecr_preview.core.bounded_reading import ReadBudget, bounded_lines
from airflow_provider_ecr_preview.core.xcom.audit import AUDIT_SCHEMA, TrendPoint
from airflow_provider_ecr_preview.plugins.web.access import READS_XCOM
from airflow_provider_ecr_preview.plugins.web.fair_queue import in_thread
from airflow_provider_ecr_preview.plugins.web.locations import open_checked
from airflow_provider_ecr_preview.plugins.web.opening import ANSWERS, READINGS, RequestedTask
from airflow_provider_ecr_preview.plugins.web.replies import json_reply, takes_gzip
from airflow_provider_ecr_preview.plugins.web.stored import read_stored
from airflow_provider_ecr_preview.reports.trend import BOUNDS, points_of

router = APIRouter(prefix="/dags/{dag_id}/runs/{run_id}/tasks/{task_id}", dependencies=[READS_XCOM])


@router.get("/trend")
async def read_trend(request: Request, requested: RequestedTask) -> Response:
    """Return the points of the trend, the oldest first."""
    user_id = requested.user.get_id()
    async with ANSWERS.turn(user_id):
        uri = _trend_uri(await requested.result())
        async with READINGS.turn(user_id):
            points = await in_thread(read_stored, partial(_read, uri))
        for dag_id in sorted({point["dag_id"] for point in points if point["dag_id"]}):
            await requested.check_owner(dag_id)
        return await in_thread(partial(json_reply, {"points": points}, is_packed=takes_gzip(request)))


def _trend_uri(result: Any) -> str:
    if not isinstance(result, Mapping) or result.get("schema") != AUDIT_SCHEMA:
        raise HTTPException(HTTPStatus.NOT_FOUND, "The result of this task is not an audit.")
    uri = result.get("trend_uri")
    if uri is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no trend. Give the audit a reports_path to write it to.")
    if not isinstance(uri, str):
        raise HTTPException(HTTPStatus.CONFLICT, "The result of this task is damaged: trend_uri is not an address.")
    return uri


def _read(uri: str, folders: Sequence[str]) -> list[TrendPoint]:
    with open_checked(uri, folders) as stored:
        return [*points_of(bounded_lines(stored, ReadBudget(BOUNDS), is_packed=False))]
