"""The route of all repositories of one audit, of which its result holds but the first."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from itertools import islice
from typing import Any

from airflow.sdk import ObjectStoragePath
from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from airflow_provider_ecr_preview.audit_table_files import csv_rows
from airflow_provider_ecr_preview.audit_table_rows import COLUMNS
from airflow_provider_ecr_preview.plugins.web.access import PRIVATE, READS_XCOM
from airflow_provider_ecr_preview.plugins.web.queries import MapIndex
from airflow_provider_ecr_preview.plugins.web.stored import read_stored
from airflow_provider_ecr_preview.plugins.web.xcoms import read_result
from airflow_provider_ecr_preview.report_layout import site_of
from airflow_provider_ecr_preview.xcom import AUDIT_SCHEMA

router = APIRouter(prefix="/dags/{dag_id}/runs/{run_id}/tasks/{task_id}", dependencies=[READS_XCOM])

MAX_REPOSITORIES = 100_000
"""What an AWS account holds in one Region."""

_OF_THE_AUDIT = {"audit_id", "audit_name", "audited_at"}
_SHOWN = tuple(column for column in COLUMNS if column.name not in _OF_THE_AUDIT)
_NAMES = ("registry_id", "region_name", *(column.name for column in _SHOWN))


@router.get("/repositories")
async def read_repositories(
    request: Request, *, dag_id: str, run_id: str, task_id: str, map_index: MapIndex = -1
) -> JSONResponse:
    """Return the names of the columns once, and a row for each repository."""
    result = await read_result(request, dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index)
    if not isinstance(result, Mapping) or result.get("schema") != AUDIT_SCHEMA:
        raise HTTPException(404, "The result of this task is no audit.")
    tables = [uri for uri in result.get("table_uris") or () if isinstance(uri, str) and uri.endswith(".csv")]
    if not tables:
        raise HTTPException(404, "There is no table of all repositories. Give the audit a reports_path to write it to.")
    return await run_in_threadpool(_answer, tables)


def _answer(tables: list[str]) -> JSONResponse:
    rows = [row for uri in tables for row in read_stored(uri, _rows)]
    return JSONResponse({"columns": _NAMES, "rows": rows}, headers=PRIVATE)


def _rows(uri: str) -> list[list[Any]]:
    site = site_of(uri)
    try:
        return [[*site, *_values(row)] for row in islice(csv_rows(ObjectStoragePath(uri)), MAX_REPOSITORIES)]
    except (csv.Error, KeyError, TypeError) as error:
        raise ValueError(f"This is no table of repositories: {error}") from error


def _values(row: Mapping[str, str]) -> list[Any]:
    return [_value(row[column.name], is_integer=column.type == "integer") for column in _SHOWN]


def _value(text: str, *, is_integer: bool) -> str | int | None:
    if not text:
        return None
    return int(text) if is_integer else text
