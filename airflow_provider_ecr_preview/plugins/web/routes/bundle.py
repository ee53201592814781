"""The routes of the front end and its settings, for any user who is logged in."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from airflow_provider_ecr_preview import __version__
from airflow_provider_ecr_preview.plugins import bundle
from airflow_provider_ecr_preview.plugins.web.access import AUTHENTICATED, PRIVATE
from airflow_provider_ecr_preview.settings import price_per_gb_month, reports_paths

router = APIRouter(dependencies=[AUTHENTICATED])


_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
"""The address of the bundle has its version in it."""


@router.get("/static/main.js")
def read_bundle(request: Request) -> Response:
    """Return the front end."""
    if not bundle.BUNDLE.is_file():
        raise HTTPException(HTTPStatus.NOT_FOUND, "The pages were not built. Run: make frontend")
    file = FileResponse(
        bundle.BUNDLE, media_type="text/javascript", headers=_FOR_EVER, stat_result=bundle.BUNDLE.stat()
    )
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
