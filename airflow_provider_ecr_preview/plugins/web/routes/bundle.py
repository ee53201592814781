"""The routes of the front end and its settings, for any user who is logged in."""

from __future__ import annotations

import re
from http import HTTPStatus

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from airflow_provider_ecr_preview import __version__
from airflow_provider_ecr_preview.plugins import bundle
from airflow_provider_ecr_preview.plugins.web.access import AUTHENTICATED, PRIVATE
from airflow_provider_ecr_preview.settings import price_per_gb_month, reports_paths

router = APIRouter(dependencies=[AUTHENTICATED])


_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
"""The address of the first file has its version in it, and the names of the others their hashes."""


_PIECE = re.compile(r"[A-Za-z]+(-[A-Za-z0-9_-]+)?\.js")
"""The name of a file of the front end: what it holds and, but for the first, a hash of it."""


@router.get("/static/{name}")
def read_bundle(request: Request, name: str) -> Response:
    """Return the front end, or a piece of it that is loaded when it is shown."""
    path = bundle.BUNDLE.with_name(name) if _PIECE.fullmatch(name) else None
    if path is None or not path.is_file():
        raise HTTPException(HTTPStatus.NOT_FOUND, "The pages were not built, or were updated since. Reload the page.")
    file = FileResponse(path, media_type="text/javascript", headers=_FOR_EVER, stat_result=path.stat())
    if file.headers["etag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={**_FOR_EVER, "ETag": file.headers["etag"]})
    return file


@router.get("/settings")
def read_settings() -> JSONResponse:
    """Return the settings of the pages."""
    settings = {
        "price_per_gb_month": price_per_gb_month(),
        "image_lists": bool(reports_paths()),
        "version": __version__,
    }
    return JSONResponse(settings, headers=PRIVATE)
