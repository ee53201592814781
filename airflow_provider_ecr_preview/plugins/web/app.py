"""The application that Airflow's API server has at ``/ecr-preview``: every route is guarded and only reads."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from airflow_provider_ecr_preview.plugins.web.access import PRIVATE
from airflow_provider_ecr_preview.plugins.web.fair_queue import RETRY_AFTER_SECONDS, NoTurnError
from airflow_provider_ecr_preview.plugins.web.routes import bundle as pages
from airflow_provider_ecr_preview.plugins.web.routes import (
    images,
    policies,
    reports,
    repositories,
    rows,
    trend,
    xcom,
)

# Its schema would be open to everyone.
app = FastAPI(title="ECR preview", docs_url=None, redoc_url=None, openapi_url=None)


app.include_router(pages.router)


app.include_router(images.router)


app.include_router(repositories.router)


app.include_router(rows.router)


app.include_router(trend.router)


app.include_router(reports.router)


app.include_router(policies.router)


app.include_router(xcom.router)


@app.exception_handler(RequestValidationError)
def explain(_: Request, error: RequestValidationError) -> JSONResponse:
    """Answer what is wrong with a request in one sentence, as all other errors do."""
    wrong = "; ".join(f"{mistake['loc'][-1]}: {mistake['msg']}" for mistake in error.errors())
    return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"This request is not understood: {wrong}.")


@app.exception_handler(NoTurnError)
def put_off(_: Request, error: NoTurnError) -> JSONResponse:
    """Answer that a request is not served now, and why."""
    status = HTTPStatus.TOO_MANY_REQUESTS if error.is_own_fault else HTTPStatus.SERVICE_UNAVAILABLE
    who = "You have too many open requests to the ECR pages" if error.is_own_fault else "The ECR pages are busy"
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return _refusal(status, f"{who}. Try again in {RETRY_AFTER_SECONDS} seconds.", headers)


@app.exception_handler(HTTPException)
def refuse(_: Request, error: HTTPException) -> JSONResponse:
    """Answer an error so that no browser keeps it, as some do with a list that is gone."""
    return _refusal(error.status_code, error.detail, error.headers)


def _refusal(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": detail}, status, headers={**(headers or {}), **PRIVATE})
