"""Open the image list of a request, if the user may read it, when it is the user's turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, HTTPException, Request

from airflow_provider_ecr_preview.plugins.web.access import User, may_read_xcom
from airflow_provider_ecr_preview.plugins.web.fair_queue import Turns, in_thread
from airflow_provider_ecr_preview.plugins.web.image_cache import ImageTables, Place, RowTables, StoredTables, TableT
from airflow_provider_ecr_preview.plugins.web.image_filter import ImageFilter
from airflow_provider_ecr_preview.plugins.web.image_lists import (
    DamagedResultError,
    NoListError,
    images_subject,
    images_uri_of,
    listed_at,
)
from airflow_provider_ecr_preview.plugins.web.image_table import ImageTable
from airflow_provider_ecr_preview.plugins.web.queries import MapIndex, WantedImages, WantedRepository
from airflow_provider_ecr_preview.plugins.web.row_lists import RowList, row_list_of
from airflow_provider_ecr_preview.plugins.web.row_table import RowTable
from airflow_provider_ecr_preview.plugins.web.stored import read_stored
from airflow_provider_ecr_preview.plugins.web.xcoms import read_result

ANSWERS = Turns(at_a_time=8, of_a_user=2, waiting_of_a_user=100, waiting=1_000, patience=20)
"""For every request to the pages."""


READINGS = Turns(at_a_time=2, of_a_user=1, waiting_of_a_user=100, waiting=1_000, patience=60)
"""For what is not known yet, within a turn for an answer: a file may take long."""


_tables = ImageTables()


_row_tables = RowTables()


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """A user's request about a task.

    :param request: the request.
    :param user: the user.
    :param dag_id: the DAG, whose XCom the user may read.
    :param run_id: the run.
    :param task_id: the task.
    :param map_index: which of the mapped tasks; -1 for one that is not mapped.
    """

    request: Request
    user: User
    dag_id: str
    run_id: str
    task_id: str
    map_index: int

    async def result(self, key: str = "return_value") -> Any:
        """Return the result of the task.

        :param key: the key of another of its XComs.
        """
        return await read_result(
            self.request,
            dag_id=self.dag_id,
            run_id=self.run_id,
            task_id=self.task_id,
            map_index=self.map_index,
            key=key,
        )

    async def check_owner(self, dag_id: str | None) -> None:
        """Raise if a file was written by another DAG, and the user may not read the results of that one.

        :param dag_id: the DAG that wrote the file; None if unknown.
        :raises HTTPException: if so.
        """
        if dag_id in (None, self.dag_id) or await in_thread(may_read_xcom, self.user, dag_id):
            return
        raise HTTPException(
            HTTPStatus.FORBIDDEN,
            "Another DAG wrote this report, and Airflow does not let you read the results of that DAG.",
        )


async def _task_request(
    request: Request, user: User, *, dag_id: str, run_id: str, task_id: str, map_index: MapIndex = -1
) -> TaskRequest:
    return TaskRequest(request, user, dag_id, run_id, task_id, map_index)


RequestedTask = Annotated[TaskRequest, Depends(_task_request)]


class OpenedImages(NamedTuple):
    """The images of one repository.

    :param table: the images.
    :param subject: what they are of: repository, registry, Region and audit.
    :param wanted: which of them the request is about.
    :param listed_at: when they were listed (aware); None if the result does not say.
    """

    table: ImageTable
    subject: dict[str, str]
    wanted: ImageFilter
    listed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ImageListRequest:
    """A user's request for the images of one repository in the result of a task."""

    task: TaskRequest
    repository: WantedRepository
    wanted: WantedImages

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[OpenedImages]:
        """Have a turn, and the images.

        :raises HTTPException: if there are none, or the user may not read them.
        :raises NoTurnError: if it is not the user's turn in time.
        """
        async with ANSWERS.turn(self.task.user.get_id()):
            result = await self.task.result()
            with refused():
                uri = images_uri_of(result, self.repository)
            table = await _table(_tables, uri, self.task)
            await self.task.check_owner(table.dag_id)
            time = listed_at(result, self.repository)
            if time is None and self.wanted.not_pulled_days is not None:
                with refused():
                    raise DamagedResultError("previewed_at")
            yield OpenedImages(
                table, images_subject(result, self.repository), replace(self.wanted, listed_at=time), time
            )


@dataclass(frozen=True, slots=True)
class RowListRequest:
    """A user's request for the lines of the list that the result of a task points to."""

    task: TaskRequest

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[tuple[RowTable, RowList]]:
        """Have a turn, the lines, and what they are.

        :raises HTTPException: if there are none, or the user may not read them.
        :raises NoTurnError: if it is not the user's turn in time.
        """
        async with ANSWERS.turn(self.task.user.get_id()):
            result = await self.task.result()
            with refused():
                rows = row_list_of(result)
            table = await _table(_row_tables, rows.uri, self.task)
            await self.task.check_owner(table.dag_id)
            yield table, rows


@contextmanager
def refused() -> Iterator[None]:
    """Answer why a result points to no list that can be opened."""
    try:
        yield
    except NoListError as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from error
    except DamagedResultError as error:
        raise HTTPException(HTTPStatus.CONFLICT, str(error)) from error


async def _table(tables: StoredTables[TableT], uri: str, requested: TaskRequest) -> TableT:
    user_id = requested.user.get_id()
    found: Place | TableT = await in_thread(read_stored, partial(tables.find, uri))
    if not isinstance(found, Place):
        return found
    async with READINGS.turn(user_id):
        table: TableT = await in_thread(read_stored, partial(tables.read, found, user=user_id))
    return table


async def _row_list_request(requested: RequestedTask) -> RowListRequest:
    return RowListRequest(requested)


RequestedRows = Annotated[RowListRequest, Depends(_row_list_request)]


async def _image_list_request(
    requested: RequestedTask, repository: WantedRepository, wanted: WantedImages
) -> ImageListRequest:
    return ImageListRequest(requested, repository, wanted)


RequestedImages = Annotated[ImageListRequest, Depends(_image_list_request)]
