"""The routes of the image list of one task, for those who may read its XCom."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from airflow_provider_ecr_preview.plugins.web.access import PRIVATE, READS_XCOM
from airflow_provider_ecr_preview.plugins.web.csv_text import csv_chunks
from airflow_provider_ecr_preview.plugins.web.image_table import ImageFilter, ImageTable, SortColumn
from airflow_provider_ecr_preview.plugins.web.opening import AskedImages
from airflow_provider_ecr_preview.plugins.web.queries import DEFAULT_PAGE, Limit, Offset, Sort, WantedImages
from airflow_provider_ecr_preview.plugins.web.replies import PACKED, encoded, json_reply, takes_gzip
from airflow_provider_ecr_preview.plugins.web.timeline import timeline
from airflow_provider_ecr_preview.plugins.web.turns import Turns, in_thread

router = APIRouter(prefix="/dags/{dag_id}/runs/{run_id}/tasks/{task_id}", dependencies=[READS_XCOM])


DOWNLOADS = Turns(at_a_time=8, of_a_user=2, waiting_of_a_user=4, waiting=40, patience=10)
"""For whole lists, which take as long as whoever asks takes them."""


DOWNLOAD_SECONDS = 600


@router.get("/images")
async def read_page(
    request: Request,
    asked: AskedImages,
    wanted: WantedImages,
    sort: Sort = "image_pushed_at",
    *,
    descending: bool = False,
    offset: Offset = 0,
    limit: Limit = DEFAULT_PAGE,
) -> Response:
    """Return some of the images: those that the policy would expire or archive, unless the action says others."""

    def page(table: ImageTable) -> Response:
        images = table.page(wanted, sort=sort, descending=descending, offset=offset, limit=limit)
        value = {"total": table.image_count, "matching": table.count(wanted), "offset": offset, "images": images}
        return json_reply(value, is_packed=takes_gzip(request))

    async with asked.opened() as table:
        return await in_thread(page, table)


@router.get("/images/timeline")
async def read_timeline(request: Request, asked: AskedImages, wanted: WantedImages) -> Response:
    """Return how the images spread over the time when they were pushed."""
    async with asked.opened() as table:
        return await in_thread(lambda: json_reply(timeline(table.by_day(wanted)), is_packed=takes_gzip(request)))


@router.get("/images/rules")
async def read_rules(request: Request, asked: AskedImages) -> Response:
    """Return how many images each rule takes, keeps and shields; nothing where the kept ones were not written."""

    def rules(table: ImageTable) -> Response:
        value = [asdict(rule) for rule in table.by_rule()] if table.has_kept else None
        return json_reply({"rules": value}, is_packed=takes_gzip(request))

    async with asked.opened() as table:
        return await in_thread(rules, table)


@router.get("/images.csv")
async def read_csv(
    request: Request,
    asked: AskedImages,
    wanted: WantedImages,
    sort: Sort = "image_pushed_at",
    *,
    descending: bool = False,
) -> Response:
    """Return all of the images that are asked for as a file."""
    async with asked.opened() as table:
        chunks = _chunks(table, wanted, sort, descending=descending, is_packed=takes_gzip(request))
    return _Download(chunks, asked.asked.user.get_id(), is_packed=takes_gzip(request))


def _chunks(
    table: ImageTable, wanted: ImageFilter, sort: SortColumn, *, descending: bool, is_packed: bool
) -> Iterator[bytes]:
    return encoded(csv_chunks(table.all(wanted, sort=sort, descending=descending)), is_packed=is_packed)


class _Download(StreamingResponse):
    """A file that is made as it is sent, in a turn that ends with it."""

    def __init__(self, chunks: Iterator[bytes], user: str, *, is_packed: bool) -> None:
        self._user = user
        self._chunks = chunks
        super().__init__(
            self._sent(),
            media_type="text/csv; charset=utf-8",
            headers={
                **PRIVATE,
                **(PACKED if is_packed else {}),
                "Content-Disposition": 'attachment; filename="ecr-preview-images.csv"',
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with DOWNLOADS.turn(self._user):
            await super().__call__(scope, receive, send)

    async def _sent(self) -> AsyncIterator[bytes]:
        deadline = time.monotonic() + DOWNLOAD_SECONDS
        try:
            while chunk := await in_thread(next, self._chunks, b""):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"Nobody took the whole file within {DOWNLOAD_SECONDS} s.")
                yield chunk
        finally:
            close = getattr(self._chunks, "close", None)
            if close is not None:
                close()
