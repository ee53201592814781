"""Look at the images of one repository, right before a call that removes some, and after one whose reply was lost."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from airflow_provider_ecr_preview.aws.acting import fate_of
from airflow_provider_ecr_preview.aws.pages import DESCRIBE_IMAGES_PAGE_SIZE
from airflow_provider_ecr_preview.core.backoff import Backoff
from airflow_provider_ecr_preview.core.cleanup.checks import Decision
from airflow_provider_ecr_preview.core.cleanup.minimum_images import guards_of
from airflow_provider_ecr_preview.core.exceptions import RepositoryError
from airflow_provider_ecr_preview.core.referrers import Fate as ImageFate
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage
from airflow_provider_ecr_preview.hooks.ecr_cleanup import EcrImageCleanupHook


@dataclass
class RepositoryLooks:
    """Looks at the images of one repository.

    :param hook: makes the calls; its ``throttle_timeout`` bounds how long a look is retried.
    :param repository: the repository.
    :param stop: set when the clean-up must end; it also ends waits.
    :param base_delay: time before the first retry, in seconds.
    """

    hook: EcrImageCleanupHook
    repository: RepositoryId
    stop: threading.Event
    base_delay: float
    _pages: int = field(default=1, init=False)

    def inventory(self) -> list[RepositoryImage]:
        """Return every image currently in the repository."""
        images = self.hook.iter_repository_images(
            self.repository.repository_name, registry_id=self.repository.registry_id
        )
        # ECR may list an image on two pages if others are pushed between the calls.
        inventory = [*{image.image_digest: image for image in images}.values()]
        self._pages = len(inventory) // DESCRIBE_IMAGES_PAGE_SIZE + 1
        return inventory

    def at(self, image_digests: Sequence[str]) -> dict[str, RepositoryImage]:
        """Return the images that exist, by digest. The look neither waits nor retries.

        :param image_digests: the digests.
        """
        images = self.hook.describe_images(
            self.repository.repository_name, image_digests, registry_id=self.repository.registry_id
        )
        return {image.image_digest: image for image in images}

    def at_with_retries(self, image_digests: Sequence[str]) -> dict[str, RepositoryImage]:
        """Return the images that exist, by digest. This may wait, so no call that removes images may follow it.

        :param image_digests: the digests.
        """
        backoff = self.backoff()
        while True:
            try:
                return self.at(image_digests)
            except RepositoryError as error:
                fate = fate_of(error)
                if fate == "refused" or not backoff.again(throttled=fate == "not_done"):
                    raise

    def subjects(self, image_digests: Sequence[str]) -> dict[str, ImageFate]:
        """Return the fate of subjects outside the plan that still exist.

        :param image_digests: the digests of the subjects.
        """
        if not image_digests:
            return {}
        # Most are missing, and DescribeImages fails as a whole if one of a hundred images is missing.
        found = self.inventory() if 2 * len(image_digests) > self._pages else [*self.at(image_digests).values()]
        return {image.image_digest: ImageFate.now(image) for image in found}

    def backoff(self) -> Backoff:
        """Return the waits between retries of looks and calls."""
        return Backoff(self.hook.throttle_timeout, self.stop.wait, base=self.base_delay)


def guards_in(decision: Decision, inventory: Sequence[RepositoryImage]) -> list[RepositoryImage]:
    """Return the images that must stay so that the others may go.

    :param decision: the decision about the repository.
    :param inventory: every image of it.
    """
    settings = decision.settings
    return guards_of(
        inventory,
        minimum_images_left=settings.minimum_images_left,
        newest_images_kept=settings.protection.newest_images_kept,
    )
