"""Build and pack answers in our own threads, because Airflow would pack them in the one that serves all requests."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from airflow_provider_ecr_preview.plugins.web.access import PRIVATE
from airflow_provider_ecr_preview.plugins.web.thread_yield import breathe

_LEVEL = 5


_PACKED_FROM = 1024


_GZIP_WINDOW = 31


PACKED = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}


def takes_gzip(request: Request) -> bool:
    """Return whether the client accepts packed answers.

    :param request: the question.
    """
    return "gzip" in request.headers.get("accept-encoding", "")


def json_reply(value: Any, *, is_packed: bool) -> Response:
    """Return an answer for one user.

    :param value: what it holds.
    :param is_packed: whether it may be packed.
    """
    body = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(errors="replace")
    if is_packed and len(body) >= _PACKED_FROM:
        return packed_reply(gzip.compress(body, _LEVEL), is_packed=True)
    return Response(body, media_type="application/json", headers=PRIVATE)


def packed_reply(packed: bytes, *, is_packed: bool) -> Response:
    """Return an answer for one user that is already packed.

    :param packed: JSON, packed.
    :param is_packed: whether it may be.
    """
    if is_packed:
        return Response(packed, media_type="application/json", headers={**PRIVATE, **PACKED})
    return Response(gzip.decompress(packed), media_type="application/json", headers=PRIVATE)


def encoded(texts: Iterable[str], *, is_packed: bool) -> Iterator[bytes]:
    """Yield texts as they are sent.

    :param texts: the texts.
    :param is_packed: whether to pack them.
    """
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    for text in texts:
        data = text.encode(errors="replace")
        if data := packer.compress(data) if is_packed else data:
            yield data
        breathe()
    if is_packed:
        yield packer.flush()
