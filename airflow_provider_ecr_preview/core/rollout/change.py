"""A change of the lifecycle policies of repositories, and its XCom contract of at most 48 KiB."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from airflow_provider_ecr_preview.core.cleanup.answers import Answer
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult
from airflow_provider_ecr_preview.core.exceptions import RepositoryError
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.former import FormerPolicy, fingerprint_of
from airflow_provider_ecr_preview.core.values import isoformat
from airflow_provider_ecr_preview.core.xcom.rollout import RestoredPreview

PolicyChangeStatus = Literal["planned", "changed", "unchanged", "blocked", "failed", "unknown"]
"""``planned``: a dry run, or not reached. ``unknown``: the applied policy could not be read afterwards."""


@dataclass(frozen=True)
class PolicyChange:
    """The change of the policy of one repository.

    :param repository: the repository.
    :param wanted: the policy to apply; None for none.
    :param former: the policy that it had when it was checked; None for none.
    :param checks: the results of all checks.
    :param status: the progress of the change.
    :param error: the error, if the change failed.
    :param earlier: the policy that an earlier attempt of the same task replaced with the one found at the check.
    :param is_put: whether the wanted policy was, or may have been, put by this task.
    :param reason: ``reply_lost`` if the wanted policy has been in place since a call whose reply was lost.
    :param note: further information for a person.
    :param restored_preview: the images that the wanted policy would take, from a preview of it; None if there was none.
    """

    repository: RepositoryId
    wanted: LifecyclePolicy | None
    former: LifecyclePolicy | None
    checks: tuple[CheckResult, ...] = ()
    status: PolicyChangeStatus = "planned"
    error: RepositoryError | None = None
    earlier: FormerPolicy | None = None
    is_put: bool = False
    reason: str | None = None
    note: str | None = None
    restored_preview: RestoredPreview | None = None

    @property
    def policy_before(self) -> LifecyclePolicy | None:
        """The policy that the repository had before any attempt of this task changed it."""
        return self.former if self.earlier is None else self.earlier.policy

    @property
    def is_needed(self) -> bool:
        """Whether the repository does not have the wanted policy yet."""
        return not same_policy(self.former, self.wanted)


def same_policy(policy: LifecyclePolicy | None, other: LifecyclePolicy | None) -> bool:
    """Return whether two policies are the same, or both are None.

    :param policy: a policy, or None for none.
    :param other: a policy, or None for none.
    """
    return fingerprint_of(policy) == fingerprint_of(other)


def former_policies_of(changes: Iterable[PolicyChange], change_id: str | None, kept_at: datetime) -> list[FormerPolicy]:
    """Return the policies that changes replace.

    :param changes: the changes.
    :param change_id: the run and task that they belong to.
    :param kept_at: the time (aware).
    """
    return [
        FormerPolicy(
            change.repository,
            change.policy_before,
            fingerprint_of(change.wanted),
            change_id,
            isoformat(kept_at),
            change.is_put,
        )
        for change in changes
        if not same_policy(change.policy_before, change.wanted)
    ]


def former_policies_would_be_kept(former_policies_path: str | None) -> CheckResult:
    """Return whether the former policies will be kept for a restore, before it is known which are replaced.

    :param former_policies_path: the file for them; None to keep them only in the result.
    """
    if former_policies_path:
        answer = Answer("passed", f"The former policies will be kept at {former_policies_path}.")
    else:
        answer = Answer("not_checked", "Only the change itself shows whether the former policies fit into the result.")
    return CheckResult.of("former_policies_kept", answer)
