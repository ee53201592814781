"""Plan the policy change of one repository from its current policy."""

from __future__ import annotations

from dataclasses import replace

from airflow_provider_ecr_preview.core.cleanup.answers import Answer
from airflow_provider_ecr_preview.core.cleanup.check_catalog import lifting
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult
from airflow_provider_ecr_preview.core.cleanup.journal import REPLY_LOST
from airflow_provider_ecr_preview.core.exceptions import RepositoryError
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.change import PolicyChange, same_policy
from airflow_provider_ecr_preview.core.rollout.former import FormerPolicy, fingerprint_of
from airflow_provider_ecr_preview.core.rollout.journal import EarlierChange
from airflow_provider_ecr_preview.engine.policy_changer import PolicyChanger

_PUT_BY_EARLIER_ATTEMPT = "An earlier attempt of this task put the policy."


_MAYBE_PUT_BY_EARLIER_ATTEMPT = (
    "The repository has this policy already. If an earlier attempt of this task put it, only the log of that attempt says "
    "which policy was there before: this Airflow has no task state store, and former_policies_path is not set."
)


def planned_change(
    changer: PolicyChanger,
    repository: RepositoryId,
    wanted: LifecyclePolicy | None,
    checks: tuple[CheckResult, ...] = (),
    *,
    replaced: FormerPolicy | None = None,
    earlier: EarlierChange | None = None,
) -> PolicyChange:
    """Return the change of one repository, blocked if a check forbids it.

    :param changer: reads the applied policy.
    :param repository: the repository.
    :param wanted: the policy that it should have.
    :param checks: the results of earlier checks.
    :param replaced: the record of the policy to restore; if None, any policy may be replaced.
    :param earlier: the change that an earlier attempt of the same task was about to make.
    """
    former = None
    try:
        former = changer.applied(repository)
        answer = Answer("passed", f"The applied policy is {_short(former)}.")
        of_replaced = (replaced.replaced_by, fingerprint_of(wanted)) if replaced else None
        of_earlier = (earlier.former.replaced_by, earlier.former.fingerprint) if earlier else None
        if any(known and fingerprint_of(former) not in known for known in (of_replaced, of_earlier)):
            answer = Answer(
                "blocked", f"The applied policy is {_short(former)}, not the one that was put: it was changed since."
            )
    except RepositoryError as error:
        answer = Answer("unknown", f"The applied policy cannot be read: {error}", remedy=lifting(error))
    change = PolicyChange(repository, wanted, former, (*checks, CheckResult.of("applied_policy", answer)))
    if any(check.blocks for check in change.checks):
        return replace(change, status="blocked")
    if earlier is not None and earlier.former.replaced_by == fingerprint_of(former):
        change = replace(change, earlier=earlier.former)
    if change.is_needed:
        return change
    if same_policy(change.policy_before, wanted):
        return replace(change, status="unchanged")
    reason = None if earlier is None or earlier.is_confirmed else REPLY_LOST
    return replace(change, status="changed", is_put=True, reason=reason, note=_PUT_BY_EARLIER_ATTEMPT)


def left_as_it_is(changer: PolicyChanger, repository: RepositoryId, why: str) -> PolicyChange:
    """Return the outcome for a repository whose policy is not changed.

    :param changer: reads the applied policy.
    :param repository: the repository.
    :param why: why it is not changed.
    """
    try:
        applied = changer.applied(repository)
    except RepositoryError:
        applied = None  # it is not changed, so nothing depends on it
    return PolicyChange(repository, applied, applied, status="unchanged", note=why)


def with_doubt(change: PolicyChange) -> PolicyChange:
    """Return the change for a later attempt that cannot know what earlier ones did.

    :param change: the change.
    """
    if change.status != "unchanged" or change.is_put or change.note is not None:
        return change
    return replace(change, note=_MAYBE_PUT_BY_EARLIER_ATTEMPT)


def _short(policy: LifecyclePolicy | None) -> str:
    return "none" if policy is None else policy.fingerprint[:12]
