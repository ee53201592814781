"""The operators of an audit: list repositories, audit them, merge the audits."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import conf
from airflow.sdk import ObjectStoragePath
from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR

from airflow_provider_ecr_preview.core.audit.log import OutcomeLog, Segments
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.exceptions import AuditFailedError, AuditStoppedError
from airflow_provider_ecr_preview.core.in_use.scope import RequiredScope
from airflow_provider_ecr_preview.core.lint.policy import PolicySource
from airflow_provider_ecr_preview.core.policy.candidates import PoliciesByGlob
from airflow_provider_ecr_preview.core.protection import PROTECTED_TAGS, RECENTLY_PULLED_DAYS
from airflow_provider_ecr_preview.core.selection import Names
from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom
from airflow_provider_ecr_preview.engine.audit_attempt import AuditAttempt
from airflow_provider_ecr_preview.engine.fleet.run import PreviewFleet
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.links.audit import EcrAuditReportLink
from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
from airflow_provider_ecr_preview.operators._audit_parameters import (
    MAX_IN_FLIGHT,
    MAX_WORKERS,
    POLL_INTERVAL,
    PROGRESS_INTERVAL,
    REPOSITORY_TIMEOUT,
    AuditParameters,
)
from airflow_provider_ecr_preview.operators._fail_on import FailOn, OnNoRepositories, no_repositories, require_success
from airflow_provider_ecr_preview.operators._publish import publish, push_before_failure
from airflow_provider_ecr_preview.operators.ecr_merge import EcrMergeLifecycleAuditsOperator
from airflow_provider_ecr_preview.operators.ecr_repositories import EcrListRepositoriesOperator
from airflow_provider_ecr_preview.reports.audit import AuditReports
from airflow_provider_ecr_preview.reports.segments import MemorySegments, PathSegments, StateSegments
from airflow_provider_ecr_preview.reports.storage import slug
from airflow_provider_ecr_preview.telemetry import emit_duration, lineage_of
from airflow_provider_ecr_preview.templating.rendering import AwsParametersMixin, LiteralXComMixin
from airflow_provider_ecr_preview.triggers.ecr_audit import AuditEvent, EcrLifecyclePolicyPreviewsTrigger
from airflow_provider_ecr_preview.triggers.ecr_preview import deferral_timeout

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors.base import OperatorLineage
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.engine.fleet.reader import ImageLists


__all__ = ["EcrAuditLifecyclePoliciesOperator", "EcrListRepositoriesOperator", "EcrMergeLifecycleAuditsOperator"]


MAX_CARRIED_CHARACTERS = 256 * 1024
"""What a deferral may carry where there is no other place to keep what was started."""


SAMPLE_SIZE = 8


class EcrAuditLifecyclePoliciesOperator(
    LiteralXComMixin, AwsParametersMixin, AwsBaseOperator[EcrLifecyclePolicyPreviewHook]
):
    """Preview the lifecycle policies of many repositories, and push what they would delete as one audit.

    All previews are started first and then read in order, at a pace that settles under whatever rate limit there is, so
    that thousands of repositories take minutes and two preview calls each. A preview deletes nothing. A repository that
    fails is recorded with its reason and does not stop the others.

    A retry takes up where the last attempt stopped: from Airflow's task state store (Airflow 3.3 and later), or from the
    files under ``reports_path``. Without either it begins anew, and says so.

    Calls StartLifecyclePolicyPreview, GetLifecyclePolicyPreview, on a preview that is running already
    GetLifecyclePolicy, unless ``enrich=False`` DescribeImages, and once, unless ``check_replicas=False``,
    DescribeRegistry (``ecr:`` IAM actions of the same names).

    .. code-block:: python

        names = EcrListRepositoriesOperator(task_id="list", include="payments/*")
        audit = EcrAuditLifecyclePoliciesOperator(
            task_id="audit",
            repository_names=names.output,
            reports_path="s3://aws_default@my-reports/ecr",
            fail_on=0.05,
            deferrable=True,
        )

    :param repository_names: the repositories, as a list or as a text with commas between. (templated)
    :param lifecycle_policy_text: one candidate policy for all, JSON text or dict; the applied policies if None.
        (templated)
    :param lifecycle_policies: candidate policies by name glob, of which the first that matches counts; repositories
        that no glob names get ``lifecycle_policy_text``. (templated)
    :param registry_id: the registry (account); the caller's own if None. (templated)
    :param reports_path: folder for reports, an ``ObjectStoragePath`` URL (``file:///...`` or
        ``s3://aws_conn_id@bucket/...``); no reports, and no comparison with earlier audits, if None. (templated)
    :param audit_id: what names this audit; the parts of a mapped audit share it. (templated)
    :param audit_name: what the audits of one series share: each is compared with the last one of the same name.
        (templated)
    :param on_no_repositories: ``warn`` when there is no repository to audit, or ``fail``. (templated)
    :param write_image_lists: whether the reports include the affected images of every repository. (templated)
    :param write_kept_images: whether they also include the images that stay, each with the reason, unless
        ``enrich=False``. (templated)
    :param retention_days: remove the reports of earlier days under ``reports_path``, whatever audit wrote them, that are
        older than this many days; None keeps all. Nothing but reports is removed. (templated)
    :param alarm_share: raise an alarm for a repository of which so much more would go than at the last audit, as a
        share of what would have gone then: 0.5 for half as much again. (templated)
    :param alarm_count: raise an alarm for a repository of which so many more images would go than at the last audit.
        (templated)
    :param fail_on: when the task fails because of repositories that could not be previewed: at ``any``, only when
        ``all`` failed, at ``none``, or when they are more than this share of all. The audit is pushed before.
        (templated)
    :param fail_on_alarm: whether an alarm fails the task, too. (templated)
    :param enrich: whether to ask DescribeImages for the number of all images, sizes and last pulls. Without, those are
        null, and most findings cannot be made. (templated)
    :param recently_pulled_days: an affected image that was pulled within this number of days is a finding. (templated)
    :param in_use: what is in use: the output of ``EcrCollectImagesInUseOperator``. An affected image that is in use is
        the gravest finding. (templated)
    :param required_scope: the accounts and Regions that ``in_use`` has to cover, as in the clean-up; a finding says what is
        missing. (templated)
    :param protected_tags: globs; an affected image with such a tag is a finding, and the clean-up would spare it. (templated)
    :param check_replicas: whether to find out, by DescribeRegistry, in which other Regions and accounts ECR deletes what
        expires here. (templated)
    :param max_workers: number of threads that call ECR.
    :param max_in_flight: number of previews that may be started and not yet read.
    :param repository_timeout: time that one repository has, from the start of its preview on, in seconds.
    :param timeout: time that the audit has, in seconds, also while deferred; repositories that are not done then have
        failed. None for no bound but Airflow's own.
    :param progress_interval: time between two lines of progress in the log, in seconds.
    :param poll_interval: time between two looks while deferred, in seconds.
    :param deferrable: wait for previews in the triggerer, without a worker slot, until most are complete.
    :param aws_conn_id: the Airflow connection used for AWS credentials. (templated)
    :param region_name: the AWS Region; that of the connection if None. (templated)
    :param verify: whether, or with which certificates, TLS is verified. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.audit.AuditXCom`.
    :raises InvalidLifecyclePolicyError: if ECR would refuse a policy; names every mistake, and nothing is started.
    :raises AuditFailedError: if more failed than ``fail_on`` allows.
    :raises NoRepositoriesError: if there is no repository, and ``on_no_repositories`` is ``fail``.
    :raises AuditStoppedError: if the task was told to stop.
    """

    aws_hook_class = EcrLifecyclePolicyPreviewHook
    template_fields: Sequence[str] = aws_template_fields(
        "alarm_count",
        "alarm_share",
        "audit_id",
        "audit_name",
        "check_replicas",
        "enrich",
        "fail_on",
        "fail_on_alarm",
        "in_use",
        "lifecycle_policies",
        "lifecycle_policy_text",
        "on_no_repositories",
        "protected_tags",
        "recently_pulled_days",
        "registry_id",
        "reports_path",
        "repository_names",
        "required_scope",
        "retention_days",
        "write_image_lists",
        "write_kept_images",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "in_use": "json",
        "lifecycle_policies": "json",
        "lifecycle_policy_text": "json",
        "repository_names": "json",
    }
    operator_extra_links = (EcrPreviewTabLink(), EcrAuditReportLink())
    ui_color = "#ffe8d1"

    def __init__(
        self,
        *,
        repository_names: Names,
        lifecycle_policy_text: PolicySource | None = None,
        lifecycle_policies: PoliciesByGlob | None = None,
        registry_id: str | None = None,
        reports_path: str | None = None,
        audit_id: str = "{{ dag.dag_id }} {{ run_id }}",
        audit_name: str = "{{ dag.dag_id }}",
        on_no_repositories: OnNoRepositories | str | None = "warn",
        write_image_lists: bool | str | None = True,
        write_kept_images: bool | str | None = True,
        retention_days: int | str | None = None,
        alarm_share: float | str | None = None,
        alarm_count: int | str | None = None,
        fail_on: FailOn | str | None = "any",
        fail_on_alarm: bool | str | None = False,
        enrich: bool | str | None = True,
        recently_pulled_days: float | timedelta | str | None = RECENTLY_PULLED_DAYS,
        in_use: Mapping[str, Any] | str | None = None,
        required_scope: RequiredScope = None,
        protected_tags: Names | None = PROTECTED_TAGS,
        check_replicas: bool | str | None = True,
        max_workers: int | None = MAX_WORKERS,
        max_in_flight: int | None = MAX_IN_FLIGHT,
        repository_timeout: float | timedelta | None = REPOSITORY_TIMEOUT,
        timeout: float | timedelta | None = None,
        progress_interval: float | timedelta | None = PROGRESS_INTERVAL,
        poll_interval: float | timedelta | None = POLL_INTERVAL,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.repository_names = repository_names
        self.lifecycle_policy_text = lifecycle_policy_text
        self.lifecycle_policies = lifecycle_policies
        self.registry_id = registry_id
        self.reports_path = reports_path
        self.audit_id = audit_id
        self.audit_name = audit_name
        self.on_no_repositories = on_no_repositories
        self.write_image_lists = write_image_lists
        self.write_kept_images = write_kept_images
        self.retention_days = retention_days
        self.alarm_share = alarm_share
        self.alarm_count = alarm_count
        self.fail_on = fail_on
        self.fail_on_alarm = fail_on_alarm
        self.enrich = enrich
        self.recently_pulled_days = recently_pulled_days
        self.in_use = in_use
        self.required_scope = required_scope
        self.protected_tags = protected_tags
        self.check_replicas = check_replicas
        self.max_workers = max_workers
        self.max_in_flight = max_in_flight
        self.repository_timeout = repository_timeout
        self.timeout = timeout
        self.progress_interval = progress_interval
        self.poll_interval = poll_interval
        self.deferrable = deferrable
        self._is_stopped = False
        self._result: AuditXCom | None = None

    def execute(self, context: Context) -> AuditXCom:
        """Audit the repositories, or start all previews and defer."""
        began_at = time.time()
        self._parameters = AuditParameters.of(self, context)
        self._audited_at = _audited_at(context, began_at)
        kept = self._kept_segments(context)
        segments = kept or (MemorySegments() if self.deferrable else None)
        attempt = self._attempt(context, segments, began_at)
        recovered = attempt.recover(self._audited_at)
        if recovered.done_count or recovered.started_count:
            self.log.info(
                "Taking up where an earlier attempt stopped: %d repositories are done and %d previews were started, as "
                "%s has it.",
                recovered.done_count,
                recovered.started_count,
                segments,
            )
        elif context["ti"].try_number > 1:
            self.log.info(
                "Beginning anew: %s.",
                "an earlier attempt left nothing"
                if kept
                else "this Airflow has no task state store, and no reports_path is set, where an earlier attempt could "
                "have left what it has done",
            )
        if segments and self.deferrable:
            self._start_and_defer(attempt, segments, began_at)
        attempt.collect(start_others=True)
        return self._end(context, attempt, began_at)

    def execute_complete(self, context: Context, event: AuditEvent) -> AuditXCom:
        """Read the previews that were started before, and go on with the others.

        :param context: the task's context.
        :param event: what the trigger reported.
        """
        began_at: float = event["carried"]["began_at"]
        self._parameters = AuditParameters.of(self, context)
        self._audited_at = _audited_at(context, began_at)
        kept = self._kept_segments(context)
        attempt = self._attempt(context, kept or MemorySegments(event["carried"]["log"]), began_at)
        attempt.recover(self._audited_at)
        if kept and attempt.not_started:
            attempt.collect(start_others=False)
            self._start_and_defer(attempt, kept, began_at)
        attempt.collect(start_others=True)
        return self._end(context, attempt, began_at)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a wait. After one that no triggerer ended, read here what an earlier attempt has started.

        :param next_method: the method that Airflow resumes with.
        :param next_kwargs: what it is called with.
        :param context: the task's context.
        :raises TaskDeferralTimeout: if no triggerer ended the wait, and what was started is kept nowhere.
        """
        if next_method != TRIGGER_FAIL_REPR:
            return super().resume_execution(next_method, next_kwargs, context)
        self._parameters = AuditParameters.of(self, context)
        kept = self._kept_segments(context)
        if kept is None:
            self.log.error(
                "No triggerer ended the wait, and what was started is lost with it. Check that a triggerer runs, or set "
                "deferrable=False; with reports_path, the next audit can take up what was started."
            )
            return super().resume_execution(next_method, next_kwargs, context)
        self.log.warning(
            "No triggerer ended the wait (%s). Reading the previews on this worker, as %s has them. Check that a triggerer "
            "runs, or set deferrable=False.",
            (next_kwargs or {}).get("error", "no reason was given"),
            kept,
        )
        # Airflow keeps the start of a task instance over its deferrals.
        began_at = (context["ti"].start_date or datetime.now(UTC)).timestamp()
        self._audited_at = _audited_at(context, began_at)
        attempt = self._attempt(context, kept, began_at)
        attempt.recover(self._audited_at)
        attempt.collect(start_others=True)
        return self._end(context, attempt, began_at)

    def on_kill(self) -> None:
        """End soon; what is done is kept for the next attempt. ECR has no way to stop a preview."""
        self._is_stopped = True

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage[Any, Any]:  # noqa: ARG002 - OpenLineage's
        """Return what OpenLineage learns of the audit.

        :param task_instance: the task instance.
        """
        return lineage_of(self._result)

    def _attempt(self, context: Context, segments: Segments | None, began_at: float) -> AuditAttempt:
        given = self._parameters
        for finding in given.candidates.warnings:
            self.log.warning("%s", finding)
        names = given.names
        if not names:
            self.log.warning("%s", no_repositories(given.on_no_repositories, "repository_names is empty"))
        elif len(set(names)) < len(names):
            twice = sorted(name for name, count in Counter(names).items() if count > 1)
            raise ValueError(f"Named twice: {', '.join(twice[:10])}. A repository has one preview; audit it once.")
        reports = self._reports(context)
        fleet = PreviewFleet(
            hook=self.hook,
            registry_id=given.registry_id,
            max_workers=given.max_workers,
            max_in_flight=given.max_in_flight,
            repository_timeout=given.repository_timeout,
            timeout=None if given.timeout is None else max(began_at + given.timeout - time.time(), 0.0),
            enrich=given.enrich,
            lookout=given.lookout,
            on_progress=lambda progress: self.log.info("%s.", progress),
            progress_interval=given.progress_interval,
            should_stop=lambda: self._is_stopped,
            image_lists=self._image_lists(reports),
        )
        return AuditAttempt(
            {name: given.candidates.policy_of(name) for name in names},
            fleet,
            Audit(given.audit_id, self._audited_at),
            OutcomeLog(segments) if segments else None,
        )

    def _kept_segments(self, context: Context) -> Segments | None:
        """Return where the next attempt finds what this one has done, or None if there is no such place."""
        store = context.get("task_state_store")
        if store is not None:
            return StateSegments(store)
        given = self._parameters
        if given.reports_path is None:
            return None
        folder = ObjectStoragePath(given.reports_path) / "outcomes" / slug(given.audit_id) / self._part(context)
        return PathSegments(folder)

    def _reports(self, context: Context) -> AuditReports | None:
        given = self._parameters
        if given.reports_path is None:
            return None
        dag = self.get_dag()
        return AuditReports(
            given.reports_path,
            audit_id=given.audit_id,
            audit_name=given.audit_name,
            audited_at=self._audited_at,
            part=self._part(context),
            dag_id=dag.dag_id if dag else None,
        )

    def _image_lists(self, reports: AuditReports | None) -> ImageLists | None:
        if reports is None or not self._parameters.write_image_lists:
            return None
        return partial(reports.image_list, with_kept=self._parameters.write_kept_images)

    def _part(self, context: Context) -> str:
        """Return what tells the parts of one audit apart."""
        return slug(f"{self.task_id}-{max(context['ti'].map_index or 0, 0)}")

    def _start_and_defer(self, attempt: AuditAttempt, segments: Segments, began_at: float) -> None:
        """Start what may be started and defer; return if there is nothing to start, or no way to defer."""
        given = self._parameters
        deadline = time.time() + given.repository_timeout
        if given.timeout is not None:
            deadline = min(deadline, began_at + given.timeout)
        if not attempt.not_started or deadline <= time.time():
            return
        attempt.start(given.max_in_flight)
        self._raise_if_stopped(attempt)
        carried = segments.carried() if isinstance(segments, MemorySegments) else None
        if carried is not None and len(carried) > MAX_CARRIED_CHARACTERS:
            self.log.info(
                "Waiting here: what was started is too much for the triggerer to carry. Set reports_path, or audit fewer "
                "repositories in one task."
            )
            return
        if not attempt.started:
            return
        self.log.info("%d previews were started; waiting for them without a worker slot.", len(attempt.started))
        self.defer(
            trigger=EcrLifecyclePolicyPreviewsTrigger(
                repository_names=attempt.started[-SAMPLE_SIZE:],
                deadline=deadline,
                registry_id=given.registry_id,
                poll_interval=given.poll_interval,
                carried={"began_at": began_at, "log": carried},
                aws_conn_id=self.aws_conn_id,
                region_name=self.hook.conn_region_name,  # the triggerer may have another default than the worker
                verify=self._hook_parameters["verify"],
                botocore_config=self.botocore_config,
            ),
            method_name="execute_complete",
            timeout=deferral_timeout(deadline),
        )

    def _end(self, context: Context, attempt: AuditAttempt, began_at: float) -> AuditXCom:
        self._raise_if_stopped(attempt)
        is_whole = context["ti"].map_index is None or context["ti"].map_index < 0
        reports = self._reports(context)
        value = self._report(reports, attempt, is_whole=is_whole) if reports else audit_xcom(attempt.audit)
        self._result = value
        publish(context, self, value, is_whole=is_whole)
        emit_duration(time.time() - began_at, self.dag_id, self.hook.conn_region_name)
        try:
            require_success(value, self._parameters.fail_on, fail_on_alarm=self._parameters.fail_on_alarm)
        except AuditFailedError:
            push_before_failure(context, self, value)
            raise
        attempt.forget()
        return value

    def _report(self, reports: AuditReports, attempt: AuditAttempt, *, is_whole: bool) -> AuditXCom:
        """Write the reports, and return the audit that names them."""
        table_uris = reports.write_tables(attempt.outcomes())
        changes = reports.compare(attempt.outcomes, attempt.audit.registries, self._parameters.alarms, whole=is_whole)
        report_uri = reports.markdown_uri if is_whole else None
        if is_whole:
            reports.write_markdown(attempt.audit.as_dict(changes=changes))
        retention_days = self._parameters.retention_days
        if retention_days is not None:
            removed = reports.remove_older_than(retention_days)
            self.log.info("Files of reports older than %d days that were removed: %d.", retention_days, removed)
        self.log.info("Reports: %s", ", ".join([report_uri] if report_uri else table_uris) or "none")
        return audit_xcom(attempt.audit, changes=changes, report_uri=report_uri, table_uris=table_uris)

    def _raise_if_stopped(self, attempt: AuditAttempt) -> None:
        if self._is_stopped:
            raise AuditStoppedError(
                f"The audit was told to stop when {attempt.done_count} of {len(self._parameters.names)} "
                "repositories were done."
            )


def _audited_at(context: Context, began_at: float) -> datetime:
    """Return when the audit began: the same for all of its parts, for every attempt, and after every wait.

    :param context: the task's context.
    :param began_at: when this attempt began, which it keeps while it is deferred; for a run without a start.
    """
    dag_run = context.get("dag_run")
    return (dag_run and dag_run.start_date) or datetime.fromtimestamp(began_at, UTC)
