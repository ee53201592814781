"""The audit of a registry as one group of tasks: list, audit in batches, merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from inspect import signature
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, TaskGroup

from airflow_provider_ecr_preview.operators.ecr_audit import (
    EcrAuditLifecyclePoliciesOperator,
    EcrListRepositoriesOperator,
    EcrMergeLifecycleAuditsOperator,
)
from airflow_provider_ecr_preview.operators.ecr_repositories import BATCH_SIZE

if TYPE_CHECKING:
    from airflow.sdk import Asset

    from airflow_provider_ecr_preview.core.selection import Names, TagFilter
    from airflow_provider_ecr_preview.operators._fail_on import FailOn, OnNoRepositories
    from airflow_provider_ecr_preview.operators.ecr_merge import OnMissing
    from airflow_provider_ecr_preview.templating.types import Templated


_AWS = ("aws_conn_id", "region_name", "verify", "botocore_config")


_SET_APART = ("map_index_template", "task_display_name", "trigger_rule")
"""Arguments of every operator that mean something else for each task of the group."""


_OF_THE_GROUP = ("dag", "default_args", "do_xcom_push", "multiple_outputs", "task_group", "task_id")
"""Arguments of every operator that the group needs as they are."""


_LINKS = {
    "list": ("batch_size", "region_names"),
    "audit": ("repository_names", "audit_id"),
    "merge": ("audit_id", "audits"),
}
"""Arguments of one task that link it with the others."""


def lifecycle_audit(
    group_id: str = "lifecycle_audit",
    *,
    include: Templated[Names] | None = None,
    exclude: Templated[Names] | None = None,
    tags: Templated[TagFilter] | None = None,
    with_policy: Templated[bool] | None = None,
    region_names: Templated[Names] | None = None,
    batch_size: Templated[int] | None = BATCH_SIZE,
    registry_id: Templated[str] | None = None,
    reports_path: Templated[str] | None = None,
    audit_id: Templated[str] | None = None,
    on_missing: Templated[OnMissing] | None = "fail",
    on_no_repositories: Templated[OnNoRepositories] | None = "fail",
    fail_on: Templated[FailOn] | None = "any",
    fail_on_alarm: Templated[bool] | None = False,
    outlets: Sequence[Asset] = (),
    list_kwargs: Mapping[str, Any] | None = None,
    audit_kwargs: Mapping[str, Any] | None = None,
    merge_kwargs: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> EcrMergeLifecycleAuditsOperator:
    """Add tasks to the DAG that audit a registry in batches, spread over all workers.

    .. code-block:: python

        @dag(schedule="@weekly")
        def weekly_audit():
            lifecycle_audit(include="payments/*", region_names=["eu-west-1", "us-east-1"], deferrable=True)

    Arguments that every operator has, such as ``retries``, ``pool``, ``queue``, ``owner`` or ``on_failure_callback``, reach all
    three tasks. ``list_kwargs``, ``audit_kwargs`` and ``merge_kwargs`` set arguments of one task, and win:

    .. code-block:: python

        lifecycle_audit(retries=3, pool="ecr", merge_kwargs={"pool": "default_pool", "on_success_callback": notify})

    The task of a batch fails if all of its repositories failed, and is retried according to ``retries``. ``fail_on`` decides
    once, for the whole audit, what the failure of some repositories means.

    :param group_id: name of the group, which has the tasks ``list``, ``audit`` and ``merge``.
    :param include: name globs; a repository is audited if one of them matches. Every repository if None. (templated)
    :param exclude: name globs; a repository is left out if one of them matches. (templated)
    :param tags: resource tags that a repository needs. (templated)
    :param with_policy: True for only repositories with a lifecycle policy, False for only those without one. (templated)
    :param region_names: the Regions to audit; None for ``region_name``. (templated)
    :param batch_size: maximum number of repositories that one task audits. (templated)
    :param registry_id: the registry (AWS account id); None for the caller's own. (templated)
    :param reports_path: folder for reports. (templated)
    :param audit_id: name of the audit; None for a name made of DAG, group and run. (templated)
    :param on_missing: ``fail`` or ``warn`` if a batch ended without a result. (templated)
    :param on_no_repositories: ``fail`` or ``warn`` if there is no repository to audit in any Region. (templated)
    :param fail_on: which failures of repositories fail the task ``merge``. (templated)
    :param fail_on_alarm: whether an alarm fails the task ``merge`` too. (templated)
    :param outlets: assets that the task ``merge`` updates; each event has the counts of the audit in ``extra``.
    :param list_kwargs: arguments of the task ``list`` alone.
    :param audit_kwargs: arguments of the task ``audit`` alone.
    :param merge_kwargs: arguments of the task ``merge`` alone.
    :param kwargs: arguments of every operator, for all tasks; ``aws_conn_id``, ``region_name``, ``verify`` and
        ``botocore_config``; and further arguments of
        :class:`~airflow_provider_ecr_preview.operators.ecr_audit.EcrAuditLifecyclePoliciesOperator`, such as
        ``lifecycle_policy_text`` or ``deferrable``.
    :return: the task ``merge``, whose output is the audit and whose ``task_group`` is the group.
    :raises TypeError: if no task knows an argument.
    :raises ValueError: if a constant is not valid.
    """
    common, of_audit = _sorted_arguments(kwargs)
    audit_id = audit_id or f"{{{{ dag.dag_id }}}} {group_id} {{{{ run_id }}}}"
    aws = {name: of_audit.pop(name) for name in _AWS if name in of_audit}
    if batch_size is None:  # without batches, every single repository would be a task
        batch_size = BATCH_SIZE
    with TaskGroup(group_id):
        names = EcrListRepositoriesOperator(
            **{
                "task_id": "list",
                "include": include,
                "exclude": exclude,
                "tags": tags,
                "with_policy": with_policy,
                "region_names": region_names,
                "batch_size": batch_size,
                "registry_id": registry_id,
                **aws,
                **common,
                **_of_task("list", list_kwargs),
            }
        )
        if region_names is not None:
            aws.pop("region_name", None)
        audit = EcrAuditLifecyclePoliciesOperator.partial(
            **{
                "task_id": "audit",
                "registry_id": registry_id,
                "reports_path": reports_path,
                "audit_id": audit_id,
                "audit_name": f"{{{{ dag.dag_id }}}} {group_id}",
                "selection": {"include": include, "exclude": exclude, "tags": tags, "with_policy": with_policy},
                "fail_on": "all",
                **aws,
                **common,
                **of_audit,
                **_of_task("audit", audit_kwargs),
            }
        )
        audits = (
            audit.expand(repository_names=names.output) if region_names is None else audit.expand_kwargs(names.output)
        )
        return EcrMergeLifecycleAuditsOperator(
            **{
                "task_id": "merge",
                "audits": audits.output,
                "reports_path": reports_path,
                "audit_id": audit_id,
                "on_missing": on_missing,
                "on_no_repositories": on_no_repositories,
                "fail_on": fail_on,
                "fail_on_alarm": fail_on_alarm,
                "outlets": list(outlets),
                **common,
                **_of_task("merge", merge_kwargs),
            }
        )


def _sorted_arguments(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments for all tasks, and those of the audit.

    :raises TypeError: if one is unknown, or has to be set for one task.
    """
    of_every_operator = _parameters(BaseOperator)
    known = {*of_every_operator, *_parameters(EcrAuditLifecyclePoliciesOperator), *_AWS}
    for name in given:
        if name in _SET_APART:
            raise TypeError(f"Set {name} for one task: in list_kwargs, audit_kwargs or merge_kwargs.")
        _refuse_of_the_group(name)
        if name not in known:
            near = get_close_matches(name, [*known, *_parameters(lifecycle_audit)], 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise TypeError(f"lifecycle_audit() has no argument {name!r}.{hint}")
    common = {name: value for name, value in given.items() if name in of_every_operator}
    return common, {name: value for name, value in given.items() if name not in common}


def _of_task(task_id: str, given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    for name in given or {}:
        _refuse_of_the_group(name)
        if name in _LINKS.get(task_id, ()):
            raise TypeError(f"{task_id}_kwargs cannot set {name!r}, which links the tasks of the group.")
    return given or {}


def _refuse_of_the_group(name: str) -> None:
    if name in _OF_THE_GROUP:
        raise TypeError(f"lifecycle_audit() sets {name!r} itself. Leave it out.")


def _parameters(of: Any) -> set[str]:
    parameters = signature(of).parameters.values()
    return {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
