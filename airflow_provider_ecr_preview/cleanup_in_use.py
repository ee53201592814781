"""What is in use, as a clean-up asks about it: repository by repository."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_ecr_preview.cleanup_evidence import Unread
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.findings import UsedImages
from airflow_provider_ecr_preview.in_use import ImagesInUse
from airflow_provider_ecr_preview.reports import read_lines

log = logging.getLogger(__name__)

MAX_IN_USE_AGE = timedelta(days=1)
"""What was collected longer ago says nothing about what runs now."""


@dataclass(frozen=True)
class RepositoryInUse:
    """What is in use of one repository.

    :param images_in_use: what was collected, of all repositories.
    :param repository: the repository.
    """

    images_in_use: Any
    repository: RepositoryId

    @property
    def unread_sources(self) -> Sequence[str]:
        """The sources that could not be read."""
        unread = [str(source) for source in self.images_in_use.unread]
        return unread if unread or self.images_in_use.is_complete else ["a source that is not named"]

    def users_of(self, image_digest: str, image_tags: Sequence[str]) -> Sequence[str]:
        """Return who uses an image."""
        return [str(user) for user in self.images_in_use.protects(self.repository, image_digest, image_tags)]

    def known_users_of(self, image_digest: str, image_tags: Sequence[str]) -> Sequence[str]:
        """Return who is known to use an image, whatever could not be read."""
        return [str(user) for user in self.images_in_use.users_of(self.repository, image_digest, image_tags)]


def in_use_of(value: Any) -> Callable[[RepositoryId], RepositoryInUse | Unread | None]:
    """Return what says for a repository what is in use.

    :param value: what was collected, or its XCom; None if nobody asked.
    """
    images_in_use = _read(value)
    if images_in_use is None or isinstance(images_in_use, Unread):
        return lambda _: images_in_use
    return lambda repository: RepositoryInUse(images_in_use, repository)


def used_images_in(in_use: Any) -> Callable[[RepositoryId], UsedImages | None]:
    """Return what collects, for the findings of a repository's preview, the affected images that something runs.

    :param in_use: what was collected, or its XCom; None if nobody asked.
    """
    of_repository = in_use_of(in_use)

    def used_images(repository: RepositoryId) -> UsedImages | None:
        in_use = of_repository(repository)
        if in_use is None:
            return None
        if isinstance(in_use, Unread):
            return UsedImages(lambda _digest, _tags: (), (in_use.reason,))
        return UsedImages(in_use.known_users_of, in_use.unread_sources)

    return used_images


def _read(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value if value is None or hasattr(value, "protects") else Unread(f"in_use is {value!r}.")
    try:
        in_use = ImagesInUse.from_xcom(value, read_lines)
    except Exception as error:  # whatever it is, what is in use is not known
        log.warning("What is in use cannot be read.", exc_info=True)
        return Unread(f"{type(error).__name__}: {error}")
    if (age := datetime.now(UTC) - in_use.collected_at) > MAX_IN_USE_AGE:
        return Unread(f"what is in use was collected {age} ago, and more has been started since. Collect it again.")
    return in_use
