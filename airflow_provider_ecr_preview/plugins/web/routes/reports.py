"""The route of the readable report of an audit or the question of an approval, for those who may read its XCom."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from airflow_provider_ecr_preview.core.bounded_reading import ReadBounds, ReadBudget, bounded_lines
from airflow_provider_ecr_preview.core.list_writer import dag_id_of_report
from airflow_provider_ecr_preview.core.xcom.approval import APPROVAL_KEY
from airflow_provider_ecr_preview.plugins.web.access import PRIVATE, READS_XCOM
from airflow_provider_ecr_preview.plugins.web.fair_queue import in_thread
from airflow_provider_ecr_preview.plugins.web.image_lists import report_uri_of
from airflow_provider_ecr_preview.plugins.web.locations import open_checked
from airflow_provider_ecr_preview.plugins.web.opening import ANSWERS, READINGS, RequestedTask, TaskRequest, refused
from airflow_provider_ecr_preview.plugins.web.stored import read_stored

router = APIRouter(prefix="/dags/{dag_id}/runs/{run_id}/tasks/{task_id}", dependencies=[READS_XCOM])


_BOUNDS = ReadBounds(stored_bytes=8 * 2**20, unpacked_bytes=8 * 2**20, lines=200_000, line_bytes=2**20, seconds=30)


_BEGINNINGS = ("# ECR lifecycle audit ", "# DRY RUN, ", "# FOR GOOD: ", "# IN EARNEST: ")
"""How every report and question begins; another file below the folder of reports is not shown."""


_HEADERS = {**PRIVATE, "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox"}


@router.get("/report")
async def read_report(requested: RequestedTask) -> Response:
    """Return the report as plain text, which no browser runs."""
    user_id = requested.user.get_id()
    async with ANSWERS.turn(user_id):
        result = await _result(requested)
        with refused():
            uri = report_uri_of(result)
        async with READINGS.turn(user_id):
            text = await in_thread(read_stored, partial(_read, uri))
        dag_id = dag_id_of_report(text)
        if dag_id is None:
            raise HTTPException(
                HTTPStatus.CONFLICT,
                "The report does not say which DAG wrote it, so it is not shown. Run the task again to write it.",
            )
        await requested.check_owner(dag_id)
    return Response(text, media_type="text/plain; charset=utf-8", headers=_HEADERS)


async def _result(requested: TaskRequest) -> Any:
    """Return the result of a task, or the question that it asks."""
    try:
        if (result := await requested.result()) is not None:
            return result
    except HTTPException as error:
        if error.status_code != HTTPStatus.NOT_FOUND:
            raise
    return await requested.result(APPROVAL_KEY)


def _read(uri: str, folders: Sequence[str]) -> str:
    with open_checked(uri, folders) as stored:
        text = b"\n".join(bounded_lines(stored, ReadBudget(_BOUNDS), is_packed=False)).decode()
    if not text.startswith(_BEGINNINGS):
        raise ValueError("it does not begin as a report does")
    return text
