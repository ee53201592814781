"""The operator that merges the audits of one run into one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast, get_args

from airflow.sdk import BaseOperator, XComArg

from airflow_provider_ecr_preview.core.audit.changes import merge_changes
from airflow_provider_ecr_preview.core.audit.kind import APPLIED
from airflow_provider_ecr_preview.core.audit.overlap import Overlap
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.exceptions import AuditFailedError, AuditIncompleteError, NoRepositoriesError
from airflow_provider_ecr_preview.core.parameters.forms import shown
from airflow_provider_ecr_preview.core.parameters.values import choice, decoded, switch, text
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.audit import AUDIT_SCHEMA, AuditXCom, ChangesXCom
from airflow_provider_ecr_preview.links.audit import EcrAuditReportLink
from airflow_provider_ecr_preview.links.ecr import EcrRegistryLink
from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
from airflow_provider_ecr_preview.operators._fail_on import (
    FAIL_ON_RULES,
    FailOn,
    OnNoRepositories,
    no_repositories,
    read_fail_on,
    read_on_no_repositories,
    require_success,
)
from airflow_provider_ecr_preview.operators._publish import publish, push_before_failure
from airflow_provider_ecr_preview.reports.audit import AuditReports
from airflow_provider_ecr_preview.reports.disappeared import named_disappeared
from airflow_provider_ecr_preview.reports.families import family_notes_of
from airflow_provider_ecr_preview.telemetry import lineage_of
from airflow_provider_ecr_preview.templating.parameters import Rule
from airflow_provider_ecr_preview.templating.rendering import LiteralXComMixin
from airflow_provider_ecr_preview.templating.types import Templated, as_rendered

if TYPE_CHECKING:
    import jinja2
    from airflow.providers.openlineage.extractors.base import OperatorLineage
    from airflow.sdk import Context


OnMissing = Literal["fail", "warn"]


_NOTHING_TO_AUDIT = ("skipped", "removed")
"""States of tasks that need not have a result."""


class EcrMergeLifecycleAuditsOperator(LiteralXComMixin, BaseOperator):
    """Merge the audits of one run into one audit of all their repositories, by account and Region.

    Use it after a mapped audit. It runs when all mapped tasks have ended, even if some failed: an audit whose task failed
    because of single repositories is still part of the result, and a task that ended without a result counts as a missing
    part. Because nothing is known about a missing part, it fails the task unless ``on_missing`` is ``warn``. Each repository
    must be in one audit only. Calls no AWS API.

    .. code-block:: python

        audit = EcrAuditLifecyclePoliciesOperator.partial(task_id="audit").expand(repository_names=names.output)
        EcrMergeLifecycleAuditsOperator(task_id="merge", audits=audit.output)

    :param audits: the audits: the output of a mapped task, or a list of outputs. (templated)
    :param reports_path: folder for the report of the merged audit, an ``ObjectStoragePath`` URL; None for no
        report. (templated)
    :param audit_id: name of the audit. (templated)
    :param on_missing: ``fail`` or ``warn`` if a part is missing. The merged audit has the number of missing
        parts. (templated)
    :param on_no_repositories: ``fail`` or ``warn`` if no audit has a repository. An audit of nothing says nothing about the
        registry, so it does not end as a success by default. (templated)
    :param fail_on: fail the task if repositories could not be previewed: ``any`` of them, ``all`` of them, ``none`` to never
        fail, or a share of all repositories from 0 to 1 that may fail. The audit is pushed before the task
        fails. (templated)
    :param fail_on_alarm: whether an alarm fails the task too. (templated)
    :param trigger_rule: when the task runs; by default when all audits have ended, whether they succeeded or not.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.audit.AuditXCom`.
    :raises AuditsOverlapError: if a repository is in more than one audit; nothing is written.
    :raises AuditIncompleteError: if a part is missing.
    :raises AuditFailedError: if more repositories failed than ``fail_on`` allows.
    :raises NoRepositoriesError: if there is no repository, and ``on_no_repositories`` is ``fail``.
    """

    template_fields: Sequence[str] = (
        "audit_id",
        "audits",
        "fail_on",
        "fail_on_alarm",
        "on_missing",
        "on_no_repositories",
        "reports_path",
    )
    operator_extra_links = (EcrPreviewTabLink(), EcrAuditReportLink(), EcrRegistryLink())
    ui_color = "#ffe8d1"

    parameter_rules: ClassVar[Mapping[str, Rule]] = {
        **FAIL_ON_RULES,
        "on_missing": partial(choice, choices=get_args(OnMissing)),
    }

    def __init__(
        self,
        *,
        audits: Any,
        reports_path: Templated[str] | None = None,
        audit_id: Templated[str] = "{{ dag.dag_id }} {{ run_id }}",
        on_missing: Templated[OnMissing] | None = "fail",
        on_no_repositories: Templated[OnNoRepositories] | None = "fail",
        fail_on: Templated[FailOn] | None = "any",
        fail_on_alarm: Templated[bool] | None = False,
        trigger_rule: str = "all_done",
        **kwargs: Any,
    ) -> None:
        super().__init__(trigger_rule=trigger_rule, **kwargs)
        self.audits = audits
        self.reports_path = as_rendered(reports_path)
        self.audit_id = as_rendered(audit_id)
        self.on_missing = on_missing
        self.on_no_repositories = on_no_repositories
        self.fail_on = fail_on
        self.fail_on_alarm = fail_on_alarm
        self._audit_task_ids: list[str] = []
        self._result: AuditXCom | None = None
        self._check_constants()

    def render_template_fields(self, context: Context, jinja_env: jinja2.Environment | None = None) -> None:
        """Render the templates, and remember which tasks the audits come from, because their results do not say.

        :param context: the task's context.
        :param jinja_env: Jinja's environment.
        """
        self._audit_task_ids = sorted({task.task_id for task, _ in XComArg.iter_xcom_references(self.audits)})
        super().render_template_fields(context, jinja_env)

    def execute(self, context: Context) -> AuditXCom:
        """Merge the audits."""
        read_fail_on(self.fail_on)
        choice(self.on_missing, "on_missing", get_args(OnMissing), "fail")
        switch(self.fail_on_alarm, "fail_on_alarm", False)
        self.audit_id = text(self.audit_id, "audit_id") or f"{self.dag_id} {context['ti'].run_id}"
        self.reports_path = text(self.reports_path, "reports_path")
        read_on_no_repositories(self.on_no_repositories)
        merged: Audit | None = None
        merged_count = empty_count = 0
        overlap = Overlap()
        table_uris: list[str] = []
        changes: list[ChangesXCom] = []
        for part in _parts(self.audits):
            if part is None:
                empty_count += 1
                continue
            audit = Audit.from_xcom(part)
            overlap.add(audit.repositories)
            merged = merged or Audit(self.audit_id, audit.audited_at)
            merged.merge(audit)
            merged_count += 1
            table_uris += part["table_uris"]
            changes += [part["changes"]] if part["changes"] else []
        overlap.require_none()
        if overlap.unnamed_count:
            self.log.warning(
                "%s not named in the audits to merge, so this task cannot check whether two audits count the same one.",
                counted(overlap.unnamed_count, "repository is", "repositories are"),
            )
        if merged is None:
            merged = Audit(self.audit_id, datetime.now(UTC))
        states = self._states(context)
        merged.missing_parts += max(len(states) - merged_count, 0) if states else empty_count
        if merged_count > 1 and merged.kind is not None and merged.kind.policies == APPLIED:
            merged.registry_notes.update(family_notes_of(table_uris))
        self.log.info("Merged %s; %d missing.", counted(merged_count, "part"), merged.missing_parts)
        merged_changes = merge_changes(changes)
        is_whole = not merged.missing_parts and len(changes) == merged_count
        if merged_changes is not None and merged.kind is not None and is_whole:
            merged_changes = named_disappeared(merged_changes, merged.kind, table_uris)
        return self._end(context, self._report(merged, merged_changes, table_uris), states)

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage[Any, Any]:  # noqa: ARG002 - OpenLineage's
        """Return the OpenLineage facets of the audit.

        :param task_instance: the task instance.
        """
        return lineage_of(self._result)

    def _states(self, context: Context) -> dict[str, str]:
        """Return the states of the tasks that need a result, by name and map index."""
        if not self._audit_task_ids:
            return {}
        ti = context["ti"]
        by_run = ti.get_task_states(dag_id=ti.dag_id, task_ids=self._audit_task_ids, run_ids=[ti.run_id])
        return {name: state for name, state in by_run.get(ti.run_id, {}).items() if state not in _NOTHING_TO_AUDIT}

    def _report(self, merged: Audit, changes: ChangesXCom | None, table_uris: list[str]) -> AuditXCom:
        """Write the report, and return the audit with its path."""
        if not self.reports_path:
            return audit_xcom(merged, changes=changes, table_uris=table_uris)
        reports = AuditReports(
            self.reports_path, audit_id=self.audit_id, audited_at=merged.audited_at, dag_id=self.dag_id
        )
        reports.write_owners(merged, table_uris)
        whole = merged.as_dict(changes=changes)
        reports.write_markdown(whole)
        merged.trend_uri = reports.write_trend(whole, self.dag_id, self.task_id)
        self.log.info("Report: %s", reports.markdown_uri)
        return audit_xcom(merged, changes=changes, report_uri=reports.markdown_uri, table_uris=table_uris)

    def _end(self, context: Context, value: AuditXCom, states: Mapping[str, str]) -> AuditXCom:
        self._result = value
        publish(context, self, value, is_whole=True)
        try:
            if value["missing_part_count"]:
                self._report_missing(value["missing_part_count"], states)
            elif not value["repository_count"]:
                self.log.warning(
                    "%s",
                    no_repositories(read_on_no_repositories(self.on_no_repositories), "all merged audits are empty"),
                )
            require_success(
                value,
                read_fail_on(self.fail_on),
                fail_on_alarm=switch(self.fail_on_alarm, "fail_on_alarm", False),
            )
        except (AuditFailedError, AuditIncompleteError, NoRepositoriesError):
            push_before_failure(context, self, value)
            raise
        return value

    def _report_missing(self, count: int, states: Mapping[str, str]) -> None:
        failed = ", ".join(f"{name} {state}" for name, state in sorted(states.items()) if state != "success")
        message = (
            f"{counted(count, 'part')} of the audit {'is' if count == 1 else 'are'} missing"
            f"{f' ({failed})' if failed else ''}. Nothing is known about the repositories in a missing part. Clear the tasks "
            "that failed, and this one."
        )
        if choice(self.on_missing, "on_missing", get_args(OnMissing), "fail") == "fail":
            raise AuditIncompleteError(message)
        self.log.warning("%s", message)


def _parts(audits: Any) -> Iterator[AuditXCom | None]:
    """Yield the audits one by one: there may be thousands, of 48 KiB each."""
    if isinstance(audits, str):
        audits = decoded(audits, "audits", protects=True)
    if isinstance(audits, str | int | float):
        raise ValueError(f"audits is {shown(audits)}. Use the output of the audit task.")  # noqa: TRY004 - from a template
    if isinstance(audits, Mapping):
        if audits.get("schema") != AUDIT_SCHEMA:
            raise ValueError(f"audits holds a value that is not an audit (schema {AUDIT_SCHEMA}): {str(audits)[:200]}")
        yield cast("AuditXCom", audits)
    elif isinstance(audits, Iterable):
        for part in audits:
            yield from _parts(part)
    else:  # Airflow 3.1 has a sentinel, and not None, for a task without a result
        yield None
