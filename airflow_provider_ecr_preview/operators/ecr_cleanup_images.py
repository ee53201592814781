"""The operator that deletes or archives what was previewed and approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_ecr_preview.core.cleanup import settings as defaults
from airflow_provider_ecr_preview.core.cleanup.approval import Approval
from airflow_provider_ecr_preview.core.cleanup.approval_checks import approval_given
from airflow_provider_ecr_preview.core.cleanup.checks import Decision, check_run, decide
from airflow_provider_ecr_preview.core.cleanup.outcome import RepositoryCleanup, planned_cleanup
from airflow_provider_ecr_preview.core.cleanup.readiness import ReadinessXCom
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupAction, CleanupSettings, OnChange
from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError, CleanupIncompleteError
from airflow_provider_ecr_preview.core.in_use.scope import RequiredScope
from airflow_provider_ecr_preview.core.lint.policy import PolicySource
from airflow_provider_ecr_preview.core.parameters.times import seconds
from airflow_provider_ecr_preview.core.parameters.values import (
    choice,
    integer,
    limit,
    number,
    switch,
    text,
    written_limit,
)
from airflow_provider_ecr_preview.core.policy.candidates import PoliciesByGlob
from airflow_provider_ecr_preview.core.preview.stored import summaries_of
from airflow_provider_ecr_preview.core.protection import rules as protection
from airflow_provider_ecr_preview.core.selection import Names
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.approval import ApprovalXCom
from airflow_provider_ecr_preview.core.xcom.cleanup import ImageCleanupXCom
from airflow_provider_ecr_preview.engine.cleanup_evidence import POLL_INTERVAL, TIMEOUT, no_earlier_attempts
from airflow_provider_ecr_preview.engine.image_removal import RETRY_DELAY, ImageRemoval
from airflow_provider_ecr_preview.iam import IAM_ACTIONS
from airflow_provider_ecr_preview.operators._check_parameters import (
    CHECKED_TEMPLATE_FIELDS,
    JSON_RENDERERS,
    CheckParameters,
)
from airflow_provider_ecr_preview.operators._checked_base import EcrCheckedCleanupOperator
from airflow_provider_ecr_preview.operators._cleanup_base import OnBlocked, why_blocked
from airflow_provider_ecr_preview.operators._cleanup_result import CleanupResult
from airflow_provider_ecr_preview.operators._publish import mark_begun_cleanup, mark_change, push_before_failure
from airflow_provider_ecr_preview.operators._removal_journal import RemovalJournal, ResultList
from airflow_provider_ecr_preview.templating.types import Summaries, Templated

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom


MAX_IMAGES_PER_RUN = 10_000


MAX_BYTES_PER_RUN = 10_000_000_000_000


class EcrDeletePreviewedImagesOperator(EcrCheckedCleanupOperator):
    """Delete or archive exactly the images that a preview listed and a person approved.

    By default nothing is changed: with ``dry_run`` the task only reports what it would do. Before it changes anything, a
    fresh preview of the same policy has to agree with the approved one, and every check has to pass; a check that cannot
    be answered blocks as well. Protected images are left out. Images are deleted by digest, and the task looks at each
    image once more right before it deletes it.

    Calls StartLifecyclePolicyPreview, GetLifecyclePolicyPreview, DescribeImages, DescribeRegistry and, unless ``dry_run``,
    BatchDeleteImage or UpdateImageStorageClass (``ecr:`` IAM actions of the same names).

    .. code-block:: python

        clean_up = EcrDeletePreviewedImagesOperator(
            task_id="clean_up",
            summary=summarize.output,
            in_use=in_use.output,
            protected_tags=["latest", "prod*", "v*"],
            dry_run=False,
        )

    :param summary: the approved preview: the output of the summarize operator, a list of such outputs, or an audit
        that holds its summaries. With ``check_only``, names of repositories are allowed too, such as the output of
        ``EcrListRepositoriesOperator``. (templated)
    :param in_use: which images are in use: the output of ``EcrCollectImagesInUseOperator``. (templated)
    :param required_scope: the accounts and Regions that ``in_use`` has to cover: ``123456789012`` for an account in
        the Region of the repository, or ``123456789012/eu-central-1``. None means the account and Region of the
        repository. For a central registry, name the accounts that run its images. (templated)
    :param approved: what a person approved: the output of ``EcrApproveCleanupOperator``, or the digest that it
        shows. If given, the task touches nothing else: it blocks if the audit was run again, or if an XCom value or
        an image list changed since the approval. (templated)
    :param dry_run: whether to change nothing and only report what would change. (templated)
    :param check_only: whether to return a readiness report: all checks that need no fresh preview, without starting
        or changing anything. For repositories without a summary, this package evaluates the policies itself.
        (templated)
    :param action: ``delete``, or ``archive`` to archive the images instead; AWS bills for archived images too.
        (templated)
    :param lifecycle_policy_text: the previewed policy, as JSON text or dict; None if the preview is of the applied
        policy. (templated)
    :param lifecycle_policies: previewed policies by repository name or name glob. (templated)
    :param max_images: block a repository if more images than this are affected; None, or ``unlimited`` in a form,
        for no limit. A template that renders to None means the default, as for every limit. (templated)
    :param max_share: block a repository if more than this share of its images is affected, from 0 to 1; None for no
        limit. (templated)
    :param max_bytes: block a repository if the affected images take up more bytes than this, counted as an upper
        bound; None for no limit. (templated)
    :param max_images_per_run: block the task if more images than this are affected in all repositories together;
        None for no limit. (templated)
    :param max_bytes_per_run: block the task if the affected images of all repositories take up more bytes than
        this, as an upper bound; None for no limit. (templated)
    :param minimum_images_left: block a repository if fewer images than this are left. At least one image always has
        to be left. (templated)
    :param protected_tags: tag globs that protect an image even if it was approved: a list, JSON, or text separated
        by commas; [] for none. (templated)
    :param protected_tag_patterns: regular expressions that protect an image if they match anywhere in one of its
        tags. (templated)
    :param min_age_days: protect images that were pushed or restored within this number of days; 0 for none. (templated)
    :param recently_pulled_days: protect images that were pulled within this number of days; 0 for none. (templated)
    :param newest_images_kept: protect this number of the newest images, and the same number of the newest tagged
        ones. (templated)
    :param max_preview_age: block a repository if its preview is older than this: a timedelta, or an ISO 8601
        duration such as ``P1D``; None for no limit. (templated)
    :param required_agreeing_previews: how many previews in a row have to list an image. The approved preview and
        the fresh one are two; more need ``previous_summaries``. (templated)
    :param previous_summaries: summaries of earlier previews, each with its ``images_uri``. (templated)
    :param on_change: what to do if an approved image changed since the approval, lost or gained a tag, or is no longer
        in a fresh preview: ``block`` the repository, or ``spare`` the images that changed. Images that a fresh preview
        lists but that were not approved are never touched; ``block_any`` blocks because of them, too. (templated)
    :param check_tags: whether an image that gained or lost a tag since the approval counts as changed. Needs
        summaries with ``images_uri``, or summaries that list all of their images in the sample. (templated)
    :param check_in_use: whether to block a repository if it is not known which of its images are in use. (templated)
    :param check_referrers: whether to protect signatures, SBOMs and attestations of images that stay. (templated)
    :param check_replicas: whether to check the images in other Regions and accounts to which ECR replicates the
        deletions, and what is in use there; a repository is blocked if either is not known. (templated)
    :param ignored_findings: codes of critical findings that do not block. (templated)
    :param on_blocked: ``fail`` or ``skip`` the task when a check blocks, or only ``report`` it. A dry run only
        reports. (templated)
    :param archive_price_per_gb_month: the price of one gigabyte in the archive for a month, to report the cost of
        archiving. (templated)
    :param results_path: where to write what happened to each image, an ``ObjectStoragePath`` URL of a file, as gzip
        JSON Lines. (templated)
    :param timeout: how long to wait for one fresh preview, in seconds. (templated)
    :param poll_interval: time between two checks of its status, in seconds. (templated)
    :param outage_timeout: how long reading waits for the end of an outage, in seconds; changes are sent once. (templated)
    :param failure_retry_delay: how long to wait before retrying failures that may be temporary, in seconds. (templated)
    :param aws_conn_id: the Airflow connection with the AWS credentials. (templated)
    :param region_name: the AWS Region; None for the Region of each summary. (templated)
    :param verify: whether to verify TLS certificates, or the path of a CA bundle. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.cleanup.ImageCleanupXCom`, pushed even if the task fails; with
        ``check_only``, :class:`~airflow_provider_ecr_preview.core.cleanup.readiness.ReadinessXCom`.
    :raises CleanupBlockedError: if a check blocks a repository: the other repositories are finished first. Or if the
        result cannot be built, or the list at ``results_path`` cannot be written: nothing was changed.
    :raises CleanupIncompleteError: if images could not be deleted, or the task was stopped.
    :raises ValueError: if a parameter is not valid. Nothing was called or changed.
    """

    iam_actions: ClassVar[tuple[str, ...]] = IAM_ACTIONS["EcrDeletePreviewedImagesOperator"]
    template_fields: Sequence[str] = aws_template_fields(
        *CHECKED_TEMPLATE_FIELDS,
        "action",
        "archive_price_per_gb_month",
        "check_tags",
        "failure_retry_delay",
        "max_bytes_per_run",
        "max_images_per_run",
        "on_change",
        "results_path",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = JSON_RENDERERS

    def __init__(
        self,
        *,
        summary: Templated[Summaries],
        in_use: Templated[Mapping[str, Any]] | None = None,
        required_scope: Templated[RequiredScope] = None,
        approved: Templated[ApprovalXCom | Mapping[str, Any]] | None = None,
        dry_run: Templated[bool] | None = True,
        check_only: Templated[bool] | None = False,
        action: Templated[CleanupAction] | None = "delete",
        lifecycle_policy_text: Templated[PolicySource] | None = None,
        lifecycle_policies: Templated[PoliciesByGlob] | None = None,
        max_images: Templated[int] | None = defaults.MAX_IMAGES,
        max_share: Templated[float] | None = defaults.MAX_SHARE,
        max_bytes: Templated[int] | None = defaults.MAX_BYTES,
        max_images_per_run: Templated[int] | None = MAX_IMAGES_PER_RUN,
        max_bytes_per_run: Templated[int] | None = MAX_BYTES_PER_RUN,
        minimum_images_left: Templated[int] | None = defaults.MINIMUM_IMAGES_LEFT,
        protected_tags: Templated[Names] | None = protection.PROTECTED_TAGS,
        protected_tag_patterns: Templated[Names] | None = (),
        min_age_days: Templated[float | timedelta] | None = protection.MIN_AGE_DAYS,
        recently_pulled_days: Templated[float | timedelta] | None = protection.RECENTLY_PULLED_DAYS,
        newest_images_kept: Templated[int] | None = protection.NEWEST_IMAGES_KEPT,
        max_preview_age: Templated[timedelta] | None = defaults.MAX_PREVIEW_AGE,
        required_agreeing_previews: Templated[int] | None = defaults.REQUIRED_AGREEING_PREVIEWS,
        previous_summaries: Templated[Summaries] | None = (),
        on_change: Templated[OnChange] | None = "block",
        check_tags: Templated[bool] | None = True,
        check_in_use: Templated[bool] | None = True,
        check_referrers: Templated[bool] | None = True,
        check_replicas: Templated[bool] | None = True,
        ignored_findings: Templated[Names] | None = (),
        on_blocked: Templated[OnBlocked] | None = "fail",
        archive_price_per_gb_month: Templated[float] | None = None,
        results_path: Templated[str] | None = None,
        timeout: Templated[float | timedelta] | None = TIMEOUT,
        poll_interval: Templated[float | timedelta] | None = POLL_INTERVAL,
        failure_retry_delay: Templated[float | timedelta] | None = RETRY_DELAY,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._keep_checks(locals())
        self.summary = summary
        self.dry_run = dry_run  # type: ignore[method-assign,assignment]  # Airflow's own logs templates; nothing calls it
        self.check_only = check_only
        self.action = action
        self.max_images_per_run = written_limit(max_images_per_run)
        self.max_bytes_per_run = written_limit(max_bytes_per_run)
        self.on_change = on_change
        self.check_tags = check_tags
        self.on_blocked = on_blocked
        self.archive_price_per_gb_month = archive_price_per_gb_month
        self.results_path = results_path
        self.failure_retry_delay = failure_retry_delay
        self._check_constants()

    def execute(self, context: Context) -> ImageCleanupXCom | ReadinessXCom:
        """Run the checks, then delete or archive the images that may be touched."""
        dry_run = switch(self.dry_run, "dry_run", True, protects=True)
        on_blocked: OnBlocked = choice(self.on_blocked, "on_blocked", get_args(OnBlocked), "fail")
        settings = CheckParameters.of(self).settings(
            action=choice(self.action, "action", get_args(CleanupAction), "delete", protects=True),
            on_change=choice(self.on_change, "on_change", get_args(OnChange), "block", protects=True),
            check_tags=switch(self.check_tags, "check_tags", True, protects=True),
        )
        max_images_per_run = limit(self.max_images_per_run, "max_images_per_run", MAX_IMAGES_PER_RUN, integer)
        max_bytes_per_run = limit(self.max_bytes_per_run, "max_bytes_per_run", MAX_BYTES_PER_RUN, integer)
        self._read_outage_timeout()
        retry_delay = seconds(self.failure_retry_delay, "failure_retry_delay", RETRY_DELAY)
        archive_price = number(self.archive_price_per_gb_month, "archive_price_per_gb_month", None)
        results_path = text(self.results_path, "results_path")
        if switch(self.check_only, "check_only", False, protects=True):  # False is the default
            return self._readiness(
                settings, settings.action, results_path, max_images=max_images_per_run, max_bytes=max_bytes_per_run
            )
        started_at = datetime.now(UTC)
        summaries = self._of_named_region(summaries_of(self.summary))
        approval = self._bind(summaries, settings.action)
        journal = None if dry_run else RemovalJournal(context, summaries, settings.action, results_path)
        decisions = self._decide(settings, summaries, approval, journal)
        run_checks = check_run(
            decisions,
            max_images=max_images_per_run,
            max_bytes=max_bytes_per_run,
            approval=approval_given(approval, settings.action, dry_run=dry_run),
        )
        if journal:
            mark_begun_cleanup(context, self, settings.action, started_at, len(summaries), approval=approval)
        result = CleanupResult(
            settings, run_checks, started_at, archive_price, approval, ResultList(results_path, self.dag_id), journal
        )
        value = result.of(self._clean_up(decisions, result, retry_delay))
        self.log.info("%s", result.text(value))
        mark_change(context, self, value)
        if not dry_run:
            self._end(context, value, on_blocked)
        return value

    def _decide(
        self,
        settings: CleanupSettings,
        summaries: Sequence[PreviewSummaryXCom],
        approval: Approval | None,
        journal: RemovalJournal | None,
    ) -> list[Decision]:
        earlier_of = journal.earlier_of if journal else no_earlier_attempts
        collector = self._collector(self._candidates(), settings, approval, earlier_of, reads_policies=not journal)
        decisions = []
        for evidence in collector.collect(summaries):
            decision = decide(evidence, settings)
            self._log_warned_checks(decision)
            self.log.info(
                "%s: %s%s",
                decision.repository,
                decision.plan.summary(settings.action),
                "".join(f" {check}" for check in decision.blocking),
            )
            decisions.append(decision)
        self._log_stricter_rules(decisions)
        return decisions

    def _clean_up(
        self, decisions: Sequence[Decision], result: CleanupResult, retry_delay: float
    ) -> list[RepositoryCleanup]:
        run_is_blocked = any(check.blocks for check in result.run_checks)
        action, journal = result.settings.action, result.journal
        planned = [
            planned_cleanup(decision, action, run_is_blocked=run_is_blocked, dry_run=journal is None)
            for decision in decisions
        ]
        if journal is None:
            return planned
        result.rehearse(planned)
        removals: dict[str, ImageRemoval] = {}
        stop = self._stopping()
        cleanups = []
        for cleanup in planned:
            # Only if no check blocks it and something is left to do.
            if cleanup.status == "incomplete":
                region = cleanup.repository.region_name
                if region not in removals:
                    hook = self._hook_of(region)
                    removals[region] = ImageRemoval(hook, action, stop, retry_delay, journal.journal)
                cleanups.append(removals[region].run(cleanup.decision))
            else:
                cleanups.append(cleanup)
        return cleanups

    def _end(self, context: Context, value: ImageCleanupXCom, on_blocked: OnBlocked) -> None:
        """Push the result and raise, if the clean-up is blocked or incomplete."""
        statuses = value["statuses"]
        incomplete = statuses.get("incomplete", 0) + statuses.get("stopped", 0)
        blocked = statuses.get("blocked", 0) if on_blocked != "report" else 0
        if not incomplete and not blocked:
            return
        push_before_failure(context, self, value)
        if incomplete:
            raise CleanupIncompleteError(
                f"Incomplete: {incomplete} of {counted(value['repository_count'], 'repository', 'repositories')}. "
                f"{'Deleted' if value['action'] == 'delete' else 'Archived'} {counted(value['touched_image_count'], 'image')}. "
                "The log and the XCom result say what remains, and why."
            )
        message = f"Blocked: {blocked} of {counted(value['repository_count'], 'repository', 'repositories')}. {why_blocked(value)}"
        if on_blocked == "skip":
            raise AirflowSkipException(message)
        raise CleanupBlockedError(message)
