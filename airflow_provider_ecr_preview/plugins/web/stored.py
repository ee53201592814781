"""Read a file that a result names, or say why it is not read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from fastapi import HTTPException

from airflow_provider_ecr_preview.core.bounded_reading import ReadBounds, TooMuchError, TooSlowError
from airflow_provider_ecr_preview.plugins.web.locations import ForeignLocationError
from airflow_provider_ecr_preview.settings import reports_paths

log = logging.getLogger(__name__)


Read = TypeVar("Read")


BOUNDS = ReadBounds(
    stored_bytes=128 * 2**20,
    unpacked_bytes=512 * 2**20,
    lines=1_000_000,
    line_bytes=2**20,  # an image with a thousand tags, which is the most, takes a fifth of it
    seconds=60,
    ratio=100,
)
"""The bounds for a page. Lists of images are packed to a fifteenth at best: every line has a digest."""


def read_stored(read: Callable[[list[str]], Read]) -> Read:
    """Return what is in a file, if it is one that may be opened.

    :param read: reads it, given the folders below which files may be opened; raises ValueError if it holds something else.
    :raises HTTPException: if it is not to be opened or cannot be read; it says what to do.
    """
    folders = reports_paths()
    if not folders:
        raise HTTPException(
            HTTPStatus.CONFLICT,
            "[ecr_preview] reports_path is empty, so the API server opens no reports. Set it to the folder of the reports.",
        )
    try:
        return read(folders)
    except ForeignLocationError as error:
        raise HTTPException(
            HTTPStatus.CONFLICT,
            "The report is outside [ecr_preview] reports_path, so it is not opened. Add its folder there.",
        ) from error
    except FileNotFoundError as error:
        raise HTTPException(HTTPStatus.GONE, "The report no longer exists. Run the task again to write it.") from error
    except TooSlowError as error:
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"The report cannot be shown now: {error}. Try again later.",
            {"Retry-After": "60"},
        ) from error
    except TooMuchError as error:
        raise HTTPException(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The report is too large to be shown here: {error}. Read it with a program.",
        ) from error
    except ValueError as error:
        raise HTTPException(
            HTTPStatus.CONFLICT,
            # Without what it holds, which may be anything.
            "The file is not a report of this package. Run the task again to write it.",
        ) from error
    except Exception as error:  # each storage raises its own
        log.exception("A report could not be read.")
        raise HTTPException(
            HTTPStatus.BAD_GATEWAY,
            f"The API server could not read the report ({type(error).__name__}). It needs the right to read it, and the "
            "connection that reports_path names; its log says more.",
        ) from error
