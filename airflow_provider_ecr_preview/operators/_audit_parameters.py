"""The parameters of an audit, read once its templates are rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
from airflow_provider_ecr_preview.core.audit.acknowledgements import Acknowledgements
from airflow_provider_ecr_preview.core.audit.changes import Alarms
from airflow_provider_ecr_preview.core.audit.kind import APPLIED, AuditKind, selection_text
from airflow_provider_ecr_preview.core.in_use.scope import required_scope_of
from airflow_provider_ecr_preview.core.money.prices import Prices
from airflow_provider_ecr_preview.core.parameters.times import MAX_DAYS, days, duration, seconds
from airflow_provider_ecr_preview.core.parameters.values import account_id, integer, limit, number, switch, text, texts
from airflow_provider_ecr_preview.core.policy.candidates import CandidatePolicies
from airflow_provider_ecr_preview.core.preview.reading import Lookout
from airflow_provider_ecr_preview.core.preview.registry_findings import IMAGE_QUOTA
from airflow_provider_ecr_preview.core.protection.rules import RECENTLY_PULLED_DAYS, tags_protected_by
from airflow_provider_ecr_preview.engine.registry_facts import read_registry_facts
from airflow_provider_ecr_preview.engine.replicas import replicas_through
from airflow_provider_ecr_preview.operators._fail_on import (
    FailOn,
    OnNoRepositories,
    read_fail_on,
    read_on_no_repositories,
)
from airflow_provider_ecr_preview.reports.acknowledged_findings import read_acknowledgements
from airflow_provider_ecr_preview.reports.expected_policies import folder_of, read_expected_policies
from airflow_provider_ecr_preview.reports.in_use import used_images_in
from airflow_provider_ecr_preview.settings import price_per_gb_month, price_setting

if TYPE_CHECKING:
    from airflow.sdk import Context


MAX_WORKERS = 16


MAX_IN_FLIGHT = 1_000


REPOSITORY_TIMEOUT = 3_600.0


MAX_PREVIEW_AGE = timedelta(hours=24)
"""The clean-up accepts no older previews by default."""


PROGRESS_INTERVAL = 30.0


POLL_INTERVAL = 5.0


_NEEDS_ENRICH = "read_manifests needs enrich, to know all images of a repository. Leave enrich on."


AUDIT_TEMPLATE_FIELDS = (
    "acknowledged_findings",
    "alarm_count",
    "alarm_share",
    "audit_id",
    "audit_name",
    "check_registry",
    "check_replicas",
    "enrich",
    "expected_policies",
    "fail_on",
    "fail_on_alarm",
    "image_quota",
    "in_use",
    "lifecycle_policies",
    "lifecycle_policy_text",
    "max_in_flight",
    "max_preview_age",
    "max_workers",
    "measure_storage",
    "on_no_repositories",
    "outage_timeout",
    "owner_tag",
    "poll_interval",
    "progress_interval",
    "protected_tags",
    "read_manifests",
    "recently_pulled_days",
    "registry_id",
    "reports_path",
    "repository_names",
    "repository_timeout",
    "required_scope",
    "retention_days",
    "selection",
    "timeout",
    "write_image_lists",
    "write_kept_images",
)
"""The templated parameters of the audit operator."""


def keep(task: Any, given: Mapping[str, Any]) -> None:
    """Set each templated parameter as the attribute of the same name, which Airflow then renders.

    :param task: the operator.
    :param given: the values by name; other names are ignored.
    """
    for name in AUDIT_TEMPLATE_FIELDS:
        setattr(task, name, given[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditParameters:
    """The parameters of :class:`~airflow_provider_ecr_preview.operators.ecr_audit.EcrAuditLifecyclePoliciesOperator`."""

    names: tuple[str, ...]
    candidates: CandidatePolicies
    kind: AuditKind
    registry_id: str | None
    reports_path: str | None
    audit_id: str
    audit_name: str
    on_no_repositories: OnNoRepositories
    write_image_lists: bool
    write_kept_images: bool
    retention_days: int | None
    alarms: Alarms
    fail_on: FailOn
    fail_on_alarm: bool
    enrich: bool
    read_manifests: bool
    lookout: Lookout
    acknowledgements: Acknowledgements
    prices: Prices | None
    owner_tag: str | None
    max_workers: int
    max_in_flight: int
    repository_timeout: float
    outage_timeout: float
    max_preview_age: timedelta | None
    timeout: float | None
    progress_interval: float
    poll_interval: float

    @classmethod
    def of(cls, task: Any, context: Context) -> AuditParameters:
        """Return the parameters of a task.

        :param task: the operator, rendered.
        :param context: the task's context.
        :raises ValueError: if a parameter is not valid.
        """
        enrich = switch(task.enrich, "enrich", True)
        candidates = CandidatePolicies(task.lifecycle_policy_text, task.lifecycle_policies)
        kind = AuditKind.of(candidates, selection_text(task.selection))
        expected = read_expected_policies(task.expected_policies, folder_of(task))
        if expected is not None and kind.policies != APPLIED:
            raise ValueError(
                "expected_policies is compared with the applied policies, and this task previews candidates. Leave out "
                "lifecycle_policy_text and lifecycle_policies, or compare the applied policies in a task of its own."
            )
        check_registry = switch(task.check_registry, "check_registry", False)
        read_manifests = switch(task.read_manifests, "read_manifests", False)
        if read_manifests and not enrich:
            raise ValueError(_NEEDS_ENRICH)
        return cls(
            names=texts(task.repository_names, "repository_names"),
            candidates=candidates,
            kind=kind,
            registry_id=account_id(task.registry_id, "registry_id"),
            reports_path=text(task.reports_path, "reports_path"),
            audit_id=text(task.audit_id, "audit_id") or f"{task.dag_id} {context['ti'].run_id}",
            audit_name=text(task.audit_name, "audit_name") or task.dag_id,
            on_no_repositories=read_on_no_repositories(task.on_no_repositories),
            write_image_lists=switch(task.write_image_lists, "write_image_lists", True),
            write_kept_images=switch(task.write_kept_images, "write_kept_images", True) and enrich,
            retention_days=integer(task.retention_days, "retention_days", None, maximum=MAX_DAYS),
            alarms=Alarms(
                number(task.alarm_share, "alarm_share", None),
                integer(task.alarm_count, "alarm_count", None),
            ),
            fail_on=read_fail_on(task.fail_on),
            fail_on_alarm=switch(task.fail_on_alarm, "fail_on_alarm", False),
            enrich=enrich,
            read_manifests=read_manifests,
            lookout=Lookout(
                recently_pulled_days=days(task.recently_pulled_days, "recently_pulled_days", RECENTLY_PULLED_DAYS),
                used_images=used_images_in(task.in_use, required_scope_of(task.required_scope)),
                protection=tags_protected_by(task.protected_tags),
                replicas_of=replicas_through(task.hook)
                if switch(task.check_replicas, "check_replicas", True, protects=True)
                else None,
                registry_facts=read_registry_facts(task.hook) if check_registry else None,
                image_quota=integer(task.image_quota, "image_quota", IMAGE_QUOTA, minimum=1),
                expected_policy_of=None if expected is None else expected.of,
            ),
            acknowledgements=read_acknowledgements(
                task.acknowledged_findings, datetime.now(UTC).date(), folder_of(task)
            ),
            prices=(
                Prices.of(price_setting(), price_per_gb_month())
                if switch(task.measure_storage, "measure_storage", False) and enrich
                else None
            ),
            owner_tag=text(task.owner_tag, "owner_tag"),
            max_workers=integer(task.max_workers, "max_workers", MAX_WORKERS, minimum=1),
            max_in_flight=integer(task.max_in_flight, "max_in_flight", MAX_IN_FLIGHT, minimum=1),
            repository_timeout=seconds(task.repository_timeout, "repository_timeout", REPOSITORY_TIMEOUT),
            outage_timeout=seconds(task.outage_timeout, "outage_timeout", OUTAGE_SECONDS),
            max_preview_age=limit(task.max_preview_age, "max_preview_age", MAX_PREVIEW_AGE, duration),
            timeout=seconds(task.timeout, "timeout", None),
            progress_interval=seconds(task.progress_interval, "progress_interval", PROGRESS_INTERVAL),
            poll_interval=seconds(task.poll_interval, "poll_interval", POLL_INTERVAL),
        )


def check_together(task: Any) -> None:
    """Check what is wrong about constants of an audit together, before Airflow renders templates.

    :param task: the operator.
    :raises ValueError: if they exclude each other, or a repository is named twice.
    """
    if task.read_manifests is True and task.enrich is False:
        raise ValueError(_NEEDS_ENRICH)
    names = task.repository_names
    if isinstance(names, list | tuple):
        texts_in = [name for name in names if isinstance(name, str)]
        if twice := sorted({name for name in texts_in if "{" not in name and texts_in.count(name) > 1}):
            raise ValueError(f"repository_names has {', '.join(twice)} more than once. Name each repository once.")
