"""Read the XComs that Airflow's object-storage backend keeps in files, of which Airflow's API returns the addresses alone."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

from airflow.configuration import conf
from airflow.sdk import ObjectStoragePath
from fastapi import HTTPException

from airflow_provider_ecr_preview.core.bounded_reading import ReadBounds, ReadBudget, TooMuchError, bounded_lines
from airflow_provider_ecr_preview.plugins.web.locations import ForeignLocationError, open_checked

log = logging.getLogger(__name__)


SECTION = "common.io"


MAX_BYTES = 1024 * 1024
"""Twenty times the largest result that this package writes."""


_BOUNDS = ReadBounds(stored_bytes=MAX_BYTES, unpacked_bytes=MAX_BYTES, lines=100_000, line_bytes=MAX_BYTES, seconds=20)


_WAY_OUT = (
    "Or set [common.io] xcom_objectstorage_threshold to 65536: results of this package take at most 48 KiB, and then stay in "
    "Airflow's database."
)


def stored_value(value: Any, *, dag_id: str, run_id: str, task_id: str) -> Any:
    """Return the value behind an address that the object-storage backend left, or the value itself if it is none.

    Whoever writes DAGs can push any address. Only files below the folder that the backend has for this very task are read.

    :param value: the XCom as Airflow's API returns it.
    :param dag_id: the DAG.
    :param run_id: the run.
    :param task_id: the task.
    :raises HTTPException: if the file cannot be read; it says what to do.
    """
    base = conf.get(SECTION, "xcom_objectstorage_path", fallback="")
    if not base or not isinstance(value, str) or "://" not in value:
        return value
    try:
        folder = f"{str(ObjectStoragePath(base)).rstrip('/')}/{dag_id}/{run_id}/{task_id}"
        with open_checked(value, [folder]) as stored:
            lines = bounded_lines(stored, ReadBudget(_BOUNDS), is_packed=value.endswith(".gz"))
            return json.loads(b"\n".join(lines))
    except ForeignLocationError:
        return value
    except FileNotFoundError as error:
        raise HTTPException(
            HTTPStatus.GONE, "The result of this task was on object storage and no longer exists. Run the task again."
        ) from error
    except TooMuchError as error:
        raise HTTPException(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The result of this task cannot be shown: {error}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise HTTPException(
            HTTPStatus.CONFLICT,
            "The result of this task is on object storage and cannot be unpacked here. Set [common.io] "
            f"xcom_objectstorage_compression to gzip, or to nothing. {_WAY_OUT}",
        ) from error
    except Exception as error:  # each storage raises its own
        log.exception("An XCom on object storage could not be read.")
        raise HTTPException(
            HTTPStatus.BAD_GATEWAY,
            f"The result of this task is on object storage, and the API server could not read it ({type(error).__name__}; its "
            "log says more). Give the API server the right to read [common.io] xcom_objectstorage_path, and the connection "
            f"that this names. {_WAY_OUT}",
        ) from error
