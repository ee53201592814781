"""Whether an audit that has ended is good enough for its task to succeed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_ecr_preview.core.exceptions import AuditFailedError, NoRepositoriesError
from airflow_provider_ecr_preview.core.parameters.forms import refuse
from airflow_provider_ecr_preview.core.parameters.values import choice, given, number

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom


FailOn = Literal["any", "all", "none"] | float


OnNoRepositories = Literal["warn", "fail"]


_NAMED = 3


def read_fail_on(value: Any) -> FailOn:
    """Return a ``fail_on`` before anything is started.

    :param value: ``any``, ``all``, ``none``, or a share, also as text; None for ``any``.
    :raises ValueError: if it is neither.
    """
    words: FailOn = given(value, "fail_on")
    if words is None:
        return "any"
    if words in ("any", "all", "none"):
        return words
    try:
        return number(words, "fail_on", 0.0, maximum=1)
    except ValueError:
        refuse(value, "fail_on", "Use 'any', 'all', 'none', or a share from 0 to 1")


def read_on_no_repositories(value: Any) -> OnNoRepositories:
    """Return an ``on_no_repositories`` before anything is started.

    :param value: ``warn`` or ``fail``; None for ``warn``.
    :raises ValueError: if it is neither.
    """
    return choice(value, "on_no_repositories", get_args(OnNoRepositories), "warn")


def no_repositories(on_no_repositories: Any, reason: str) -> str:
    """Return the warning that there is no repository, or raise it.

    :param on_no_repositories: ``warn`` or ``fail``.
    :param reason: why there is none.
    :raises NoRepositoriesError: if it is ``fail``.
    """
    message = f"There is no repository to audit: {reason}. Check the globs, tags, account and Region that choose the repositories."
    if read_on_no_repositories(on_no_repositories) == "fail":
        raise NoRepositoriesError(f"{message} on_no_repositories='warn' lets an empty audit pass.")
    return message


def is_too_many(failed: int, total: int, fail_on: FailOn) -> bool:
    """Return whether so many failed repositories are a failure of the task.

    :param failed: number of repositories that failed.
    :param total: number of all repositories.
    :param fail_on: ``any`` failed repository is too many, only ``all`` are, ``none`` ever are; or a share of all
        repositories, more of which are.
    """
    is_failure = {"any": failed > 0, "all": 0 < total == failed, "none": False}
    return is_failure[fail_on] if isinstance(fail_on, str) else failed > fail_on * total


def require_success(audit: AuditXCom, fail_on: FailOn, *, fail_on_alarm: bool = False) -> None:
    """Raise when too many repositories failed, or an alarm went off.

    :param audit: the audit.
    :param fail_on: ``any`` failed repository is too many, only ``all`` are, ``none`` ever are; or a share of all
        repositories, more of which are.
    :param fail_on_alarm: whether an alarm of what changed since the last audit is a failure, too.
    :raises AuditFailedError: if so.
    """
    failed, total = audit["failed_count"], audit["repository_count"]
    if is_too_many(failed, total, fail_on):
        kinds = ", ".join(f"{name} {count}" for name, count in audit["errors"].items())
        messages = "".join(f"\n  - {failure['message']}" for failure in audit["failures"][:_NAMED])
        raise AuditFailedError(
            f"{failed} of {total} repositories could not be previewed (fail_on={fail_on!r}): {kinds}. The audit of the "
            f"others is in XCom. A retry asks only for those that failed.{messages}"
        )
    changes = audit["changes"]
    if fail_on_alarm and changes is not None and changes["alarm_count"]:
        alarms = "".join(
            f"\n  - {changed['repository_name']}: {changed['alarm']}" for changed in changes["alarms"][:_NAMED]
        )
        raise AuditFailedError(f"{changes['alarm_count']} repositories raised an alarm.{alarms}")
