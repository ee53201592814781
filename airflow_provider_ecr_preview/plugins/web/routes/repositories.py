"""The route for all repositories of one audit; its result holds only the first ones."""

from __future__ import annotations

import csv
import gzip
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from threading import Lock
from typing import Any, NamedTuple

from airflow.sdk import ObjectStoragePath
from cachetools import LRUCache, TTLCache
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from airflow_provider_ecr_preview.core.bounded_reading import ReadBounds, ReadBudget, TooMuchError, bounded_lines
from airflow_provider_ecr_preview.plugins.web.access import READS_XCOM
from airflow_provider_ecr_preview.plugins.web.fair_queue import in_thread
from airflow_provider_ecr_preview.plugins.web.image_lists import DamagedResultError, NoListError, table_uris_of
from airflow_provider_ecr_preview.plugins.web.locations import checked_location, open_checked
from airflow_provider_ecr_preview.plugins.web.opening import ANSWERS, READINGS, RequestedTask, TaskRequest
from airflow_provider_ecr_preview.plugins.web.queries import DEFAULT_PAGE, Limit, Offset, Text
from airflow_provider_ecr_preview.plugins.web.refused_files import Refusals
from airflow_provider_ecr_preview.plugins.web.registry_images import ListOfRepository, RegistryImages
from airflow_provider_ecr_preview.plugins.web.replies import encoded, json_reply, packed_reply, takes_gzip
from airflow_provider_ecr_preview.plugins.web.stored import read_stored
from airflow_provider_ecr_preview.plugins.web.thread_yield import breathe
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


_REQUIRED = {"repository_name", "status", "expiring_image_count", "finding_codes", "images_uri"}
"""Columns of the tables of every release; others came later, and are empty in older tables."""


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


MAX_SEARCHED = 4
"""Audits whose images are kept to be searched, each in a temporary file of 200 MB at most."""


_searched: TTLCache[_Key, RegistryImages] = TTLCache(MAX_SEARCHED, ttl=600)


_lock = Lock()


_refusals = Refusals()


@router.get("/repositories")
async def read_repositories(request: Request, requested: RequestedTask) -> Response:
    """Return the names of the columns once, and a row for each repository."""
    async with ANSWERS.turn(requested.user.get_id()):
        _, answer = await _readable(requested)
        return await in_thread(partial(packed_reply, answer.packed, is_packed=takes_gzip(request)))


@router.get("/found-images")
async def read_found_images(
    request: Request, requested: RequestedTask, search: Text = None, offset: Offset = 0, limit: Limit = DEFAULT_PAGE
) -> Response:
    """Return the images of all repositories of an audit whose tag or digest has a text.

    A request reads lists for two seconds at most, and says how many it has searched; the next one goes on from there.
    """
    user_id = requested.user.get_id()
    async with ANSWERS.turn(user_id):
        key, answer = await _readable(requested)
        images = await in_thread(_images_of, key, answer)
        if not images.is_whole:
            async with READINGS.turn(user_id):
                await in_thread(read_stored, images.read_more)
        dag_ids = sorted(images.dag_ids)
        for dag_id in dag_ids:
            await requested.check_owner(dag_id)
        found = await in_thread(partial(images.found, search or "", dag_ids, offset=offset, limit=limit))
        return await in_thread(partial(json_reply, found, is_packed=takes_gzip(request)))


async def readable_rows(requested: TaskRequest) -> tuple[list[str], bytes]:
    """Return where the tables of an audit are and their rows as packed JSON, in a turn for an answer, if the user may read them.

    :param requested: the request.
    :raises HTTPException: if there are none, or the user may not read them.
    """
    key, answer = await _readable(requested)
    return [uri for uri, _ in key], answer.packed


async def _readable(requested: TaskRequest) -> tuple[_Key, _Repositories]:
    """Return all repositories of an audit, in a turn for an answer, if the user may read them."""
    user_id = requested.user.get_id()
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
    return key, answer


def _images_of(key: _Key, answer: _Repositories) -> RegistryImages:
    with _lock:
        if (known := _searched.get(key)) is not None:
            return known
    table = json.loads(gzip.decompress(answer.packed))
    rows = (dict(zip(table["columns"], row, strict=True)) for row in table["rows"])
    images = RegistryImages(
        [
            ListOfRepository(row["registry_id"], row["region_name"], row["repository_name"] or "", row["images_uri"])
            for row in rows
            if row["images_uri"]
        ]
    )
    with _lock:
        kept: RegistryImages = _searched.setdefault(key, images)
        return kept


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
            if not {*(rows.fieldnames or ())} >= _REQUIRED:
                raise ValueError("it has not the columns of a table of repositories")
            for row in rows:
                yield row.get("dag_id"), [*site, *_values(row)]
        except (csv.Error, KeyError, TypeError) as error:
            raise ValueError(f"it is no table of repositories: {error}") from error


def _values(row: Mapping[str, str]) -> list[Any]:
    return [_value(row.get(column.name) or "", column.type) for column in _SHOWN]


def _value(text: str, kind: str) -> str | float | None:
    if not text:
        return None
    if kind == "number":
        value = float(text)
        if not math.isfinite(value):  # no JSON
            raise ValueError(f"it holds {text!r} where a number belongs")
        return value
    return int(text) if kind == "integer" else text
