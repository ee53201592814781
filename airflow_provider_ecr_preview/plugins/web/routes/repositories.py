"""The route for all repositories of one audit; its result holds only the first ones."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from threading import Lock
from typing import Any, NamedTuple

from airflow.sdk import ObjectStoragePath
from cachetools import LRUCache
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from airflow_provider_ecr_preview.core.bounded_reading import ReadBounds, ReadBudget, TooMuchError, bounded_lines
from airflow_provider_ecr_preview.plugins.web.access import READS_XCOM
from airflow_provider_ecr_preview.plugins.web.breath import breathe
from airflow_provider_ecr_preview.plugins.web.image_lists import DamagedResultError, NoListError, table_uris_of
from airflow_provider_ecr_preview.plugins.web.locations import checked_location, open_checked
from airflow_provider_ecr_preview.plugins.web.opening import ANSWERS, READINGS, RequestedTask
from airflow_provider_ecr_preview.plugins.web.refusals import Refusals
from airflow_provider_ecr_preview.plugins.web.replies import encoded, packed_reply, takes_gzip
from airflow_provider_ecr_preview.plugins.web.stored import read_stored
from airflow_provider_ecr_preview.plugins.web.turns import in_thread
from airflow_provider_ecr_preview.reports.columns import COLUMNS
from airflow_provider_ecr_preview.reports.dataset import rows_of
from airflow_provider_ecr_preview.reports.layout import site_of

router = APIRouter(prefix="/dags/{dag_id}/runs/{run_id}/tasks/{task_id}", dependencies=[READS_XCOM])


MAX_REPOSITORIES = 100_000
"""The maximum that an AWS account can hold in one Region."""


MAX_CACHED_BYTES = 64 * 2**20


_BOUNDS = ReadBounds(
    stored_bytes=128 * 2**20, unpacked_bytes=128 * 2**20, lines=2 * MAX_REPOSITORIES, line_bytes=2**20, seconds=60
)


_NOT_SHOWN = {"audit_id", "audit_name", "audited_at", "dag_id", "policies", "selection"}


_SHOWN = tuple(column for column in COLUMNS if column.name not in _NOT_SHOWN)


_NAMES = ("registry_id", "region_name", *(column.name for column in _SHOWN))


_Key = tuple[tuple[str, int], ...]


class _Repositories(NamedTuple):
    """All repositories of an audit.

    :param packed: the answer, packed.
    :param dag_ids: the DAGs that wrote the tables, as far as they say.
    """

    packed: bytes
    dag_ids: frozenset[str]


_known: LRUCache[_Key, _Repositories] = LRUCache(MAX_CACHED_BYTES, lambda answer: len(answer.packed))


_lock = Lock()


_refusals = Refusals()


@router.get("/repositories")
async def read_repositories(request: Request, requested: RequestedTask) -> Response:
    """Return the names of the columns once, and a row for each repository."""
    user_id = requested.user.get_id()
    async with ANSWERS.turn(user_id):
        try:
            uris = table_uris_of(await requested.result())
        except NoListError as error:
            raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from error
        except DamagedResultError as error:
            raise HTTPException(HTTPStatus.CONFLICT, str(error)) from error
        key = await in_thread(read_stored, partial(_key, uris))
        answer = _find(key) or await _read_in_turn(key, user_id)
        for dag_id in answer.dag_ids:
            await requested.check_owner(dag_id)
        return await in_thread(partial(packed_reply, answer.packed, is_packed=takes_gzip(request)))


async def _read_in_turn(key: _Key, user_id: str) -> _Repositories:
    async with READINGS.turn(user_id):
        return await in_thread(read_stored, partial(_read, key))


def _key(uris: Sequence[str], folders: Sequence[str]) -> _Key:
    key = tuple((uri, ObjectStoragePath(checked_location(uri, folders)).checksum()) for uri in uris)
    _refusals.check(key)
    return key


def _find(key: _Key) -> _Repositories | None:
    with _lock:
        return _known.get(key)


def _read(key: _Key, folders: Sequence[str]) -> _Repositories:
    if known := _find(key):  # read by an earlier request
        return known
    dag_ids: set[str] = set()
    with _refusals.remembered(key):
        budget = ReadBudget(_BOUNDS)
        packed = b"".join(encoded(_json([uri for uri, _ in key], folders, budget, dag_ids), is_packed=True))
    answer = _Repositories(packed, frozenset(dag_ids))
    if len(packed) <= MAX_CACHED_BYTES:
        with _lock:
            _known[key] = answer
    return answer


def _json(uris: Sequence[str], folders: Sequence[str], budget: ReadBudget, dag_ids: set[str]) -> Iterator[str]:
    """Yield the answer in pieces: writing it as a whole would block everyone else."""
    yield f'{{"columns":{json.dumps(_NAMES)},"rows":['
    count = 0
    for uri in uris:
        for dag_id, values in _rows(uri, folders, budget):
            if count == MAX_REPOSITORIES:
                raise TooMuchError(f"it has more than {MAX_REPOSITORIES:,} repositories")
            if dag_id:
                dag_ids.add(dag_id)
            yield f"{',' if count else ''}{json.dumps(values, ensure_ascii=False)}"
            count += 1
            breathe()
    yield "]}"


def _rows(uri: str, folders: Sequence[str], budget: ReadBudget) -> Iterator[tuple[str | None, list[Any]]]:
    """Yield the rows of a table, each with the DAG that wrote it."""
    site = site_of(uri)
    with open_checked(uri, folders) as stored:
        try:
            rows = rows_of(bounded_lines(stored, budget, is_packed=False))
            if not {column.name for column in _SHOWN} <= {*(rows.fieldnames or ())}:
                raise ValueError("it has not the columns of a table of repositories")
            for row in rows:
                yield row.get("dag_id"), [*site, *_values(row)]
        except (csv.Error, KeyError, TypeError) as error:
            raise ValueError(f"it is no table of repositories: {error}") from error


def _values(row: Mapping[str, str]) -> list[Any]:
    return [_value(row[column.name], is_integer=column.type == "integer") for column in _SHOWN]


def _value(text: str, *, is_integer: bool) -> str | int | None:
    if not text:
        return None
    return int(text) if is_integer else text
