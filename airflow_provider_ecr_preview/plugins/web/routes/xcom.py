"""The route for an XCom of this package that Airflow's backend has put on object storage."""

from __future__ import annotations

from enum import StrEnum
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response

from airflow_provider_ecr_preview.core.xcom.approval import APPROVAL_KEY
from airflow_provider_ecr_preview.core.xcom.preview import (
    AUDIT_MARKER_KEY,
    CHANGE_MARKER_KEY,
    COMPARISON_MARKER_KEY,
    MARKER_KEY,
)
from airflow_provider_ecr_preview.plugins.web.access import READS_XCOM
from airflow_provider_ecr_preview.plugins.web.fair_queue import in_thread
from airflow_provider_ecr_preview.plugins.web.opening import ANSWERS, RequestedTask
from airflow_provider_ecr_preview.plugins.web.replies import json_reply, takes_gzip

router = APIRouter(prefix="/dags/{dag_id}/runs/{run_id}/tasks/{task_id}", dependencies=[READS_XCOM])


class Key(StrEnum):
    """The XCom keys that tasks of this package push."""

    RETURN_VALUE = "return_value"
    APPROVAL = APPROVAL_KEY
    AUDIT = AUDIT_MARKER_KEY
    CHANGE = CHANGE_MARKER_KEY
    COMPARISON = COMPARISON_MARKER_KEY
    PREVIEW = MARKER_KEY


@router.get("/xcom")
async def read_xcom(request: Request, requested: RequestedTask, key: Key = Key.RETURN_VALUE) -> Response:
    """Return the value of an XCom; the address that Airflow's API returns if it is of another backend."""
    async with ANSWERS.turn(requested.user.get_id()):
        value = await requested.result(key)
        return await in_thread(partial(json_reply, {"value": value}, is_packed=takes_gzip(request)))
