"""The operator that audits many repositories; also hands on those that list repositories and merge audits."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import conf
from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR

from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
from airflow_provider_ecr_preview.core.exceptions import AuditFailedError, AuditStoppedError
from airflow_provider_ecr_preview.core.in_use.scope import RequiredScope
from airflow_provider_ecr_preview.core.lint.policy import PolicySource
from airflow_provider_ecr_preview.core.parts import Parts
from airflow_provider_ecr_preview.core.policy.candidates import PoliciesByGlob
from airflow_provider_ecr_preview.core.preview.registry_findings import IMAGE_QUOTA
from airflow_provider_ecr_preview.core.protection.rules import PROTECTED_TAGS, RECENTLY_PULLED_DAYS
from airflow_provider_ecr_preview.core.selection import Names
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom
from airflow_provider_ecr_preview.engine.audit_attempt import AuditAttempt
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.links.audit import EcrAuditReportLink
from airflow_provider_ecr_preview.links.ecr import EcrRegistryLink
from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
from airflow_provider_ecr_preview.operators import _audit_parameters as defaults
from airflow_provider_ecr_preview.operators._audit_run import AuditRun
from airflow_provider_ecr_preview.operators._fail_on import FAIL_ON_RULES, FailOn, OnNoRepositories, require_success
from airflow_provider_ecr_preview.operators._publish import publish, push_before_failure
from airflow_provider_ecr_preview.operators.ecr_merge import EcrMergeLifecycleAuditsOperator
from airflow_provider_ecr_preview.operators.ecr_repositories import EcrListRepositoriesOperator
from airflow_provider_ecr_preview.reports.segments import MemorySegments
from airflow_provider_ecr_preview.telemetry import emit_duration, lineage_of
from airflow_provider_ecr_preview.templating.rendering import AwsParametersMixin, LiteralXComMixin
from airflow_provider_ecr_preview.templating.types import ExpectedPolicyFiles, Templated
from airflow_provider_ecr_preview.triggers.ecr_audit import AuditEvent
from airflow_provider_ecr_preview.triggers.ecr_preview import deferral_timeout

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors.base import OperatorLineage
    from airflow.sdk import Context


__all__ = ["EcrAuditLifecyclePoliciesOperator", "EcrListRepositoriesOperator", "EcrMergeLifecycleAuditsOperator"]


class EcrAuditLifecyclePoliciesOperator(
    LiteralXComMixin, AwsParametersMixin, AwsBaseOperator[EcrLifecyclePolicyPreviewHook]
):
    """Preview the lifecycle policies of many repositories, and push what they would delete as one audit.

    The operator starts all previews first and then reads them in order, at a pace that adapts to the rate limit of the
    account: thousands of repositories take minutes, and two preview calls each. A preview deletes nothing. If a repository
    fails, the audit records the reason and continues with the others.

    A retry continues where the last attempt stopped: from Airflow's task state store (3.3 and later), or from the files
    under ``reports_path``. Without either, it starts from the beginning and logs that.

    Calls StartLifecyclePolicyPreview, GetLifecyclePolicyPreview, GetLifecyclePolicy if a preview is already running,
    DescribeImages unless ``enrich=False``, DescribeRegistry once unless ``check_replicas=False``, with
    ``read_manifests`` ListPullTimeUpdateExclusions and BatchGetImage, with ``owner_tag`` ListTagsForResource, and
    DescribeRepositories until the registry is known, and with ``check_registry`` DescribePullThroughCacheRules and
    DescribeRepositoryCreationTemplates (``ecr:`` IAM actions of the same names).

    .. code-block:: python

        names = EcrListRepositoriesOperator(task_id="list", include="payments/*")
        audit = EcrAuditLifecyclePoliciesOperator(
            task_id="audit",
            repository_names=names.output,
            reports_path="s3://aws_default@my-reports/ecr",
            fail_on=0.05,
            deferrable=True,
        )

    :param repository_names: the repositories: a list, JSON, or text separated by commas. (templated)
    :param lifecycle_policy_text: a candidate policy for all repositories, as JSON text or dict; None for the applied
        policies. (templated)
    :param lifecycle_policies: candidate policies by repository name or name glob; the first match counts. Other
        repositories get ``lifecycle_policy_text``. (templated)
    :param registry_id: the registry (AWS account id); None for the caller's own. (templated)
    :param reports_path: folder for reports, an ``ObjectStoragePath`` URL (``file:///...`` or
        ``s3://aws_conn_id@bucket/...``). None for no reports and no comparison with earlier audits. (templated)
    :param audit_id: name of this audit; the parts of a mapped audit share it. (templated)
    :param selection: what the repositories were selected by; audits are compared with their own kind only. (templated)
    :param audit_name: name of a series of audits. Each audit is compared with the last one of the same name. (templated)
    :param on_no_repositories: ``fail`` or ``warn`` if there is no repository to audit. An audit of nothing says nothing about
        the registry, so it does not end as a success by default. (templated)
    :param write_image_lists: whether the reports list the affected images of each repository. (templated)
    :param write_kept_images: whether the reports also list the images that stay, each with the reason. Needs
        ``enrich``. (templated)
    :param retention_days: remove reports under ``reports_path`` that are older than this number of days, also those of
        other audits; None keeps all. Other files are not removed. (templated)
    :param alarm_share: raise an alarm if the number of affected images of a repository has grown by more than this share
        since the last audit: 0.5 means by half. (templated)
    :param alarm_count: raise an alarm if the number of affected images of a repository has grown by more than this number
        since the last audit. (templated)
    :param fail_on: fail the task if repositories could not be previewed: ``any`` of them, ``all`` of them, ``none`` to never
        fail, or a share of all repositories from 0 to 1 that may fail. The audit is pushed before the task
        fails. (templated)
    :param fail_on_alarm: whether an alarm fails the task too. (templated)
    :param enrich: whether to read the number of images, their sizes and last pulls with DescribeImages. If False, these are
        null, and most findings are missing. (templated)
    :param recently_pulled_days: report a finding if an affected image was pulled within this number of days. (templated)
    :param in_use: which images are in use: the output of ``EcrCollectImagesInUseOperator``. An affected image that is in
        use is a critical finding. (templated)
    :param required_scope: the accounts and Regions that ``in_use`` has to cover, as in the clean-up. A finding names those
        that are missing. (templated)
    :param protected_tags: tag globs; report a finding if an affected image has such a tag, as the clean-up leaves it
        out. (templated)
    :param check_replicas: whether to read with DescribeRegistry in which other Regions and accounts ECR deletes the images
        too. (templated)
    :param expected_policies: files of Git with the policies that should be applied; a finding says which repositories have
        another one. A folder in which the path of each file is the name of its repository, a file or a list of files that
        name their repositories (Terraform plans, CloudFormation), or a mapping of repository names or globs to files. On
        the worker, or ``ObjectStoragePath`` URLs; a relative path starts at the folder of the DAG file. Not together with
        candidate policies. (templated)
    :param read_manifests: whether to read all manifests and to sum the layers that nothing that stays refers to
        (``expiring_bytes_exact``). Only for a role in ECR's pull-time update exclusions; up to 10,000 images. (templated)
    :param measure_storage: whether to add up what all images cost a month, and what of it is kept and was never pulled, also
        in repositories without a policy: there it calls DescribeImages once for each 1,000 images. Other repositories need no
        further call. Needs ``enrich``; the prices are settings. (templated)
    :param owner_tag: the repository tag that names the owner, such as ``owner``, ``team`` or ``cost-centre``, for sums by
        owner. Calls ListTagsForResource once for each repository; None to read no tags. (templated)
    :param acknowledged_findings: findings that a person accepts until a day: a list of mappings with ``repositories`` (a
        name or glob), ``code``, ``reason`` and ``until`` (the last day, in UTC), the same as JSON, or the path of a JSON or
        YAML file on the worker or an ``ObjectStoragePath`` URL. They are shown and counted apart, and count again when the
        day has passed. What blocks a clean-up cannot be acknowledged. (templated)
    :param check_registry: whether to read pull-through cache rules and creation templates, for findings. (templated)
    :param image_quota: number of images that a repository may have; a finding warns before it is reached. (templated)
    :param max_workers: number of threads that call ECR. (templated)
    :param max_in_flight: number of previews that may be started and not yet read. (templated)
    :param repository_timeout: how long one repository may take from the start of its preview, in seconds. (templated)
    :param outage_timeout: how long to wait for the end of an outage, in which every call fails, in seconds. An endpoint
        that has never answered fails within 30 seconds. (templated)
    :param timeout: how long the whole audit may take, in seconds, also while deferred. Repositories that are not done by
        then have failed. None for no limit but Airflow's own. (templated)
    :param max_preview_age: how old a result of an earlier attempt may be to be used again: a timedelta, or as 'P1D'. (templated)
    :param progress_interval: time between two lines of progress in the log, in seconds. (templated)
    :param poll_interval: time between two checks of the status while deferred, in seconds. (templated)
    :param deferrable: whether to wait for previews in the triggerer, without a worker slot, until most are complete.
    :param aws_conn_id: the Airflow connection with the AWS credentials. (templated)
    :param region_name: the AWS Region; None for the Region of the connection. (templated)
    :param verify: whether to verify TLS certificates, or the path of a CA bundle. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.audit.AuditXCom`.
    :raises InvalidLifecyclePolicyError: if ECR would refuse a policy. The error lists every mistake, and nothing is started.
    :raises AuditFailedError: if more repositories failed than ``fail_on`` allows.
    :raises NoRepositoriesError: if there is no repository, and ``on_no_repositories`` is ``fail``.
    :raises AuditStoppedError: if the task was stopped.
    """

    aws_hook_class = EcrLifecyclePolicyPreviewHook
    template_fields: Sequence[str] = aws_template_fields(*defaults.AUDIT_TEMPLATE_FIELDS)
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "expected_policies": "json",
        "in_use": "json",
        "lifecycle_policies": "json",
        "lifecycle_policy_text": "json",
        "repository_names": "json",
    }
    operator_extra_links = (EcrPreviewTabLink(), EcrAuditReportLink(), EcrRegistryLink())
    parameter_rules = FAIL_ON_RULES
    _check_together = defaults.check_together
    ui_color = "#ffe8d1"

    def __init__(
        self,
        *,
        repository_names: Templated[Names],
        lifecycle_policy_text: Templated[PolicySource] | None = None,
        lifecycle_policies: Templated[PoliciesByGlob] | None = None,
        registry_id: Templated[str] | None = None,
        reports_path: Templated[str] | None = None,
        audit_id: Templated[str] = "{{ dag.dag_id }} {{ run_id }}",
        audit_name: Templated[str] = "{{ dag.dag_id }}",
        selection: Templated[Mapping[str, Any]] | None = None,
        on_no_repositories: Templated[OnNoRepositories] | None = "fail",
        write_image_lists: Templated[bool] | None = True,
        write_kept_images: Templated[bool] | None = True,
        retention_days: Templated[int] | None = None,
        alarm_share: Templated[float] | None = None,
        alarm_count: Templated[int] | None = None,
        fail_on: Templated[FailOn] | None = "any",
        fail_on_alarm: Templated[bool] | None = False,
        enrich: Templated[bool] | None = True,
        recently_pulled_days: Templated[float | timedelta] | None = RECENTLY_PULLED_DAYS,
        in_use: Templated[Mapping[str, Any]] | None = None,
        required_scope: Templated[RequiredScope] = None,
        protected_tags: Templated[Names] | None = PROTECTED_TAGS,
        check_replicas: Templated[bool] | None = True,
        measure_storage: Templated[bool] | None = False,
        owner_tag: Templated[str] | None = None,
        acknowledged_findings: Templated[Sequence[Mapping[str, Any]]] | None = None,
        expected_policies: Templated[ExpectedPolicyFiles] | None = None,
        read_manifests: Templated[bool] | None = False,
        check_registry: Templated[bool] | None = False,
        image_quota: Templated[int] | None = IMAGE_QUOTA,
        max_workers: Templated[int] | None = defaults.MAX_WORKERS,
        max_in_flight: Templated[int] | None = defaults.MAX_IN_FLIGHT,
        repository_timeout: Templated[float | timedelta] | None = defaults.REPOSITORY_TIMEOUT,
        outage_timeout: Templated[float | timedelta] | None = OUTAGE_SECONDS,
        timeout: Templated[float | timedelta] | None = None,
        max_preview_age: Templated[timedelta] | None = defaults.MAX_PREVIEW_AGE,
        progress_interval: Templated[float | timedelta] | None = defaults.PROGRESS_INTERVAL,
        poll_interval: Templated[float | timedelta] | None = defaults.POLL_INTERVAL,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        defaults.keep(self, locals())
        self.deferrable = deferrable
        self._is_stopped = False
        self._result: AuditXCom | None = None
        self._check_constants()

    def execute(self, context: Context) -> AuditXCom:
        """Audit the repositories, or start all previews and defer."""
        run = self._run(context, time.time())
        kept = run.kept_segments()
        segments = kept or (MemorySegments() if self.deferrable else None)
        attempt = run.attempt(segments)
        run.recover(attempt, segments)
        if segments and self.deferrable:
            self._start_and_defer(run, attempt, segments)
        attempt.collect(start_others=True)
        return self._end(context, run, attempt)

    def execute_complete(self, context: Context, event: AuditEvent) -> AuditXCom:
        """Read the previews that were started before, and go on with the others.

        :param context: the task's context.
        :param event: what the trigger reported.
        """
        run = self._run(context, event["carried"]["began_at"])
        kept = run.kept_segments()
        attempt = run.attempt(kept or MemorySegments(event["carried"]["log"]))
        run.recover_silently(attempt)
        if kept and attempt.not_started:
            attempt.collect(start_others=False)
            self._start_and_defer(run, attempt, kept)
        attempt.collect(start_others=True)
        return self._end(context, run, attempt)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a deferral. If no triggerer ended it, read on this worker what an earlier attempt has started.

        :param next_method: the method that Airflow resumes with.
        :param next_kwargs: its arguments.
        :param context: the task's context.
        :raises TaskDeferralTimeout: if no triggerer ended the deferral, and there is no record of what was started.
        """
        if next_method != TRIGGER_FAIL_REPR:
            return super().resume_execution(next_method, next_kwargs, context)
        # Airflow keeps the start date of a task instance through its deferrals.
        began_at = (context["ti"].start_date or datetime.now(UTC)).timestamp()
        run = self._run(context, began_at)
        kept = run.kept_segments()
        if kept is None:
            self.log.error(
                "No triggerer ended the deferral, and there is no record of the previews that were started. Check that a "
                "triggerer is running, or set deferrable=False. With reports_path, the next audit could continue this one."
            )
            return super().resume_execution(next_method, next_kwargs, context)
        self.log.warning(
            "No triggerer ended the deferral (%s). Reading the previews on this worker, from %s. Check that a triggerer is "
            "running, or set deferrable=False.",
            (next_kwargs or {}).get("error", "no reason was given"),
            kept,
        )
        attempt = run.attempt(kept)
        run.recover_silently(attempt)
        attempt.collect(start_others=True)
        return self._end(context, run, attempt)

    def on_kill(self) -> None:
        """End soon; the next attempt continues from here. ECR has no call that stops a preview."""
        self._is_stopped = True

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage[Any, Any]:  # noqa: ARG002 - OpenLineage's
        """Return the OpenLineage facets of the audit.

        :param task_instance: the task instance.
        """
        return lineage_of(self._result)

    def _run(self, context: Context, began_at: float) -> AuditRun:
        return AuditRun(self, context, began_at, lambda: self._is_stopped)

    def _start_and_defer(self, run: AuditRun, attempt: AuditAttempt, segments: Parts) -> None:
        """Start previews and defer; return if there is nothing to wait for, or if deferring is not possible."""
        deadline = run.deadline()
        if not attempt.not_started or deadline <= time.time():
            return
        attempt.start(run.parameters.max_in_flight)
        self._raise_if_stopped(run, attempt)
        trigger = run.trigger(attempt, segments, deadline)
        if trigger is not None:
            self.log.info("Started %s; waiting without a worker slot.", counted(attempt.started, "preview"))
            self.defer(trigger=trigger, method_name="execute_complete", timeout=deferral_timeout(deadline))

    def _end(self, context: Context, run: AuditRun, attempt: AuditAttempt) -> AuditXCom:
        self._raise_if_stopped(run, attempt)
        value = self._result = run.result(attempt)
        publish(context, self, value, is_whole=run.is_whole)
        emit_duration(time.time() - run.began_at, self.dag_id, self.hook.conn_region_name)
        try:
            require_success(value, run.parameters.fail_on, fail_on_alarm=run.parameters.fail_on_alarm)
        except AuditFailedError:
            push_before_failure(context, self, value)
            raise
        attempt.forget()
        return value

    def _raise_if_stopped(self, run: AuditRun, attempt: AuditAttempt) -> None:
        if self._is_stopped:
            raise AuditStoppedError(
                f"The audit was stopped after {attempt.done_count} of "
                f"{counted(run.parameters.names, 'repository', 'repositories')}. A retry continues there if the task state "
                "store or reports_path keeps its progress."
            )
