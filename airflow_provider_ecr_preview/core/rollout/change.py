"""A change of the lifecycle policies of repositories, and its XCom contract, in at most 48 KiB whatever was changed."""

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
"""``planned`` is what a dry run would change, or what was not reached. ``unknown``: the applied policy could not be read afterwards."""


@dataclass(frozen=True)
class PolicyChange:
    """The change of the policy of one repository.

    :param repository: the repository.
    :param wanted: the policy that it is to have; None for none.
    :param former: the policy that it had when it was checked; None for none.
    :param checks: what every check says.
    :param status: how far it is.
    :param error: what went wrong.
    :param earlier: what an earlier attempt of the same task has replaced by the policy that it had when it was checked.
    :param is_put: whether the wanted policy was, or may have been, put by this task.
    :param reason: ``reply_lost`` where the policy is as it was wanted since a call whose reply was lost.
    :param note: what else a person has to know.
    :param restored_preview: what the wanted policy would take, as a preview of it says; None if there was none.
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
    def given_back(self) -> LifecyclePolicy | None:
        """The policy that the repository had before this task changed it, whichever attempt did."""
        return self.former if self.earlier is None else self.earlier.policy

    @property
    def is_needed(self) -> bool:
        """Whether the repository does not have the wanted policy yet."""
        return not same_policy(self.former, self.wanted)


def same_policy(policy: LifecyclePolicy | None, other: LifecyclePolicy | None) -> bool:
    """Return whether two policies are the same, or both are none.

    :param policy: a policy, or None for none.
    :param other: a policy, or None for none.
    """
    return fingerprint_of(policy) == fingerprint_of(other)


def former_policies_of(changes: Iterable[PolicyChange], change_id: str | None, kept_at: datetime) -> list[FormerPolicy]:
    """Return what changes replace.

    :param changes: the changes.
    :param change_id: which run of which task they are.
    :param kept_at: the time (aware).
    """
    return [
        FormerPolicy(
            change.repository,
            change.given_back,
            fingerprint_of(change.wanted),
            change_id,
            isoformat(kept_at),
            change.is_put,
        )
        for change in changes
        if not same_policy(change.given_back, change.wanted)
    ]


def former_policies_would_be_kept(former_policies_path: str | None) -> CheckResult:
    """Return whether the former policies will be there to be restored, before it is known which are replaced.

    :param former_policies_path: where they are written; None if they are in the result alone.
    """
    if former_policies_path:
        answer = Answer("passed", f"The former policies will be kept at {former_policies_path}.")
    else:
        answer = Answer("not_checked", "Only the change itself shows whether the former policies fit into the result.")
    return CheckResult.of("former_policies_kept", answer)
