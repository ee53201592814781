"""Read the images in use back from XCom and its file, one repository at a time."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow_provider_ecr_preview.core.in_use.images import ImagesInUse
from airflow_provider_ecr_preview.core.in_use.repository import COLLECT_AGAIN, RepositoryInUse
from airflow_provider_ecr_preview.core.in_use.scope import RequiredPlace
from airflow_provider_ecr_preview.core.preview.affected import UsedImages
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.reports.lists import read_lines

log = logging.getLogger(__name__)


_MAX_SHOWN_CHARACTERS = 100


def _now() -> datetime:
    return datetime.now(UTC)


def in_use_of(
    value: Any, required_scope: Sequence[RequiredPlace] | None = None, now: Callable[[], datetime] = _now
) -> Callable[[RepositoryId], RepositoryInUse | Unread | None]:
    """Return a function that gives the images in use in a repository.

    :param value: the collection, or its XCom; None if nothing was collected.
    :param required_scope: the accounts and Regions that must be read; None for those of each repository.
    :param now: returns the time (aware).
    """
    images_in_use = _read(value)

    def of_repository(repository: RepositoryId) -> RepositoryInUse | Unread | None:
        if not isinstance(images_in_use, ImagesInUse):
            return images_in_use
        # Check again for each repository, because the earlier ones may have taken hours.
        if (why := images_in_use.why_unusable(now())) is not None:
            return Unread(f"{why}.", COLLECT_AGAIN)
        return RepositoryInUse(images_in_use, repository, required_scope)

    return of_repository


def used_images_in(
    in_use: Any, required_scope: Sequence[RequiredPlace] | None = None
) -> Callable[[RepositoryId], UsedImages | None]:
    """Return a function that creates the collector of affected images in use, for the findings of a preview.

    :param in_use: the collection, or its XCom; None if nothing was collected.
    :param required_scope: the accounts and Regions that must be read; None for those of each repository.
    """
    of_repository = in_use_of(in_use, required_scope)

    def used_images(repository: RepositoryId) -> UsedImages | None:
        in_use = of_repository(repository)
        if in_use is None:
            return None
        if isinstance(in_use, Unread):
            return UsedImages(lambda _digest, _tags: (), (in_use.reason,))
        return UsedImages(in_use.known_users_of, [*in_use.unread_sources, *_not_read(in_use.missing_scope)])

    return used_images


def _not_read(places: Iterable[str]) -> list[str]:
    return [f"{place} was not read" for place in places]


def _read(value: Any) -> ImagesInUse | Unread | None:
    if value is None or isinstance(value, ImagesInUse):
        return value
    try:
        decoded = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        decoded = value
    if not isinstance(decoded, Mapping):
        shown = str(value)[:_MAX_SHOWN_CHARACTERS]
        return Unread(
            f"in_use is {shown!r}, not the output of EcrCollectImagesInUseOperator.",
            "Give its output; in a template, use | tojson.",
        )
    try:
        return ImagesInUse.from_xcom(decoded, read_lines)
    except Exception as error:  # whatever the error, the images in use are unknown
        log.warning("The images in use cannot be read.", exc_info=True)
        return Unread(f"{type(error).__name__}: {error}", COLLECT_AGAIN)
