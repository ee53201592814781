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


_AWS = ("aws_conn_id", "region_name", "verify", "botocore_config")


def lifecycle_audit(
    group_id: str = "lifecycle_audit",
    *,
    include: Names | None = None,
    exclude: Names | None = None,
    tags: TagFilter | None = None,
    with_policy: bool | str | None = None,
    region_names: Names | None = None,
    batch_size: int | str = BATCH_SIZE,
    registry_id: str | None = None,
    reports_path: str | None = None,
    audit_id: str | None = None,
    on_missing: OnMissing | str = "fail",
    on_no_repositories: OnNoRepositories | str = "warn",
    fail_on: FailOn | str = "any",
    fail_on_alarm: bool | str = False,
    outlets: Sequence[Asset] = (),
    **audit_arguments: Any,
) -> EcrMergeLifecycleAuditsOperator:
    """Add tasks to the DAG that audit a registry, in batches over as many workers as there are.

    .. code-block:: python

        @dag(schedule="@weekly")
        def weekly_audit():
            lifecycle_audit(include="payments/*", region_names=["eu-west-1", "us-east-1"], deferrable=True)

    A batch whose repositories all failed fails, and is retried as ``retries`` says; what single failures mean is decided
    once, for the whole audit, by ``fail_on``.

    :param group_id: name of the group, in whose tasks are ``list``, ``audit`` and ``merge``.
    :param include: name globs of which one has to match; every repository if None. (templated)
    :param exclude: name globs of which none may match. (templated)
    :param tags: resource tags that a repository needs. (templated)
    :param with_policy: only repositories that have a lifecycle policy, or only those that have none. (templated)
    :param region_names: the Regions to audit; ``region_name`` if None. (templated)
    :param batch_size: how many repositories one task audits at most. (templated)
    :param registry_id: the registry (account); the caller's own if None. (templated)
    :param reports_path: folder for reports. (templated)
    :param audit_id: what names the audit; by DAG, group and run if None. (templated)
    :param on_missing: ``fail`` when a batch ended without a result, or ``warn``. (templated)
    :param on_no_repositories: ``warn`` when there is no repository to audit in any Region, or ``fail``.
        (templated)
    :param fail_on: when the merging task fails because of repositories that could not be previewed. (templated)
    :param fail_on_alarm: whether an alarm fails it, too. (templated)
    :param outlets: assets that the merging task updates, with the counts in each event's ``extra``.
    :param audit_arguments: further arguments of
        :class:`~airflow_provider_ecr_preview.operators.ecr_audit.EcrAuditLifecyclePoliciesOperator`, such as
        ``lifecycle_policy_text``, ``deferrable``, ``retries`` or ``aws_conn_id``.
    :return: the merging task, whose output is the audit; its ``task_group`` is the group.
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
