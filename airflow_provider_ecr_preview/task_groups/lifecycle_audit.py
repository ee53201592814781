"""The audit of a registry as one group of tasks: list, audit in batches, merge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import TaskGroup

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


def lifecycle_audit(
    group_id: str = "lifecycle_audit",
    *,
    include: Templated[Names] | None = None,
    exclude: Templated[Names] | None = None,
    tags: Templated[TagFilter] | None = None,
    with_policy: Templated[bool] | None = None,
    region_names: Templated[Names] | None = None,
    batch_size: Templated[int] = BATCH_SIZE,
    registry_id: Templated[str] | None = None,
    reports_path: Templated[str] | None = None,
    audit_id: Templated[str] | None = None,
    on_missing: Templated[OnMissing] = "fail",
    on_no_repositories: Templated[OnNoRepositories] = "warn",
    fail_on: Templated[FailOn] = "any",
    fail_on_alarm: Templated[bool] = False,
    outlets: Sequence[Asset] = (),
    **audit_arguments: Any,
) -> EcrMergeLifecycleAuditsOperator:
    """Add tasks to the DAG that audit a registry in batches, spread over all workers.

    .. code-block:: python

        @dag(schedule="@weekly")
        def weekly_audit():
            lifecycle_audit(include="payments/*", region_names=["eu-west-1", "us-east-1"], deferrable=True)

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
    :param on_no_repositories: ``warn`` or ``fail`` if there is no repository to audit in any Region. (templated)
    :param fail_on: which failures of repositories fail the task ``merge``. (templated)
    :param fail_on_alarm: whether an alarm fails the task ``merge`` too. (templated)
    :param outlets: assets that the task ``merge`` updates; each event has the counts of the audit in ``extra``.
    :param audit_arguments: further arguments of
        :class:`~airflow_provider_ecr_preview.operators.ecr_audit.EcrAuditLifecyclePoliciesOperator`, such as
        ``lifecycle_policy_text``, ``deferrable``, ``retries`` or ``aws_conn_id``.
    :return: the task ``merge``, whose output is the audit and whose ``task_group`` is the group.
    """
    audit_id = audit_id or f"{{{{ dag.dag_id }}}} {group_id} {{{{ run_id }}}}"
    aws = {name: audit_arguments.pop(name) for name in _AWS if name in audit_arguments}
    with TaskGroup(group_id):
        names = EcrListRepositoriesOperator(
            task_id="list",
            include=include,
            exclude=exclude,
            tags=tags,
            with_policy=with_policy,
            region_names=region_names,
            batch_size=batch_size,
            registry_id=registry_id,
            **aws,
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
                **audit_arguments,
            }
        )
        audits = (
            audit.expand(repository_names=names.output) if region_names is None else audit.expand_kwargs(names.output)
        )
        return EcrMergeLifecycleAuditsOperator(
            task_id="merge",
            audits=audits.output,
            reports_path=reports_path,
            audit_id=audit_id,
            on_missing=on_missing,
            on_no_repositories=on_no_repositories,
            fail_on=fail_on,
            fail_on_alarm=fail_on_alarm,
            outlets=list(outlets),
        )
