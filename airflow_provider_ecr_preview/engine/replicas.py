"""Find the repositories that replicate a repository's deletions, and the images deleted there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from airflow_provider_ecr_preview.core.exceptions import AccessDeniedError, RepositoryError, RepositoryNotFoundError
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.replication import RegistryReplication
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook

SWITCH_OFF = "or set check_replicas=False if nothing is lost in other Regions and accounts"


_ALLOW = "Allow {action} in IAM, for the role of aws_conn_id"


@dataclass(frozen=True)
class ReplicaFinder:
    """Finds the repositories that deletions are replicated to. It reads each Region once, and threads may share it.

    :param hook_of: returns the hook for a Region.
    """

    hook_of: Callable[[str], EcrLifecyclePolicyPreviewHook]
    _asked: dict[str, RegistryReplication | Unread] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def replicas_of(self, repository: RepositoryId) -> list[RepositoryId] | Unread:
        """Return the repositories in which deleting an image from this repository deletes it, too.

        :param repository: the repository.
        """
        with self._lock:
            if repository.region_name not in self._asked:
                self._asked[repository.region_name] = self._ask(repository.region_name)
        replication = self._asked[repository.region_name]
        if isinstance(replication, Unread):
            return replication
        if replication.registry_id != repository.registry_id:
            return Unread(
                f"ECR says what a registry replicates to its own account only, which is {repository.registry_id}; the "
                f"credentials are of {replication.registry_id}.",
                f"Use a connection of account {repository.registry_id}, {SWITCH_OFF}.",
            )
        return replication.replicas_of(repository)

    def images_of(
        self, replica: RepositoryId, image_digests: Collection[str]
    ) -> Mapping[str, RepositoryImage] | Unread:
        """Return the given images that exist in a replica of their repository, by digest.

        Calls DescribeImages (``ecr:DescribeImages``).

        :param replica: the replica.
        :param image_digests: the digests of the images.
        """
        try:
            hook = self.hook_of(replica.region_name)
            images = hook.iter_repository_images(replica.repository_name, registry_id=replica.registry_id)
            return {image.image_digest: image for image in images if image.image_digest in image_digests}
        except RepositoryNotFoundError:
            return {}
        except RepositoryError as error:
            remedy = f"{_remedy(error)} and in the policy of the repository there, if it is another account's"
            return Unread(str(error), f"{remedy}; {SWITCH_OFF}.")

    def _ask(self, region_name: str) -> RegistryReplication | Unread:
        try:
            return self.hook_of(region_name).get_registry_replication()
        except RepositoryError as error:
            return Unread(str(error), f"{_remedy(error)}; {SWITCH_OFF}.")


def replicas_through(
    hook: EcrLifecyclePolicyPreviewHook,
) -> Callable[[RepositoryId], list[RepositoryId] | Unread]:
    """Return a function that finds the replicas of repositories in one Region, and asks the Region once.

    :param hook: the hook for the Region.
    """
    return ReplicaFinder(lambda _: hook).replicas_of


def _remedy(error: RepositoryError) -> str:
    if isinstance(error, AccessDeniedError) and error.action:
        return _ALLOW.format(action=error.action)
    return "Run the task again"
