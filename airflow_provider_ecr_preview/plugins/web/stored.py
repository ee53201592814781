"""Read a file that a result names, or say why it is not read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from fastapi import HTTPException

from airflow_provider_ecr_preview.plugins.settings import reports_paths
from airflow_provider_ecr_preview.plugins.web.locations import ForeignLocationError, checked_location

log = logging.getLogger(__name__)

Read = TypeVar("Read")


def read_stored(uri: str, read: Callable[[str], Read]) -> Read:
    """Return what is in a file, if it is one that may be opened.

    :param uri: what a result names.
    :param read: reads it from its checked location; raises ValueError if it holds something else.
    :raises HTTPException: if it is not to be opened or cannot be read; it says what to do.
    """
    folders = reports_paths()
    if not folders:
        raise HTTPException(
            HTTPStatus.CONFLICT, "Reports are not opened until [ecr_preview] reports_path says where they may lie."
        )
    try:
        return read(checked_location(uri, folders))
    except ForeignLocationError as error:
        raise HTTPException(
            HTTPStatus.CONFLICT,
            "The report lies outside [ecr_preview] reports_path, so it is not opened. Add its folder there.",
        ) from error
    except FileNotFoundError as error:
        raise HTTPException(
            HTTPStatus.GONE, "The report is not there any more. Run the task again to have it written anew."
        ) from error
    except ValueError as error:
        raise HTTPException(
            HTTPStatus.CONFLICT, "The file is no report of this package. Run the task again to have it written anew."
        ) from error
    except Exception as error:  # each storage raises its own
        log.exception("The report %s could not be read.", uri)
        raise HTTPException(
            HTTPStatus.BAD_GATEWAY,
            f"The API server could not read the report ({type(error).__name__}). It needs the right to read it, and the "
            "connection that reports_path names; its log says more.",
        ) from error
