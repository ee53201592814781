"""The operators that react to changes of lifecycle policies: read the events, and report what the new policies do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.sdk import BaseOperator

from airflow_provider_ecr_preview.core.exceptions import PolicyChangeAlarmError
from airflow_provider_ecr_preview.core.parameters.values import account_id, choice, decoded, switch, text
from airflow_provider_ecr_preview.core.policy_event import PolicyEvent
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.text.visible import visible
from airflow_provider_ecr_preview.core.watch.changes import ChangedPolicy, changed_policies, read_event
from airflow_provider_ecr_preview.core.watch.former import KnownPolicy, former_policy
from airflow_provider_ecr_preview.core.watch.report import AlarmSeverity, policy_watch_xcom
from airflow_provider_ecr_preview.core.watch.result import policy_events_xcom
from airflow_provider_ecr_preview.core.xcom.audit import AUDIT_SCHEMA
from airflow_provider_ecr_preview.core.xcom.watch import POLICY_EVENTS_SCHEMA, PolicyEventsXCom, PolicyWatchXCom
from airflow_provider_ecr_preview.links.ecr import EcrRegistryLink
from airflow_provider_ecr_preview.operators._publish import push_before_failure
from airflow_provider_ecr_preview.reports.expected_policies import folder_of, read_expected_policies
from airflow_provider_ecr_preview.reports.policies import audited_policy
from airflow_provider_ecr_preview.templating.parameters import Rule
from airflow_provider_ecr_preview.templating.rendering import LiteralXComMixin
from airflow_provider_ecr_preview.templating.types import ExpectedPolicyFiles, Templated

if TYPE_CHECKING:
    from airflow.sdk import Context


_LOG = {"unknown": "error", "critical": "error", "warning": "warning"}
"""How a change is logged, by its severity; any other as information."""


class EcrReadPolicyEventsOperator(LiteralXComMixin, BaseOperator):
    """Read who changed which lifecycle policy, and find the policy that each repository had before.

    The events are those that triggered the DAG run, as ``EcrLifecyclePolicyEventTrigger`` sends them. Several changes of a
    repository become one, and an event that arrives twice counts once. The former policy comes from the files of
    ``expected_policies``, or from the last audit in ``reports_path`` before the change. If neither has it, nothing is
    offered.

    Calls no AWS API. Changes nothing.

    .. code-block:: python

        changes = EcrReadPolicyEventsOperator(
            task_id="changes",
            region_name="eu-west-1",
            reports_path="s3://aws_default@my-reports/ecr",
        )

    :param region_name: the Region to read events of; those of other Regions are counted and left out. (templated)
    :param registry_id: the registry (AWS account id) to read events of; None if all events are of one. (templated)
    :param expected_policies: files of Git with the policies that should be applied, as in the audit. (templated)
    :param reports_path: the folder for reports of the audits of the applied policies. (templated)
    :param events: the events, as JSON or a list of dicts; None for those that triggered the run. (templated)
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.watch.PolicyEventsXCom`.
    :raises ValueError: if a parameter or a file is not valid, or the events are of several registries.
    """

    template_fields: Sequence[str] = ("events", "expected_policies", "region_name", "registry_id", "reports_path")
    template_fields_renderers: ClassVar[dict[str, str]] = {"events": "json", "expected_policies": "json"}
    operator_extra_links = (EcrRegistryLink(),)
    ui_color = "#f5e6df"

    def __init__(
        self,
        *,
        region_name: Templated[str],
        registry_id: Templated[str] | None = None,
        expected_policies: Templated[ExpectedPolicyFiles] | None = None,
        reports_path: Templated[str] | None = None,
        events: Templated[Sequence[Mapping[str, Any]]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.region_name = region_name
        self.registry_id = registry_id
        self.expected_policies = expected_policies
        self.reports_path = reports_path
        self.events = events
        self._check_constants()

    def execute(self, context: Context) -> PolicyEventsXCom:
        """Read the events, and find the former policies."""
        expected = read_expected_policies(self.expected_policies, folder_of(self))
        reports_path = text(self.reports_path, "reports_path")
        region_name = text(self.region_name, "region_name")
        if region_name is None:
            raise ValueError("region_name is not set. Name the Region whose changes the queue gets.")
        registry_id = account_id(self.registry_id, "registry_id")
        given = decoded(self.events, "events")
        events = [*self._read(_triggering(context) if given is None else given)]
        changes, elsewhere = self._changes(events, region_name, registry_id)
        known: list[tuple[ChangedPolicy, KnownPolicy]] = []
        for change in changes:
            name = change.repository.repository_name
            audited = None
            if reports_path is not None:
                audited = audited_policy(
                    reports_path, change.repository, datetime.fromisoformat(change.first.changed_at)
                )
            former = former_policy(change, None if expected is None else expected.of(name), audited)
            known.append((change, former))
            for event in change.events:
                self.log.info(
                    "%s: %s by %s at %s.",
                    change.repository,
                    event.event_name,
                    visible(event.changed_by),
                    event.changed_at,
                )
            self.log.info("%s: %s", change.repository, visible(former.message))
        value = policy_events_xcom(known, other_region_count=elsewhere)
        if value["names_left_out"]:
            self.log.error(
                "%s do not fit into the result and are not audited. Audit all repositories of %s.",
                counted(value["names_left_out"], "changed repository", "changed repositories"),
                self.region_name,
            )
        return value

    def _changes(
        self, events: Sequence[PolicyEvent], region_name: str, registry_id: str | None
    ) -> tuple[list[ChangedPolicy], int]:
        """Return the changes of the Region, and the number of those of other Regions or registries."""
        here = [
            event for event in events if event.region_name == region_name and registry_id in (None, event.registry_id)
        ]
        if elsewhere := len(events) - len(here):
            places = Counter(f"{event.registry_id}, {event.region_name}" for event in events if event not in here)
            self.log.warning(
                "%s in other places: %s. Watch each Region and registry with a DAG and a queue of its own.",
                counted(elsewhere, "change is", "changes are"),
                "; ".join(visible(place) for place in sorted(places)),
            )
        registries = sorted({event.registry_id for event in here})
        if len(registries) > 1:
            raise ValueError(
                f"The events are of the registries {', '.join(registries)}. Set registry_id, and watch each registry with a "
                "DAG of its own."
            )
        return changed_policies(here), elsewhere

    def _read(self, values: Any) -> Iterable[PolicyEvent]:
        if isinstance(values, Mapping):
            values = [values]
        if isinstance(values, str) or not isinstance(values, Sequence):
            raise ValueError(f"events is {values!r}. Give a list of events.")  # noqa: TRY004  # rendered from a template
        for value in values:
            try:
                yield read_event(value)
            except ValueError as error:
                raise ValueError(f"events: {error}. Only EcrLifecyclePolicyEventTrigger sends such events.") from error


class EcrReportPolicyEventsOperator(LiteralXComMixin, BaseOperator):
    """Report who changed which lifecycle policy and what the new policy would delete, and raise an alarm by severity.

    The log has one line for each repository, as an error for critical findings. A repository whose policy could not be
    previewed is an alarm, because what the policy does is unknown. A deleted policy is a warning. Calls no AWS API.

    .. code-block:: python

        EcrReportPolicyEventsOperator(task_id="report", changes=changes.output, audit=audit.output, fail_on_alarm=True)

    :param changes: the output of ``EcrReadPolicyEventsOperator``. (templated)
    :param audit: the output of ``EcrAuditLifecyclePoliciesOperator`` for the repositories of the events. (templated)
    :param alarm_severity: the lowest severity that is an alarm: ``critical``, ``warning`` or ``info``. (templated)
    :param fail_on_alarm: whether an alarm fails the task, so that its ``on_failure_callback`` is called. The result is
        pushed before. (templated)
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.watch.PolicyWatchXCom`.
    :raises PolicyChangeAlarmError: if there is an alarm and ``fail_on_alarm`` is set.
    :raises ValueError: if a parameter is not valid.
    """

    template_fields: Sequence[str] = ("alarm_severity", "audit", "changes", "fail_on_alarm")
    template_fields_renderers: ClassVar[dict[str, str]] = {"audit": "json", "changes": "json"}
    operator_extra_links = (EcrRegistryLink(),)
    ui_color = "#f5e6df"

    parameter_rules: ClassVar[Mapping[str, Rule]] = {"alarm_severity": partial(choice, choices=get_args(AlarmSeverity))}

    def __init__(
        self,
        *,
        changes: Templated[Mapping[str, Any]],
        audit: Templated[Mapping[str, Any]],
        alarm_severity: Templated[AlarmSeverity] | None = "critical",
        fail_on_alarm: Templated[bool] | None = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.changes = changes
        self.audit = audit
        self.alarm_severity = alarm_severity
        self.fail_on_alarm = fail_on_alarm
        self._check_constants()

    def execute(self, context: Context) -> PolicyWatchXCom:
        """Report every change, and raise an alarm."""
        alarm_severity: AlarmSeverity = choice(
            self.alarm_severity, "alarm_severity", get_args(AlarmSeverity), "critical"
        )
        fail_on_alarm = switch(self.fail_on_alarm, "fail_on_alarm", False)
        changes = _result(self.changes, "changes", POLICY_EVENTS_SCHEMA, "EcrReadPolicyEventsOperator")
        audit = _result(self.audit, "audit", AUDIT_SCHEMA, "EcrAuditLifecyclePoliciesOperator")
        value = policy_watch_xcom(changes, audit, alarm_severity)
        for repository in value["repositories"]:
            findings = f" Findings: {', '.join(repository['findings'])}." if repository["findings"] else ""
            log = getattr(self.log, _LOG.get(repository["severity"], "info"))
            log(
                "%s: %s (%s, %s): %s by %s at %s. %s%s",
                repository["severity"].upper(),
                visible(repository["repository_name"]),
                repository["registry_id"],
                repository["region_name"],
                repository["event_name"],
                visible(repository["changed_by"]),
                repository["changed_at"],
                visible(repository["message"]),
                findings,
            )
        if fail_on_alarm and (value["alarm_count"] or value["not_reported_count"]):
            push_before_failure(context, self, value)
            alarms = "".join(
                f"\n  - {repository['repository_name']} ({repository['registry_id']}, {repository['region_name']}): "
                f"{repository['event_name']} by {repository['changed_by']}. {repository['message']}"
                for repository in value["repositories"][:10]
                if repository["is_alarm"]
            )
            raise PolicyChangeAlarmError(
                f"{counted(value['alarm_count'], 'changed policy is', 'changed policies are')} an alarm; not reported: "
                f"{value['not_reported_count']}.{alarms}"
            )
        return value


def _triggering(context: Context) -> list[Any]:
    """Return the events that triggered the run; none if it was triggered by a person."""
    triggering: Mapping[Any, Iterable[Any]] = context.get("triggering_asset_events") or {}
    of_assets = [triggering[asset] for asset in triggering]
    return [
        event.extra["payload"]
        for events in of_assets
        for event in events
        if isinstance(event.extra, Mapping) and "payload" in event.extra
    ]


def _result(value: Any, parameter: str, schema: str, operator: str) -> Any:
    """Return the result of another operator.

    :raises ValueError: if it is anything else.
    """
    value = decoded(value, parameter)
    if not isinstance(value, Mapping) or value.get("schema") != schema:
        what = value.get("schema") if isinstance(value, Mapping) else type(value).__name__
        raise ValueError(f"{parameter} is {what!r}. Give the output of {operator} ({schema}).")
    return value
