"""Change the lifecycle policy of one repository, and read back whether it is as it was meant."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.exceptions import (
    AccessDeniedError,
    InvalidRequestError,
    LifecyclePolicyChangedError,
    LifecyclePolicyNotFoundError,
    RepositoryError,
)
from airflow_provider_ecr_preview.hooks.ecr_cleanup import EcrImageCleanupHook
from airflow_provider_ecr_preview.policy import LifecyclePolicy
from airflow_provider_ecr_preview.policy_change import PolicyChange, same_policy

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PolicyChanger:
    """Changes lifecycle policies, one repository after the other.

    :param hook_of: returns the hook for a Region.
    """

    hook_of: Callable[[str], EcrImageCleanupHook]

    def applied(self, repository: RepositoryId) -> LifecyclePolicy | None:
        """Return the policy that a repository has now, or None if it has none.

        :param repository: the repository.
        :raises RepositoryError: if that cannot be read.
        """
        try:
            return self.hook_of(repository.region_name).get_lifecycle_policy(
                repository.repository_name, registry_id=repository.registry_id
            )
        except LifecyclePolicyNotFoundError:
            return None

    def change(self, change: PolicyChange) -> PolicyChange:
        """Make a change, unless the policy is no longer the one that was there, and tell what became of it.

        :param change: the planned change.
        """
        try:
            applied = self.applied(change.repository)
        except RepositoryError as error:
            return replace(change, status="failed", error=error)
        if same_policy(applied, change.wanted):
            return replace(change, status="unchanged")
        if not same_policy(applied, change.former):
            message = "somebody else has changed the policy since it was checked. Nothing was changed; preview again."
            return replace(change, status="failed", error=_changed(change.repository, message))
        # Beside the XCom, which the next attempt of the task takes away.
        former = "none" if change.former is None else change.former.text
        log.info("%s: changing the lifecycle policy; the former one is: %s", change.repository, former)
        return self._read_back(change, self._put(change))

    def _put(self, change: PolicyChange) -> RepositoryError | None:
        repository, hook = change.repository, self.hook_of(change.repository.region_name)
        try:
            if change.wanted is None:
                hook.delete_lifecycle_policy(repository.repository_name, registry_id=repository.registry_id)
            else:
                hook.put_lifecycle_policy(repository.repository_name, change.wanted, registry_id=repository.registry_id)
        except RepositoryError as error:
            return error
        return None

    def _read_back(self, change: PolicyChange, failure: RepositoryError | None) -> PolicyChange:
        """Believe what is there, not what was answered: an answer that is lost may be that of a change that was made."""
        try:
            applied = self.applied(change.repository)
        except RepositoryError as error:
            return replace(change, status="unknown", error=failure or error, is_put=True)
        if same_policy(applied, change.wanted):
            return replace(change, status="changed", is_put=True)
        message = "ECR took the policy, but has another one now. Look who else changes it."
        is_put = not isinstance(failure, AccessDeniedError | InvalidRequestError)
        return replace(change, status="failed", error=failure or _changed(change.repository, message), is_put=is_put)


def _changed(repository: RepositoryId, message: str) -> LifecyclePolicyChangedError:
    return LifecyclePolicyChangedError(
        message,
        repository_name=repository.repository_name,
        registry_id=repository.registry_id,
        region_name=repository.region_name,
    )
