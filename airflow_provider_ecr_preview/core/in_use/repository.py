"""The images in use in one repository, as a clean-up needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_ecr_preview.core.in_use.images import ImagesInUse
from airflow_provider_ecr_preview.core.in_use.scope import RequiredPlace, missing_places
from airflow_provider_ecr_preview.core.repository import RepositoryId

COLLECT_AGAIN = "Run EcrCollectImagesInUseOperator again, right before the task that uses its result."


@dataclass(frozen=True)
class RepositoryInUse:
    """The images in use in one repository.

    :param images_in_use: the collection for all repositories.
    :param repository: the repository.
    :param required_scope: the accounts and Regions that must be read; None for those of the repository.
    """

    images_in_use: ImagesInUse
    repository: RepositoryId
    required_scope: Sequence[RequiredPlace] | None = None

    @property
    def unread_sources(self) -> Sequence[str]:
        """The sources that could not be read."""
        unread = [str(source) for source in self.images_in_use.unread]
        return unread if unread or self.images_in_use.is_complete else ["no source was read"]

    @property
    def missing_scope(self) -> Sequence[str]:
        """The accounts and Regions that should have been read and were not, as ``account/Region``."""
        return missing_places(
            self.required_scope,
            self.images_in_use.scope,
            self.repository.registry_id,
            self.repository.region_name,
        )

    @property
    def read_scope(self) -> Sequence[str]:
        """The accounts and Regions that were read, as ``account/Region``."""
        return [f"{account_id}/{region_name}" for account_id, region_name in sorted(self.images_in_use.scope)]

    def users_of(self, image_digest: str, image_tags: Sequence[str]) -> Sequence[str]:
        """Return the users of an image."""
        return [str(user) for user in self.images_in_use.protects(self.repository, image_digest, image_tags)]

    def known_users_of(self, image_digest: str, image_tags: Sequence[str]) -> Sequence[str]:
        """Return the known users of an image, even if some sources could not be read."""
        return [str(user) for user in self.images_in_use.users_of(self.repository, image_digest, image_tags)]
