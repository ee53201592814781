"""The application that Airflow's API server has at ``/ecr-preview``: every route is guarded and only reads."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from airflow_provider_ecr_preview.plugins.web import images, pages, repositories

# Its schema would be open to anybody.
app = FastAPI(title="ECR preview", docs_url=None, redoc_url=None, openapi_url=None)
app.include_router(pages.router)
app.include_router(images.router)
app.include_router(repositories.router)


@app.exception_handler(RequestValidationError)
def explain(_: Request, error: RequestValidationError) -> JSONResponse:
    """Answer what is wrong with a request in one sentence, as all other errors do."""
    wrong = "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors())
    return JSONResponse({"detail": f"This request is not understood: {wrong}."}, HTTPStatus.UNPROCESSABLE_ENTITY)
