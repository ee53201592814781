"""The route for an XCom of this package that Airflow's backend has put on object storage."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from airflow_provider_ecr_preview.plugins.web.access import READS_XCOM
from airflow_provider_ecr_preview.plugins.web.fair_queue import in_thread
from airflow_provider_ecr_preview.plugins.web.opening import ANSWERS, RequestedTask
from airflow_provider_ecr_preview.plugins.web.replies import json_reply, takes_gzip

router = APIRouter(prefix="/dags/{dag_id}/runs/{run_id}/tasks/{task_id}", dependencies=[READS_XCOM])


Key = Annotated[
    Literal[
        "return_value",
        "ecr_lifecycle_approval",
        "ecr_lifecycle_audit",
        "ecr_lifecycle_change",
        "ecr_lifecycle_comparison",
        "ecr_lifecycle_preview",
    ],
    Query(),
]


@router.get("/xcom")
async def read_xcom(request: Request, requested: RequestedTask, key: Key = "return_value") -> Response:
    """Return the value of an XCom; the address that Airflow's API returns if it is of another backend."""
    async with ANSWERS.turn(requested.user.get_id()):
        value = await requested.result(key)
        return await in_thread(partial(json_reply, {"value": value}, is_packed=takes_gzip(request)))
