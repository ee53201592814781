"""Change the lifecycle policy of one repository, and read it back to verify the change."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from airflow_provider_ecr_preview.aws.acting import Fate, fate_of
from airflow_provider_ecr_preview.core.backoff import Backoff
from airflow_provider_ecr_preview.core.cleanup.journal import REPLY_LOST
from airflow_provider_ecr_preview.core.exceptions import (
    LifecyclePolicyChangedError,
    LifecyclePolicyNotFoundError,
    RepositoryError,
)
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.change import PolicyChange, same_policy
from airflow_provider_ecr_preview.hooks.ecr_cleanup import EcrImageCleanupHook

log = logging.getLogger(__name__)


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


@dataclass(frozen=True)
class PolicyChanger:
    """Changes lifecycle policies, one repository at a time.

    :param hook_of: returns the hook for a Region; its ``throttle_timeout`` bounds how long one change is retried.
    :param wait: waits for a number of seconds, and returns whether the task must stop.
    """

    hook_of: Callable[[str], EcrImageCleanupHook]
    wait: Callable[[float], bool] = _sleep

    def applied(self, repository: RepositoryId) -> LifecyclePolicy | None:
        """Return the policy that a repository has now, or None if it has none.

        :param repository: the repository.
        :raises RepositoryError: if the policy cannot be read.
        """
        try:
            return self.hook_of(repository.region_name).get_lifecycle_policy(
                repository.repository_name, registry_id=repository.registry_id
            )
        except LifecyclePolicyNotFoundError:
            return None

    def change(self, change: PolicyChange) -> PolicyChange:
        """Make a change, unless the policy has changed since it was planned, and return the outcome.

        Looks at the policy right before each call, including retries.

        :param change: the planned change.
        """
        # In addition to the XCom, which the next attempt of the task deletes.
        former = "none" if change.former is None else change.former.text
        log.info("%s: changing the lifecycle policy; the former one is: %s", change.repository, former)
        backoff = Backoff(self.hook_of(change.repository.region_name).throttle_timeout, self.wait)
        lost = False
        while True:
            is_sent = False
            try:
                if (ended := self._looked_at(change, lost=lost)) is not None:
                    return ended
                is_sent = True
                self._send(change)
            except RepositoryError as failure:
                fate, error = fate_of(failure), failure
            else:
                return self._read_back(change, None)
            lost = lost or (is_sent and fate == "lost")
            if fate == "refused" or not backoff.again(throttled=fate == "not_done"):
                return self._given_up(change, error, fate, lost=lost)
            log.info("%s: looking again, because %s", change.repository, error)

    def _looked_at(self, change: PolicyChange, *, lost: bool) -> PolicyChange | None:
        """Return the outcome of a change that must not be made now, or None to make it."""
        repository = change.repository
        applied = self.hook_of(repository.region_name).look_at_lifecycle_policy(
            repository.repository_name, registry_id=repository.registry_id
        )
        if same_policy(applied, change.wanted):
            # Right before the call whose reply was lost, it was different.
            return _as_changed(change, REPLY_LOST) if lost else replace(change, status="unchanged")
        if same_policy(applied, change.former):
            return None
        message = "the policy was changed by someone else after the checks. Nothing was changed here; preview again."
        return replace(change, status="failed", error=_changed(repository, message), is_put=lost)

    def _send(self, change: PolicyChange) -> None:
        repository, hook = change.repository, self.hook_of(change.repository.region_name)
        if change.wanted is None:
            hook.delete_lifecycle_policy(repository.repository_name, registry_id=repository.registry_id)
        else:
            hook.put_lifecycle_policy(repository.repository_name, change.wanted, registry_id=repository.registry_id)

    def _given_up(self, change: PolicyChange, error: RepositoryError, fate: Fate, *, lost: bool) -> PolicyChange:
        if lost:
            return self._read_back(change, error)
        if change.wanted is None and fate == "refused" and isinstance(error, LifecyclePolicyNotFoundError):
            # Someone else removed it at the same moment.
            return replace(change, status="unchanged")
        return replace(change, status="failed", error=error)

    def _read_back(self, change: PolicyChange, failure: RepositoryError | None) -> PolicyChange:
        """Trust the applied policy, not the answer: a change may have been made even if its answer was lost."""
        try:
            applied = self.applied(change.repository)
        except RepositoryError as error:
            return replace(change, status="unknown", error=failure or error, is_put=True)
        if same_policy(applied, change.wanted):
            return _as_changed(change, REPLY_LOST if failure else None)
        message = "ECR accepted the policy, but now has a different one. Find out who else changes it."
        return replace(change, status="failed", error=failure or _changed(change.repository, message), is_put=True)


def _as_changed(change: PolicyChange, reason: str | None) -> PolicyChange:
    return replace(change, status="changed", reason=reason, is_put=True)


def _changed(repository: RepositoryId, message: str) -> LifecyclePolicyChangedError:
    return LifecyclePolicyChangedError(
        message,
        repository_name=repository.repository_name,
        registry_id=repository.registry_id,
        region_name=repository.region_name,
    )
