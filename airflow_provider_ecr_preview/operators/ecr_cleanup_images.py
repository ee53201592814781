"""The operator that deletes or archives what was previewed and approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_ecr_preview.core import protection
from airflow_provider_ecr_preview.core.cleanup import settings as defaults
from airflow_provider_ecr_preview.core.cleanup.approval import Approval
from airflow_provider_ecr_preview.core.cleanup.approval_questions import approval_given
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult, Decision, check_run, decide
from airflow_provider_ecr_preview.core.cleanup.outcome import RepositoryCleanup, planned_cleanup
from airflow_provider_ecr_preview.core.cleanup.readiness import ReadinessXCom
from airflow_provider_ecr_preview.core.cleanup.result import cleanup_xcom
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
from airflow_provider_ecr_preview.core.policy.candidates import CandidatePolicies, PoliciesByGlob
from airflow_provider_ecr_preview.core.preview.stored import summaries_of
from airflow_provider_ecr_preview.core.selection import Names
from airflow_provider_ecr_preview.core.xcom.approval import ApprovalXCom
from airflow_provider_ecr_preview.core.xcom.cleanup import ImageCleanupXCom
from airflow_provider_ecr_preview.display.cleanup import cleanup_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.engine.cleanup_evidence import POLL_INTERVAL, TIMEOUT, no_earlier_attempts
from airflow_provider_ecr_preview.engine.image_removal import RETRY_DELAY, ImageRemoval
from airflow_provider_ecr_preview.iam import IAM_ACTIONS
from airflow_provider_ecr_preview.operators._cleanup_base import (
    CHECKED_TEMPLATE_FIELDS,
    EcrCheckedCleanupOperator,
    OnBlocked,
    why_blocked,
)
from airflow_provider_ecr_preview.operators._publish import push_before_failure
from airflow_provider_ecr_preview.operators._removal_journal import RemovalJournal
from airflow_provider_ecr_preview.reports.lists import line_list

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom


MAX_IMAGES_PER_RUN = 10_000


MAX_BYTES_PER_RUN = 10_000_000_000_000


class EcrDeletePreviewedImagesOperator(EcrCheckedCleanupOperator):
    """Delete, or archive, the images that a preview listed and somebody approved, and no others.

    By default nothing is changed: ``dry_run`` tells what would be. Before anything is, a fresh preview of the same
    policy has to agree with the approved one, and every check has to be answered well; one that cannot be answered
    blocks as well. Images are deleted by digest, each looked at once more right before.

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

    :param summary: what was approved: the output of the summarise operator, several of them, or an audit that holds
        its summaries. (templated)
    :param in_use: what is in use: the output of ``EcrCollectImagesInUseOperator``. (templated)
    :param required_scope: the accounts and Regions that ``in_use`` has to cover, ``123456789012`` for an account in the
        Region of the repository or ``123456789012/eu-central-1``; the repository's own account and Region if None.
        Name the accounts that run images of a central registry. (templated)
    :param approved: what a person has approved: the output of ``EcrApproveCleanupOperator``, or the digest that it
        shows. Where it is given, nothing else is touched: an audit that was run again, or an XCom or an image list that
        was changed since, blocks. (templated)
    :param dry_run: whether nothing is changed. (templated)
    :param action: ``delete``, or ``archive`` to archive instead, which is billed too. (templated)
    :param check_only: whether to make every check that can be made without starting a preview, and nothing else: a
        readiness report. ``summary`` may then be names of repositories, too, such as the output of
        ``EcrListRepositoriesOperator``; their policies are evaluated by this package. (templated)
    :param lifecycle_policy_text: the policy that was previewed, if it is not applied: JSON text or dict. (templated)
    :param lifecycle_policies: such policies by name glob of the repositories. (templated)
    :param max_images: more images of one repository block its clean-up; None, or ``unlimited`` in a form, for no limit.
        What a template leaves as None is the default, here as in every limit. (templated)
    :param max_share: a larger share of a repository's images, from 0 to 1, blocks it; None for no limit. (templated)
    :param max_bytes: more bytes of one repository, as an upper bound, block it; None for no limit. (templated)
    :param max_images_per_run: more images of all repositories together block the task; None for no limit. (templated)
    :param max_bytes_per_run: more bytes of all repositories together block the task; None for no limit. (templated)
    :param minimum_images_left: fewer images left in a repository block its clean-up. One always has to be left. (templated)
    :param protected_tags: globs; an image with such a tag is spared, whatever was approved: a list, JSON, or text with
        commas between; [] for none. (templated)
    :param protected_tag_patterns: regular expressions, searched for in the tags, to the same effect. (templated)
    :param min_age_days: images pushed or restored within this number of days are spared; 0 for none. (templated)
    :param recently_pulled_days: images pulled within this number of days are spared; 0 for none. (templated)
    :param newest_images_kept: this number of the newest images, and of the newest tagged ones, are spared. (templated)
    :param max_preview_age: an older preview blocks: a timedelta or an ISO 8601 duration such as ``P1D``; None for no
        limit. (templated)
    :param required_agreeing_previews: in how many previews in a row an image has to be. The approved and the fresh one
        are two; more take ``previous_summaries``. (templated)
    :param previous_summaries: summaries of earlier previews, each with its ``images_uri``. (templated)
    :param on_change: ``block`` when the fresh preview or the tags differ from what was approved, or ``spare`` to leave
        out what differs. (templated)
    :param check_tags: whether an image that got or lost a tag since the approval counts as changed. Needs summaries
        with ``images_uri``, or of so few images that the summary itself holds them. (templated)
    :param check_in_use: whether it has to be known what is in use. (templated)
    :param check_referrers: whether signatures, SBOMs and attestations of images that stay are kept. (templated)
    :param check_replicas: whether, where the registry replicates deletions, it has to be known what is in the repositories
        in other Regions and accounts in which ECR deletes the images, too, and what is in use there. (templated)
    :param ignored_findings: codes of critical findings that do not block. (templated)
    :param on_blocked: ``fail`` or ``skip`` the task, or just ``report``, when a check blocks. A dry run only reports. (templated)
    :param archive_price_per_gb_month: what a gigabyte in the archive costs a month, to tell the cost of archiving. (templated)
    :param results_path: where to write what became of every image, an ``ObjectStoragePath`` URL of a file, as gzip
        JSON Lines. (templated)
    :param timeout: how long to wait for one fresh preview, in seconds.
    :param poll_interval: time between two looks at it, in seconds.
    :param failure_retry_delay: time before failures that may pass are tried again, in seconds.
    :param aws_conn_id: the Airflow connection used for AWS credentials. (templated)
    :param region_name: the AWS Region; that of each summary if None. (templated)
    :param verify: whether, or with which certificates, TLS is verified. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.cleanup.ImageCleanupXCom`, pushed also when the task fails; with
        ``check_only``, :class:`~airflow_provider_ecr_preview.core.cleanup.readiness.ReadinessXCom`.
    :raises CleanupBlockedError: if a check blocks a repository, after the others are done.
    :raises CleanupIncompleteError: if images could not be deleted, or the task was told to stop.
    :raises ValueError: if a parameter is not valid; nothing was asked or changed.
    """

    iam_actions: ClassVar[tuple[str, ...]] = IAM_ACTIONS["EcrDeletePreviewedImagesOperator"]
    template_fields: Sequence[str] = aws_template_fields(
        *CHECKED_TEMPLATE_FIELDS,
        "action",
        "archive_price_per_gb_month",
        "check_tags",
        "max_bytes_per_run",
        "max_images_per_run",
        "on_change",
        "results_path",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "approved": "json",
        "in_use": "json",
        "lifecycle_policies": "json",
        "lifecycle_policy_text": "json",
        "previous_summaries": "json",
        "summary": "json",
    }

    def __init__(
        self,
        *,
        summary: PreviewSummaryXCom | Sequence[PreviewSummaryXCom] | Mapping[str, Any] | str,
        in_use: Mapping[str, Any] | str | None = None,
        required_scope: RequiredScope = None,
        approved: ApprovalXCom | Mapping[str, Any] | str | None = None,
        dry_run: bool | str | None = True,
        check_only: bool | str | None = False,
        action: CleanupAction | str | None = "delete",
        lifecycle_policy_text: PolicySource | None = None,
        lifecycle_policies: PoliciesByGlob | None = None,
        max_images: int | str | None = defaults.MAX_IMAGES,
        max_share: float | str | None = defaults.MAX_SHARE,
        max_bytes: int | str | None = defaults.MAX_BYTES,
        max_images_per_run: int | str | None = MAX_IMAGES_PER_RUN,
        max_bytes_per_run: int | str | None = MAX_BYTES_PER_RUN,
        minimum_images_left: int | str | None = defaults.MINIMUM_IMAGES_LEFT,
        protected_tags: Names | None = protection.PROTECTED_TAGS,
        protected_tag_patterns: Names | None = (),
        min_age_days: float | timedelta | str | None = protection.MIN_AGE_DAYS,
        recently_pulled_days: float | timedelta | str | None = protection.RECENTLY_PULLED_DAYS,
        newest_images_kept: int | str | None = protection.NEWEST_IMAGES_KEPT,
        max_preview_age: timedelta | str | None = defaults.MAX_PREVIEW_AGE,
        required_agreeing_previews: int | str | None = defaults.REQUIRED_AGREEING_PREVIEWS,
        previous_summaries: Sequence[PreviewSummaryXCom] | Mapping[str, Any] | str | None = (),
        on_change: OnChange | str | None = "block",
        check_tags: bool | str | None = True,
        check_in_use: bool | str | None = True,
        check_referrers: bool | str | None = True,
        check_replicas: bool | str | None = True,
        ignored_findings: Names | None = (),
        on_blocked: OnBlocked | str | None = "fail",
        archive_price_per_gb_month: float | str | None = None,
        results_path: str | None = None,
        timeout: float | timedelta | str | None = TIMEOUT,
        poll_interval: float | timedelta | str | None = POLL_INTERVAL,
        failure_retry_delay: float | timedelta | str | None = RETRY_DELAY,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.summary = summary
        self.in_use = in_use
        self.required_scope = required_scope
        self.approved = approved
        self._is_bound = approved is not None
        self._is_scoped = required_scope is not None
        self.dry_run = dry_run  # type: ignore[method-assign,assignment]  # Airflow's own logs templates; nothing calls it
        self.check_only = check_only
        self.action = action
        self.lifecycle_policy_text = lifecycle_policy_text
        self.lifecycle_policies = lifecycle_policies
        self.max_images = written_limit(max_images)
        self.max_share = written_limit(max_share)
        self.max_bytes = written_limit(max_bytes)
        self.max_images_per_run = written_limit(max_images_per_run)
        self.max_bytes_per_run = written_limit(max_bytes_per_run)
        self.minimum_images_left = minimum_images_left
        self.protected_tags = protected_tags
        self.protected_tag_patterns = protected_tag_patterns
        self.min_age_days = min_age_days
        self.recently_pulled_days = recently_pulled_days
        self.newest_images_kept = newest_images_kept
        self.max_preview_age = written_limit(max_preview_age)
        self.required_agreeing_previews = required_agreeing_previews
        self.previous_summaries = previous_summaries
        self.on_change = on_change
        self.check_tags = check_tags
        self.check_in_use = check_in_use
        self.check_referrers = check_referrers
        self.check_replicas = check_replicas
        self.ignored_findings = ignored_findings
        self.on_blocked = on_blocked
        self.archive_price_per_gb_month = archive_price_per_gb_month
        self.results_path = results_path
        self.timeout = timeout
        self.poll_interval = poll_interval
        self.failure_retry_delay = failure_retry_delay

    def execute(self, context: Context) -> ImageCleanupXCom | ReadinessXCom:
        """Check, and delete or archive what may be."""
        dry_run = switch(self.dry_run, "dry_run", True, protects=True)
        on_blocked: OnBlocked = choice(self.on_blocked, "on_blocked", get_args(OnBlocked), "fail")
        settings = self._settings_with(
            action=choice(self.action, "action", get_args(CleanupAction), "delete", protects=True),
            on_change=choice(self.on_change, "on_change", get_args(OnChange), "block", protects=True),
            check_tags=switch(self.check_tags, "check_tags", True, protects=True),
        )
        max_images_per_run = limit(self.max_images_per_run, "max_images_per_run", MAX_IMAGES_PER_RUN, integer)
        max_bytes_per_run = limit(self.max_bytes_per_run, "max_bytes_per_run", MAX_BYTES_PER_RUN, integer)
        retry_delay = seconds(self.failure_retry_delay, "failure_retry_delay", RETRY_DELAY)
        archive_price = number(self.archive_price_per_gb_month, "archive_price_per_gb_month", None)
        results_path = text(self.results_path, "results_path")
        if switch(self.check_only, "check_only", False, protects=True):  # the default
            return self._readiness(
                settings,
                settings.action,
                results_path=results_path,
                max_images=max_images_per_run,
                max_bytes=max_bytes_per_run,
            )
        started_at = datetime.now(UTC)
        summaries = self._summaries(summaries_of(self.summary))
        approval = self._bind(summaries, settings.action)
        journal = None if dry_run else RemovalJournal(context, summaries, settings.action, results_path)
        decisions = self._decide(settings, summaries, approval, journal)
        run_checks = check_run(
            decisions,
            max_images=max_images_per_run,
            max_bytes=max_bytes_per_run,
            approval=approval_given(approval, settings.action, dry_run=dry_run),
        )
        cleanups = self._clean_up(decisions, run_checks, settings.action, retry_delay, journal)
        for cleanup in cleanups:
            cleanup.explain(settings)
        value = cleanup_xcom(
            cleanups,
            action=settings.action,
            dry_run=dry_run,
            run_checks=run_checks,
            started_at=started_at,
            finished_at=datetime.now(UTC),
            archive_price_per_gb_month=archive_price,
            results_uri=self._write(cleanups, results_path, journal),
            approval=approval,
        )
        self.log.info("%s\n%s", "Dry run; nothing was changed." if dry_run else "", render(cleanup_table(value)))
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
        policies = CandidatePolicies(self.lifecycle_policy_text, self.lifecycle_policies)
        earlier_of = journal.earlier_of if journal else no_earlier_attempts
        collector = self._collector(policies, settings, approval, earlier_of)
        decisions = []
        for evidence in collector.collect(summaries):
            decision = decide(evidence, settings)
            self._warn_of(decision)
            self.log.info(
                "%s: %s%s",
                decision.repository,
                decision.plan.summary(settings.action),
                "".join(f" {check}" for check in decision.blocking),
            )
            decisions.append(decision)
        self._warn_of_stricter_rules(decisions)
        return decisions

    def _clean_up(
        self,
        decisions: Sequence[Decision],
        run_checks: Sequence[CheckResult],
        action: CleanupAction,
        retry_delay: float,
        journal: RemovalJournal | None,
    ) -> list[RepositoryCleanup]:
        run_is_blocked = any(check.blocks for check in run_checks)
        removals: dict[str, ImageRemoval] = {}
        stop = self._stopping()
        cleanups = []
        for decision in decisions:
            cleanup = planned_cleanup(decision, action, run_is_blocked=run_is_blocked, dry_run=journal is None)
            # Only where nothing forbids it, and something is left to do.
            if journal and cleanup.status == "incomplete":
                region = decision.repository.region_name
                if region not in removals:
                    hook = self._hook_of(region)
                    removals[region] = ImageRemoval(hook, action, stop, retry_delay, journal.journal)
                cleanup = removals[region].run(decision)
            cleanups.append(cleanup)
        return cleanups

    def _write(
        self, cleanups: Sequence[RepositoryCleanup], results_path: str | None, journal: RemovalJournal | None
    ) -> str | None:
        """Write what became of every image; what was deleted is in the result even where that fails."""
        if not results_path:
            return None
        marks = journal.marks if journal else {}
        try:
            with line_list(results_path) as lines:
                for cleanup in cleanups:
                    for outcome in cleanup.outcomes.values():
                        line = outcome.as_dict(cleanup.repository)
                        lines.write({**line, **marks, "attempt": outcome.attempt or marks.get("attempt")})
        except Exception:  # whatever goes wrong on whatever storage
            self.log.exception("The list of results cannot be written to %s.", results_path)
            return None
        if journal:
            journal.end(cleanups)
        return results_path

    def _end(self, context: Context, value: ImageCleanupXCom, on_blocked: OnBlocked) -> None:
        """Raise if the clean-up was not done as it was meant, after its result is pushed."""
        statuses = value["statuses"]
        incomplete = statuses.get("incomplete", 0) + statuses.get("stopped", 0)
        blocked = statuses.get("blocked", 0) if on_blocked != "report" else 0
        if not incomplete and not blocked:
            return
        push_before_failure(context, self, value)
        if incomplete:
            raise CleanupIncompleteError(
                f"{incomplete} of {value['repository_count']} repositories are not done; {value['touched_image_count']} "
                f"images were {'deleted' if value['action'] == 'delete' else 'archived'}. The log and the XCom say what "
                "remains, and why."
            )
        message = f"{blocked} of {value['repository_count']} repositories are blocked: {why_blocked(value)}"
        if on_blocked == "skip":
            raise AirflowSkipException(message)
        raise CleanupBlockedError(message)
