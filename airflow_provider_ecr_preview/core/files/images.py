"""The images of repositories, as ``aws ecr describe-images`` prints them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_provider_ecr_preview.core.files.found import UnreadableFileError
from airflow_provider_ecr_preview.core.repository import RepositoryImage

_READABLE = """Give the output of `aws ecr describe-images --repository-name NAME --filter '{"imageStatus":"ANY"}'`."""

_TIMES = ("imagePushedAt", "lastRecordedPullTime", "lastArchivedAt", "lastActivatedAt")


def read_images(path: str, text: str) -> dict[str, list[RepositoryImage]]:
    """Return the images in a file by repository name; an image listed twice counts once.

    :param path: the name of the file, for messages.
    :param text: its content.
    :raises UnreadableFileError: if it is anything else, or an image lacks its digest or push time.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(path, f"this is not JSON: {error}. {_READABLE}") from error
    details = document.get("imageDetails") if isinstance(document, Mapping) else document
    if not isinstance(details, list):
        raise UnreadableFileError(path, f"there is no list of images in this file. {_READABLE}")
    by_name: dict[str, dict[str, RepositoryImage]] = {}
    for number, detail in enumerate(details, 1):
        try:
            image = RepositoryImage.from_response(_with_times(detail))
            name = detail.get("repositoryName") or ""
        except (KeyError, ValueError, TypeError, AttributeError, OverflowError, OSError) as error:
            raise UnreadableFileError(
                path, f"image {number} cannot be read ({type(error).__name__}: {error}). {_READABLE}"
            ) from error
        by_name.setdefault(name, {})[image.image_digest] = image
    return {name: list(images.values()) for name, images in by_name.items()}


def _with_times(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {**detail, **{key: _time(detail[key], key) for key in _TIMES if detail.get(key) is not None}}


def _time(value: object, key: str) -> datetime:
    """Return a time that the AWS CLI printed: ISO 8601 in version 2, seconds since 1970 in version 1."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    time = datetime.fromisoformat(str(value))
    if time.tzinfo is None:
        raise ValueError(f"{key} is {value!r}, without a time zone")
    return time
