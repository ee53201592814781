"""A change of the lifecycle policies of repositories, and its XCom contract, in at most 48 KiB whatever was changed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

from airflow_provider_ecr_preview.bounded import cut
from airflow_provider_ecr_preview.cleanup_checks import CheckResult
from airflow_provider_ecr_preview.cleanup_result import CheckXCom, check_xcom
from airflow_provider_ecr_preview.core.cleanup.answers import Answer
from airflow_provider_ecr_preview.core.cleanup.approval import Approval, ApprovedByXCom
from airflow_provider_ecr_preview.core.cleanup.journal import REPLY_LOST
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.former import (
    FormerPolicy,
    fingerprint_of,
    former_policies_fingerprint,
)
from airflow_provider_ecr_preview.exceptions import RepositoryError
from airflow_provider_ecr_preview.policy import LifecyclePolicy
from airflow_provider_ecr_preview.preview import isoformat

POLICY_CHANGE_SCHEMA = "ecr-lifecycle-policy-change/1"
MAX_POLICY_CHANGE_BYTES = 48 * 1024

PolicyChangeStatus = Literal["planned", "changed", "unchanged", "blocked", "failed", "unknown"]
"""``planned`` is what a dry run would change, or what was not come to. With ``unknown``, nobody could read back."""

_MAX_MESSAGE = 500
_ROOM_FOR_AN_ERROR = 2 * 1024
"""How much the result may grow between its plan and its end, which has one failure at the most."""


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


class RestoredPreview(TypedDict):
    """How many images a policy would take, as a preview of it says."""

    expiring_image_count: int
    archiving_image_count: int


class RepositoryPolicyXCom(TypedDict):
    """What became of the policy of one repository.

    ``former_lifecycle_policy_text`` is None where there was no policy, and where ``former_policies_uri`` has it.
    ``is_put`` says whether the policy was, or may have been, put by the task, so that there is something to give back.
    ``restored_preview`` says what a restored policy would take; null where it was not previewed. ``reason`` is
    ``reply_lost`` where the policy is as it was wanted since a call whose reply was lost: somebody else may have put the
    same one in the same moment. Results of earlier releases have none of these.
    """

    registry_id: str
    region_name: str
    repository_name: str
    status: str
    policy_fingerprint: str | None
    former_policy_fingerprint: str | None
    former_lifecycle_policy_text: str | None
    checks: list[CheckXCom]
    error: str | None
    message: str | None
    is_put: bool
    reason: NotRequired[str | None]
    restored_preview: NotRequired[RestoredPreview | None]


class PolicyChangeXCom(TypedDict):
    """``return_value`` of the operators that put and restore policies.

    ``repositories_left_out`` says for how many there was no room; ``former_policies_uri`` has all of them.
    ``changed_repository_count`` and ``put_repository_count`` count also what earlier attempts of the task put, the latter
    with what may have been put; ``reply_lost_repository_count`` is how many of them are so since a call whose reply was
    lost. ``change_id`` says which run of which task this is, and ``former_policies_fingerprint`` is a SHA-256 over all that
    it has replaced, by which ``former_policies_uri`` is checked.
    """

    schema: str
    dry_run: bool
    status: str
    started_at: str
    finished_at: str
    repository_count: int
    changed_repository_count: int
    put_repository_count: int
    reply_lost_repository_count: NotRequired[int]
    statuses: dict[str, int]
    checks: list[CheckXCom]
    repositories: list[RepositoryPolicyXCom]
    repositories_left_out: int
    former_policies_uri: str | None
    approval: NotRequired[ApprovedByXCom | None]
    former_policies_fingerprint: str
    change_id: str | None
    message: NotRequired[str | None]


def same_policy(one: LifecyclePolicy | None, other: LifecyclePolicy | None) -> bool:
    """Return whether two policies are the same, or both are none.

    :param one: a policy, or None for none.
    :param other: a policy, or None for none.
    """
    return fingerprint_of(one) == fingerprint_of(other)


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


def former_policies_kept(changes: Sequence[PolicyChange], former_policies_path: str | None) -> CheckResult:
    """Ask whether the former policies will be there to be restored.

    :param changes: the planned changes.
    :param former_policies_path: where they are written; None if they are in the result alone.
    """
    code = "former_policies_kept"
    if former_policies_path:
        return CheckResult.of(code, Answer("passed", f"The former policies are kept at {former_policies_path}."))
    size = _size([_without_what_passed(_repository(change)) for change in changes])
    if size + _ROOM_FOR_AN_ERROR <= MAX_POLICY_CHANGE_BYTES:
        return CheckResult.of(code, Answer("passed", "The former policies are kept in the result."))
    message = f"The former policies and verdicts take {size} bytes, more than fit into an XCom."
    return CheckResult.of(code, Answer("blocked", message))


def former_policies_would_be_kept(former_policies_path: str | None) -> CheckResult:
    """Return whether the former policies will be there to be restored, before it is known which are replaced.

    :param former_policies_path: where they are written; None if they are in the result alone.
    """
    if former_policies_path:
        answer = Answer("passed", f"The former policies are to be kept at {former_policies_path}.")
    else:
        answer = Answer(
            "not_checked", "Whether the former policies fit into the result is seen when they are replaced."
        )
    return CheckResult.of("former_policies_kept", answer)


def policy_change_xcom(
    changes: Sequence[PolicyChange],
    *,
    dry_run: bool,
    run_checks: Sequence[CheckResult],
    started_at: datetime,
    finished_at: datetime,
    former_policies_uri: str | None = None,
    approval: Approval | None = None,
    change_id: str | None = None,
    message: str | None = None,
) -> PolicyChangeXCom:
    """Return the result of a change.

    :param changes: what became of every repository.
    :param dry_run: whether nothing was to be changed.
    :param run_checks: what the checks of the whole run say.
    :param started_at: when it began (aware).
    :param finished_at: when it ended (aware).
    :param former_policies_uri: where the former policies were written.
    :param approval: what a person has approved; None if no approval binds the change.
    :param change_id: which run of which task this is.
    :param message: what a person has to know about all of it.
    """
    statuses = Counter(str(change.status) for change in changes)
    value = PolicyChangeXCom(
        schema=POLICY_CHANGE_SCHEMA,
        dry_run=dry_run,
        status=_overall(statuses, run_checks, dry_run=dry_run),
        started_at=isoformat(started_at) or "",
        finished_at=isoformat(finished_at) or "",
        repository_count=len(changes),
        changed_repository_count=statuses["changed"],
        put_repository_count=sum(change.is_put for change in changes),
        reply_lost_repository_count=sum(change.reason == REPLY_LOST for change in changes),
        statuses=dict(statuses),
        checks=[check_xcom(check, _MAX_MESSAGE) for check in run_checks],
        repositories=[_repository(change) for change in changes],
        repositories_left_out=0,
        former_policies_uri=former_policies_uri,
        approval=None if approval is None else approval.as_dict(),
        former_policies_fingerprint=former_policies_fingerprint(
            former_policies_of((change for change in changes if change.is_put), change_id, started_at)
        ),
        change_id=change_id,
        message=message,
    )
    return _fitted(value)


def _overall(statuses: Counter[str], run_checks: Sequence[CheckResult], *, dry_run: bool) -> str:
    if statuses["failed"] or statuses["unknown"]:
        return "incomplete"
    if statuses["blocked"] or any(check.blocks for check in run_checks):
        return "blocked"
    if statuses["planned"]:
        return "dry_run" if dry_run else "incomplete"
    return "changed" if statuses["changed"] else "unchanged"


def _repository(change: PolicyChange) -> RepositoryPolicyXCom:
    repository, error = change.repository, change.error
    return RepositoryPolicyXCom(
        registry_id=repository.registry_id,
        region_name=repository.region_name,
        repository_name=repository.repository_name,
        status=change.status,
        policy_fingerprint=fingerprint_of(change.wanted),
        former_policy_fingerprint=fingerprint_of(change.given_back),
        former_lifecycle_policy_text=None if change.given_back is None else change.given_back.text,
        checks=[check_xcom(check, _MAX_MESSAGE) for check in change.checks],
        error=None if error is None else type(error).__name__,
        message=cut(change.note if error is None else str(error), _MAX_MESSAGE),
        is_put=change.is_put,
        reason=change.reason,
        restored_preview=change.restored_preview,
    )


def _fitted(value: PolicyChangeXCom) -> PolicyChangeXCom:
    """Cut what says that all is well first; former policies only where they were written elsewhere."""
    if _size(value) <= MAX_POLICY_CHANGE_BYTES:
        return value
    repositories = [_without_what_passed(repository) for repository in value["repositories"]]
    value["repositories"] = repositories
    if value["former_policies_uri"] and _size(value) > MAX_POLICY_CHANGE_BYTES:
        for repository in repositories:
            repository["former_lifecycle_policy_text"] = None
    repositories.sort(key=lambda repository: repository["status"] in ("changed", "unchanged", "planned"))
    while repositories and _size(value) > MAX_POLICY_CHANGE_BYTES:
        # Halves, not one by one, since a thousand repositories would be measured a thousand times.
        cut_off = (len(repositories) + 1) // 2
        value["repositories_left_out"] += cut_off
        del repositories[-cut_off:]
    return value


def _without_what_passed(repository: RepositoryPolicyXCom) -> RepositoryPolicyXCom:
    checks = [check for check in repository["checks"] if check["verdict"] not in ("passed", "off")]
    return {**repository, "checks": checks}


def _size(value: Any) -> int:
    return len(json.dumps(value))
