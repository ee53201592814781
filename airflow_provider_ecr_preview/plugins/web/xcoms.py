"""Read the result of a task as its reader would: through Airflow's public API, with the reader's own credentials."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import HTTPException, Request

from airflow_provider_ecr_preview.plugins.lazy_app import HOST_APP
from airflow_provider_ecr_preview.plugins.web.fair_queue import in_thread
from airflow_provider_ecr_preview.plugins.web.stored_xcoms import stored_value

MAX_RESULT_BYTES = 1024 * 1024
"""Twenty times the largest result that this package writes."""


_CREDENTIALS = ("authorization", "cookie", "host")


_NO_IDS = {"", ".", "..", "~"}


async def read_result(
    request: Request, *, dag_id: str, run_id: str, task_id: str, map_index: int, key: str = "return_value"
) -> Any:
    """Return an XCom of a task, if the user may read it, also if Airflow's backend has put it on object storage.

    The call stays in this process. Airflow decides whether it is allowed, and nothing here reads its tables.

    :param request: whose credentials count.
    :param dag_id: the DAG.
    :param run_id: the run.
    :param task_id: the task.
    :param map_index: which of the mapped tasks; -1 for one that is not mapped.
    :param key: the key of the XCom.
    :raises HTTPException: as Airflow's API answers; if the result is larger than any of this package, too.
    """
    ids = (dag_id, run_id, task_id)
    if _NO_IDS & set(ids):  # which would lead to another address
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such task.")
    dag, run, task = (quote(name, safe="", errors="replace") for name in ids)
    host = request.scope[HOST_APP]
    transport = httpx.ASGITransport(app=host, raise_app_exceptions=False)
    headers = {name: value for name in _CREDENTIALS if (value := request.headers.get(name))}
    # It would be packed and unpacked again in the one thread that serves all requests.
    headers["accept-encoding"] = "identity"
    async with httpx.AsyncClient(transport=transport, base_url="http://airflow", headers=headers) as airflow:
        response = await airflow.get(
            f"{host.root_path}/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/{key}",
            params={"map_index": map_index},
        )
    if response.status_code == HTTPStatus.OK:
        if len(response.content) > MAX_RESULT_BYTES:
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "The result of this task is larger than any that this package writes.",
            )
        value = _value_of(response)
        if not isinstance(value, str):
            return value
        return await in_thread(partial(stored_value, value, dag_id=dag_id, run_id=run_id, task_id=task_id))
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise HTTPException(HTTPStatus.NOT_FOUND, "This task has pushed no result.")
    if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise HTTPException(response.status_code, "Airflow does not let you read the result of this task.")
    raise HTTPException(
        HTTPStatus.BAD_GATEWAY,
        f"Airflow's API answered {response.status_code} to the request for the XCom. See the log of the API server.",
    )


def _value_of(response: httpx.Response) -> Any:
    try:
        return response.json()["value"]
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        raise HTTPException(HTTPStatus.CONFLICT, "The result of this task is not readable JSON.") from error
