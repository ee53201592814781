"""Read the result of a task as its reader would: through Airflow's public API, with the reader's own credentials."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import HTTPException, Request

from airflow_provider_ecr_preview.plugins.lazy_app import HOST_APP

_CREDENTIALS = ("authorization", "cookie", "host")
_NO_IDS = {"", ".", "..", "~"}


async def read_result(request: Request, *, dag_id: str, run_id: str, task_id: str, map_index: int) -> Any:
    """Return the ``return_value`` of a task, if whoever asks may read it.

    The call stays in this process. Airflow decides whether it is allowed, and what a table of its is like.

    :param request: whose credentials count.
    :param dag_id: the DAG.
    :param run_id: the run.
    :param task_id: the task.
    :param map_index: which of the mapped tasks; -1 for one that is not mapped.
    :raises HTTPException: as Airflow's API answers.
    """
    ids = (dag_id, run_id, task_id)
    if _NO_IDS & set(ids):  # which would lead to another address
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such task.")
    dag, run, task = (quote(each, safe="") for each in ids)
    host = request.scope[HOST_APP]
    transport = httpx.ASGITransport(app=host, raise_app_exceptions=False)
    headers = {name: value for name in _CREDENTIALS if (value := request.headers.get(name))}
    async with httpx.AsyncClient(transport=transport, base_url="http://airflow", headers=headers) as airflow:
        response = await airflow.get(
            f"{host.root_path}/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/return_value",
            params={"map_index": map_index},
        )
    if response.status_code == HTTPStatus.OK:
        return response.json()["value"]
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise HTTPException(HTTPStatus.NOT_FOUND, "This task has pushed no result.")
    if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise HTTPException(response.status_code, response.json()["detail"])
    raise HTTPException(
        HTTPStatus.BAD_GATEWAY,
        f"Airflow's API answered {response.status_code} to the question for the XCom; see the log of the API server.",
    )
