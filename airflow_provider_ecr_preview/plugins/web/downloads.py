"""Send whole lists as files that are created while they are sent."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterator

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from airflow_provider_ecr_preview.plugins.web.access import PRIVATE
from airflow_provider_ecr_preview.plugins.web.fair_queue import Turns, in_thread
from airflow_provider_ecr_preview.plugins.web.replies import PACKED

DOWNLOADS = Turns(at_a_time=8, of_a_user=2, waiting_of_a_user=4, waiting=40, patience=10)
"""For whole lists, which take as long as the client takes to download them."""


DOWNLOAD_SECONDS = 600


_MAX_NAME = 120


def file_name(*parts: str | None) -> str:
    """Return the name of a CSV file that holds these parts, as far as every file system takes them.

    :param parts: what the file is about, such as a repository, a Region and a run; None for what is not known.
    """
    name = "_".join(re.sub(r"[^A-Za-z0-9.-]+", "-", part).strip("-.") for part in parts if part)
    return f"{name[:_MAX_NAME] or 'ecr'}.csv"


class CsvDownload(StreamingResponse):
    """A file that is made as it is sent, in a turn that ends with it.

    :param chunks: what it holds, packed or not.
    :param user: whose turn it is.
    :param name: its name.
    :param is_packed: whether the chunks are packed.
    """

    def __init__(self, chunks: Iterator[bytes], user: str, name: str, *, is_packed: bool) -> None:
        self._user = user
        self._chunks = chunks
        super().__init__(
            self._sent(),
            media_type="text/csv; charset=utf-8",
            headers={
                **PRIVATE,
                **(PACKED if is_packed else {}),
                "Content-Disposition": f'attachment; filename="{name}"',
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file when there is a turn for it."""
        async with DOWNLOADS.turn(self._user):
            await super().__call__(scope, receive, send)

    async def _sent(self) -> AsyncIterator[bytes]:
        deadline = time.monotonic() + DOWNLOAD_SECONDS
        try:
            while chunk := await in_thread(next, self._chunks, b""):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"The file was not taken within {DOWNLOAD_SECONDS} s.")
                yield chunk
        finally:
            close = getattr(self._chunks, "close", None)
            if close is not None:
                close()
