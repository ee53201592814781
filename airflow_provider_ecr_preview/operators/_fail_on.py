"""Whether the result of an audit fails its task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_ecr_preview.core.exceptions import AuditFailedError, NoRepositoriesError
from airflow_provider_ecr_preview.core.parameters.forms import refuse
from airflow_provider_ecr_preview.core.parameters.values import choice, given, number
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.templating.parameters import Rule

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom


FailOn = Literal["any", "all", "none"] | float


OnNoRepositories = Literal["warn", "fail"]


_NAMED = 3


def _fail_on(value: Any, parameter: str, default: Any = None) -> Any:
    del parameter
    return default if value is None else read_fail_on(value)


def _on_no_repositories(value: Any, parameter: str, default: Any = None) -> Any:
    del parameter
    return default if value is None else read_on_no_repositories(value)


FAIL_ON_RULES: Mapping[str, Rule] = {"fail_on": _fail_on, "on_no_repositories": _on_no_repositories}
"""The rules of these parameters, with which constants are checked when a DAG is imported."""


def read_fail_on(value: Any) -> FailOn:
    """Return the value of ``fail_on``, read before anything is started.

    :param value: ``any``, ``all``, ``none``, or a share, also as text; None for ``any``.
    :raises ValueError: if it is anything else.
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
    """Return the value of ``on_no_repositories``, read before anything is started.

    :param value: ``warn`` or ``fail``; None for ``fail``.
    :raises ValueError: if it is anything else.
    """
    return choice(value, "on_no_repositories", get_args(OnNoRepositories), "fail")


def no_repositories(on_no_repositories: OnNoRepositories, reason: str) -> str:
    """Return the warning that there is no repository, or raise it.

    :param on_no_repositories: ``warn`` or ``fail``.
    :param reason: why there is no repository.
    :raises NoRepositoriesError: if it is ``fail``.
    """
    message = f"There is no repository to audit: {reason}. Check the globs, tags, account and Region that select the repositories."
    if on_no_repositories == "fail":
        raise NoRepositoriesError(f"{message} To allow an empty audit, set on_no_repositories='warn'.")
    return message


def is_too_many(failed: int, total: int, fail_on: FailOn) -> bool:
    """Return whether this number of failed repositories fails the task.

    :param failed: number of repositories that failed.
    :param total: number of all repositories.
    :param fail_on: ``any`` if one failed repository is too many, ``all`` if only all are, ``none`` if no number is; or the
        share of all repositories that may fail.
    """
    is_failure = {"any": failed > 0, "all": 0 < total == failed, "none": False}
    return is_failure[fail_on] if isinstance(fail_on, str) else failed > fail_on * total


def require_success(audit: AuditXCom, fail_on: FailOn, *, fail_on_alarm: bool = False) -> None:
    """Raise if too many repositories failed, or if an alarm was raised.

    :param audit: the audit.
    :param fail_on: as in :func:`is_too_many`.
    :param fail_on_alarm: whether an alarm about changes since the last audit fails the task too.
    :raises AuditFailedError: in both cases.
    """
    failed, total = audit["failed_count"], audit["repository_count"]
    if is_too_many(failed, total, fail_on):
        kinds = ", ".join(f"{name} {count}" for name, count in audit["errors"].items())
        messages = "".join(f"\n  - {failure['message']}" for failure in audit["failures"][:_NAMED])
        raise AuditFailedError(
            f"Not previewed: {failed} of {counted(total, 'repository', 'repositories')} (fail_on={fail_on!r}). Errors: "
            f"{kinds}. The audit of the others is in XCom, and a retry previews only those that failed.{messages}"
        )
    changes = audit["changes"]
    if fail_on_alarm and changes is not None and changes["alarm_count"]:
        alarms = "".join(
            f"\n  - {changed['repository_name']}: {changed['alarm']}" for changed in changes["alarms"][:_NAMED]
        )
        raise AuditFailedError(
            f"{counted(changes['alarm_count'], 'repository', 'repositories')} raised an alarm.{alarms}"
        )
