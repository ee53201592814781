"""The XCom of a policy change, always at most 48 KiB."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from airflow_provider_ecr_preview.core.cleanup.answers import Answer
from airflow_provider_ecr_preview.core.cleanup.approval import Approval
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult
from airflow_provider_ecr_preview.core.cleanup.journal import REPLY_LOST
from airflow_provider_ecr_preview.core.cleanup.result import check_xcom, cut_check, is_notable
from airflow_provider_ecr_preview.core.rollout.change import PolicyChange, former_policies_of
from airflow_provider_ecr_preview.core.rollout.former import fingerprint_of, former_policies_fingerprint
from airflow_provider_ecr_preview.core.values import cut, fitted, isoformat, json_size, with_fitting_repositories
from airflow_provider_ecr_preview.core.xcom.rollout import (
    MAX_POLICY_CHANGE_BYTES,
    POLICY_CHANGE_SCHEMA,
    PolicyChangeXCom,
    RepositoryPolicyXCom,
)

_MAX_MESSAGE = 500


_SHORT_MESSAGE = 100
"""The length of texts where they would take the room of former policies, in characters."""


_ROOM_TO_GROW = 6 * 1024
"""The bytes that the result may grow between its plan and its end: its own fields, checks of the whole run, and one failure.
JSON escapes a character that is not ASCII as 6 or 12 bytes."""


class _Limits(NamedTuple):
    """Whether the checks that passed are pushed, the longest text in characters, and whether former policies are pushed."""

    passed: bool
    characters: int
    former_policies: bool


_LIMITS = (
    _Limits(passed=True, characters=_MAX_MESSAGE, former_policies=True),
    _Limits(passed=False, characters=_MAX_MESSAGE, former_policies=True),
    _Limits(passed=False, characters=_SHORT_MESSAGE, former_policies=True),
    _Limits(passed=False, characters=_SHORT_MESSAGE, former_policies=False),
)


def former_policies_kept(changes: Sequence[PolicyChange], former_policies_path: str | None) -> CheckResult:
    """Ask whether the former policies will be kept for a restore.

    :param changes: the planned changes.
    :param former_policies_path: the file for them; None to keep them only in the result.
    """
    code = "former_policies_kept"
    if former_policies_path:
        return CheckResult.of(code, Answer("passed", f"The former policies are kept at {former_policies_path}."))
    size = json_size([_repository_cut_to(_repository(change), _LIMITS[2]) for change in changes])
    if size + _ROOM_TO_GROW <= MAX_POLICY_CHANGE_BYTES:
        return CheckResult.of(code, Answer("passed", "The former policies are kept in the result."))
    message = f"The former policies and verdicts need {size:,} bytes, more than fit into an XCom."
    return CheckResult.of(code, Answer("blocked", message))


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
    kind: Literal["put", "restore"] = "put",
) -> PolicyChangeXCom:
    """Return the result of a change.

    :param changes: the outcome of every repository.
    :param dry_run: whether nothing was to be changed.
    :param run_checks: the results of the checks of the whole run.
    :param started_at: when it began (aware).
    :param finished_at: when it ended (aware).
    :param former_policies_uri: where the former policies were written.
    :param approval: the approval that binds the change; None if there is none.
    :param change_id: the run and task of the change.
    :param message: a message about the whole change.
    :param kind: whether policies are put or restored.
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
        kind=kind,
        lifecycle_policies={
            policy.fingerprint: policy.text for change in changes if (policy := change.wanted) is not None
        },
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
        **repository.as_dict(),
        status=change.status,
        policy_fingerprint=fingerprint_of(change.wanted),
        former_policy_fingerprint=fingerprint_of(change.policy_before),
        former_lifecycle_policy_text=None if change.policy_before is None else change.policy_before.text,
        checks=[check_xcom(check, _MAX_MESSAGE) for check in change.checks],
        error=None if error is None else type(error).__name__,
        message=cut(change.note if error is None else str(error), _MAX_MESSAGE),
        is_put=change.is_put,
        reason=change.reason,
        restored_preview=change.restored_preview,
    )


def _fitted(value: PolicyChangeXCom) -> PolicyChangeXCom:
    """Cut passed checks and long texts first, and former policies only if they were written elsewhere."""
    if json_size(value) > MAX_POLICY_CHANGE_BYTES:
        value["lifecycle_policies"] = {}  # what is wanted is known elsewhere, too
    shorter = fitted(value, MAX_POLICY_CHANGE_BYTES, _LIMITS if value["former_policies_uri"] else _LIMITS[:3], _cut_to)
    if json_size(shorter) <= MAX_POLICY_CHANGE_BYTES:
        return shorter
    shorter["repositories"].sort(key=lambda repository: repository["status"] in ("changed", "unchanged", "planned"))
    return with_fitting_repositories(shorter, MAX_POLICY_CHANGE_BYTES)


def _cut_to(value: PolicyChangeXCom, limits: _Limits) -> PolicyChangeXCom:
    return {
        **value,
        "checks": [cut_check(check, limits.characters) for check in value["checks"]],
        "message": cut(value["message"], limits.characters),
        "repositories": [_repository_cut_to(repository, limits) for repository in value["repositories"]],
    }


def _repository_cut_to(repository: RepositoryPolicyXCom, limits: _Limits) -> RepositoryPolicyXCom:
    former = repository["former_lifecycle_policy_text"]
    return {
        **repository,
        "checks": [
            cut_check(check, limits.characters) for check in repository["checks"] if limits.passed or is_notable(check)
        ],
        "message": cut(repository["message"], limits.characters),
        "former_lifecycle_policy_text": former if limits.former_policies else None,
    }
