"""The operators that apply previewed lifecycle policies and restore the former ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_provider_ecr_preview.core.cleanup import settings as defaults
from airflow_provider_ecr_preview.core.cleanup.approval_checks import approval_given
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult, decide
from airflow_provider_ecr_preview.core.cleanup.readiness import ReadinessXCom
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.in_use.scope import RequiredScope
from airflow_provider_ecr_preview.core.lint.policy import PolicySource
from airflow_provider_ecr_preview.core.parameters.times import seconds
from airflow_provider_ecr_preview.core.parameters.values import switch, text
from airflow_provider_ecr_preview.core.policy.candidates import PoliciesByGlob
from airflow_provider_ecr_preview.core.preview.stored import summaries_of
from airflow_provider_ecr_preview.core.protection import rules as protection
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.change import PolicyChange, former_policies_would_be_kept
from airflow_provider_ecr_preview.core.selection import Names
from airflow_provider_ecr_preview.core.xcom.approval import ApprovalXCom
from airflow_provider_ecr_preview.core.xcom.rollout import PolicyChangeXCom
from airflow_provider_ecr_preview.engine.cleanup_evidence import POLL_INTERVAL, TIMEOUT
from airflow_provider_ecr_preview.engine.planned_changes import left_as_it_is, planned_change
from airflow_provider_ecr_preview.engine.policy_changer import PolicyChanger
from airflow_provider_ecr_preview.engine.restored_previews import TIMEOUT as PREVIEWS_TIMEOUT
from airflow_provider_ecr_preview.engine.restored_previews import RestoredPreviews
from airflow_provider_ecr_preview.iam import IAM_ACTIONS
from airflow_provider_ecr_preview.operators._check_parameters import (
    CHECKED_TEMPLATE_FIELDS,
    JSON_RENDERERS,
    CheckParameters,
)
from airflow_provider_ecr_preview.operators._checked_base import EcrCheckedCleanupOperator
from airflow_provider_ecr_preview.operators._cleanup_base import OnBlocked
from airflow_provider_ecr_preview.operators._policy_change import EarlierChanges, PolicyChangeOperator
from airflow_provider_ecr_preview.reports.former_policies import read_former_policies
from airflow_provider_ecr_preview.templating.types import Summaries, Templated

if TYPE_CHECKING:
    from airflow.sdk import Context


class EcrPutLifecyclePolicyOperator(EcrCheckedCleanupOperator, PolicyChangeOperator):
    """Apply exactly the lifecycle policies that were previewed and approved.

    By default nothing is changed: with ``dry_run`` the task only reports what it would do. Before it changes anything, it
    checks every repository: a fresh preview of the policy has to list the same images as the approved one, and every other
    check has to pass. A policy cannot leave images out, so a single protected image blocks the whole task. Then the task
    applies the policies one repository after the other, reads each policy back and compares it; the first failure ends
    the task. ECR acts on a policy within a day. :class:`EcrRestoreLifecyclePolicyOperator` restores the former policies.

    Calls StartLifecyclePolicyPreview, GetLifecyclePolicyPreview, DescribeImages, GetLifecyclePolicy, DescribeRegistry
    and, unless ``dry_run``, PutLifecyclePolicy (``ecr:`` IAM actions of the same names).

    .. code-block:: python

        apply = EcrPutLifecyclePolicyOperator(
            task_id="apply",
            summary=summarize.output,
            lifecycle_policy_text=CANDIDATE,
            in_use=in_use.output,
            dry_run=False,
        )

    :param summary: the approved preview: the output of the summarize operator, a list of such outputs, or an audit
        that holds its summaries. With ``check_only``, names of repositories are allowed too, such as the output of
        ``EcrListRepositoriesOperator``. (templated)
    :param lifecycle_policy_text: the previewed policy, as JSON text or dict; None if the preview is of the applied
        policy. (templated)
    :param lifecycle_policies: previewed policies by repository name or name glob. (templated)
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
    :param former_policies_path: where to write the former policies before the first change, an
        ``ObjectStoragePath`` URL of a file, as gzip JSON Lines. Required if they do not fit into an XCom, and
        recommended if the task has retries. (templated)
    :param max_images: block a repository if more images than this are affected; None, or ``unlimited`` in a form,
        for no limit. A template that renders to None means the default, as for every limit. (templated)
    :param max_share: block a repository if more than this share of its images is affected, from 0 to 1; None for no
        limit. (templated)
    :param max_bytes: block a repository if the affected images take up more bytes than this, counted as an upper
        bound; None for no limit. (templated)
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
    :param check_in_use: whether to block a repository if it is not known which of its images are in use. (templated)
    :param check_referrers: whether to protect signatures, SBOMs and attestations of images that stay. (templated)
    :param check_replicas: whether to check the images in other Regions and accounts to which ECR replicates the
        deletions, and what is in use there; a repository is blocked if either is not known. (templated)
    :param ignored_findings: codes of critical findings that do not block. (templated)
    :param on_blocked: ``fail`` or ``skip`` the task when a check blocks, or only ``report`` it. A dry run only
        reports. (templated)
    :param timeout: how long to wait for one fresh preview, in seconds. (templated)
    :param poll_interval: time between two checks of its status, in seconds. (templated)
    :param outage_timeout: how long reading waits for the end of an outage, in seconds; changes are sent once. (templated)
    :param aws_conn_id: the Airflow connection with the AWS credentials. (templated)
    :param region_name: the AWS Region; None for the Region of each summary. (templated)
    :param verify: whether to verify TLS certificates, or the path of a CA bundle. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.rollout.PolicyChangeXCom`, which holds the former policies. It is
        pushed before the first change, and even if the task fails. With ``check_only``,
        :class:`~airflow_provider_ecr_preview.core.cleanup.readiness.ReadinessXCom`.
    :raises CleanupBlockedError: if a check blocks a repository. Nothing was changed.
    :raises CleanupIncompleteError: if a policy could not be changed, or the task was stopped.
    :raises ValueError: if a parameter is not valid. Nothing was called or changed.
    """

    iam_actions: ClassVar[tuple[str, ...]] = IAM_ACTIONS["EcrPutLifecyclePolicyOperator"]
    template_fields: Sequence[str] = aws_template_fields(*CHECKED_TEMPLATE_FIELDS, "former_policies_path")
    template_fields_renderers: ClassVar[dict[str, str]] = JSON_RENDERERS

    def __init__(
        self,
        *,
        summary: Templated[Summaries],
        lifecycle_policy_text: Templated[PolicySource] | None = None,
        lifecycle_policies: Templated[PoliciesByGlob] | None = None,
        in_use: Templated[Mapping[str, Any]] | None = None,
        required_scope: Templated[RequiredScope] = None,
        approved: Templated[ApprovalXCom | Mapping[str, Any]] | None = None,
        dry_run: Templated[bool] | None = True,
        check_only: Templated[bool] | None = False,
        former_policies_path: Templated[str] | None = None,
        max_images: Templated[int] | None = defaults.MAX_IMAGES,
        max_share: Templated[float] | None = defaults.MAX_SHARE,
        max_bytes: Templated[int] | None = defaults.MAX_BYTES,
        minimum_images_left: Templated[int] | None = defaults.MINIMUM_IMAGES_LEFT,
        protected_tags: Templated[Names] | None = protection.PROTECTED_TAGS,
        protected_tag_patterns: Templated[Names] | None = (),
        min_age_days: Templated[float | timedelta] | None = protection.MIN_AGE_DAYS,
        recently_pulled_days: Templated[float | timedelta] | None = protection.RECENTLY_PULLED_DAYS,
        newest_images_kept: Templated[int] | None = protection.NEWEST_IMAGES_KEPT,
        max_preview_age: Templated[timedelta] | None = defaults.MAX_PREVIEW_AGE,
        required_agreeing_previews: Templated[int] | None = defaults.REQUIRED_AGREEING_PREVIEWS,
        previous_summaries: Templated[Summaries] | None = (),
        check_in_use: Templated[bool] | None = True,
        check_referrers: Templated[bool] | None = True,
        check_replicas: Templated[bool] | None = True,
        ignored_findings: Templated[Names] | None = (),
        on_blocked: Templated[OnBlocked] | None = "fail",
        timeout: Templated[float | timedelta] | None = TIMEOUT,
        poll_interval: Templated[float | timedelta] | None = POLL_INTERVAL,
        **kwargs: Any,
    ) -> None:
        super().__init__(dry_run=dry_run, former_policies_path=former_policies_path, on_blocked=on_blocked, **kwargs)
        self._keep_checks(locals())
        self.summary = summary
        self.check_only = check_only
        self._check_constants()

    def execute(self, context: Context) -> PolicyChangeXCom | ReadinessXCom:  # type: ignore[override]  # with check_only
        """Check every repository, and change the policies if no check blocks."""
        if switch(self.check_only, "check_only", False, protects=True):  # False is the default
            path = text(self.former_policies_path, "former_policies_path")
            return self._readiness(self._settings(), "put", run_checks=[former_policies_would_be_kept(path)])
        return super().execute(context)

    def _settings(self) -> CleanupSettings:
        # ECR applies a policy to the tags of that moment, and the fresh preview uses the tags of now.
        return CheckParameters.of(self).settings(whole_policy=True, check_tags=False)

    def _plan(self, changer: PolicyChanger, earlier: EarlierChanges) -> list[PolicyChange]:
        summaries = self._of_named_region(summaries_of(self.summary))
        settings = self._settings()
        policies = self._candidates()
        wanted = {RepositoryId.of(summary): policies.policy_of(summary["repository_name"]) for summary in summaries}
        if without_policy := [str(repository) for repository, policy in wanted.items() if policy is None]:
            raise ValueError(
                f"No policy is given for {', '.join(without_policy)}. Set lifecycle_policy_text to the previewed policy, "
                "or add it to lifecycle_policies under the name of the repository or a glob."
            )
        self._approval = self._bind(summaries, "put")
        collector = self._collector(policies, settings, self._approval)
        changes = []
        for evidence in collector.collect(summaries):
            decision = decide(evidence, settings)
            self._log_warned_checks(decision)
            repository = decision.repository
            change = planned_change(
                changer, repository, wanted[repository], decision.checks, earlier=earlier.get(repository)
            )
            self.log.info("%s: %s.%s", change.repository, change.status, _blocking(change))
            changes.append(change)
        self._log_stricter_rules(changes)
        return changes

    def _run_checks(self, *, dry_run: bool) -> list[CheckResult]:
        return [CheckResult.of("approval_given", approval_given(self._approval, "put", dry_run=dry_run))]


class EcrRestoreLifecyclePolicyOperator(PolicyChangeOperator):
    """Restore the lifecycle policies that repositories had before ``EcrPutLifecyclePolicyOperator`` changed them.

    Put this operator into a DAG of its own that a person triggers, never downstream of the task that it undoes. By default
    nothing is changed: with ``dry_run`` the task only reports what it would do. A repository whose policy was changed since
    blocks the task. If a repository had no policy, its current policy is deleted. Only replaced policies are restored: if a
    stored policy differs from the result of the other task, it is refused. A repository where nothing is restored is
    ``unchanged``, with a message and a warning in the log. Images that ECR has deleted in the meantime stay deleted, and a
    restored policy deletes images like any other: the preview of it says how many.

    Calls GetLifecyclePolicy, unless ``preview_restored=False`` StartLifecyclePolicyPreview and GetLifecyclePolicyPreview,
    and, unless ``dry_run``, PutLifecyclePolicy and DeleteLifecyclePolicy (``ecr:`` IAM actions of the same names).

    .. code-block:: python

        restore = EcrRestoreLifecyclePolicyOperator(
            task_id="restore",
            applied="{{ params.applied }}",  # former_policies_path of the task that put the policies
            dry_run="{{ params.dry_run }}",
        )

    :param applied: the output of ``EcrPutLifecyclePolicyOperator``, against which the stored policies are checked, or the
        URL of its ``former_policies_path``, of which the last change of each repository is undone without that
        check. (templated)
    :param dry_run: whether to change nothing and only report what would change. (templated)
    :param former_policies_path: where to write the policies that this task replaces, as in that operator. (templated)
    :param preview_restored: whether to preview the restored policies, to report which images they affect. A preview that
        fails is reported and does not block. (templated)
    :param on_blocked: ``fail`` or ``skip`` the task when a check blocks, or only ``report`` it. A dry run only
        reports. (templated)
    :param timeout: how long to wait for all previews together, in seconds. (templated)
    :param poll_interval: time between two checks of a preview, in seconds. (templated)
    :param outage_timeout: how long reading waits for the end of an outage, in seconds; changes are sent once. (templated)
    :param aws_conn_id: the Airflow connection with the AWS credentials. (templated)
    :param region_name: not used; each repository is changed in its own Region. (templated)
    :param verify: whether to verify TLS certificates, or the path of a CA bundle. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.rollout.PolicyChangeXCom`.
    :raises CleanupBlockedError: if a policy was changed since, or cannot be read. Nothing was changed.
    :raises CleanupIncompleteError: if a policy could not be changed, or the task was stopped.
    :raises ValueError: if a parameter is not valid. Nothing was called or changed.
    """

    _kind = "restore"
    iam_actions: ClassVar[tuple[str, ...]] = IAM_ACTIONS["EcrRestoreLifecyclePolicyOperator"]
    template_fields: Sequence[str] = aws_template_fields(
        "applied",
        "dry_run",
        "former_policies_path",
        "on_blocked",
        "outage_timeout",
        "poll_interval",
        "preview_restored",
        "timeout",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"applied": "json"}

    def __init__(
        self,
        *,
        applied: Templated[PolicyChangeXCom | Mapping[str, Any]],
        dry_run: Templated[bool] | None = True,
        former_policies_path: Templated[str] | None = None,
        preview_restored: Templated[bool] | None = True,
        on_blocked: Templated[OnBlocked] | None = "fail",
        timeout: Templated[float | timedelta] | None = PREVIEWS_TIMEOUT,
        poll_interval: Templated[float | timedelta] | None = POLL_INTERVAL,
        **kwargs: Any,
    ) -> None:
        super().__init__(dry_run=dry_run, former_policies_path=former_policies_path, on_blocked=on_blocked, **kwargs)
        self.applied = applied
        self.preview_restored = preview_restored
        self.timeout = timeout
        self.poll_interval = poll_interval
        self._check_constants()

    def _plan(self, changer: PolicyChanger, earlier: EarlierChanges) -> list[PolicyChange]:
        previews = RestoredPreviews(
            self._hook_of,
            seconds(self.timeout, "timeout", PREVIEWS_TIMEOUT),
            seconds(self.poll_interval, "poll_interval", POLL_INTERVAL),
        )
        is_previewed = switch(self.preview_restored, "preview_restored", True)
        back = read_former_policies(self.applied)
        if back.warning is not None:
            self._message = back.warning
            self.log.warning("%s", back.warning)
        changes = [
            planned_change(
                changer, former.repository, former.policy, replaced=former, earlier=earlier.get(former.repository)
            )
            for former in back.former_policies
        ]
        if is_previewed:
            changes = previews.of(changes)
        for repository, why in back.nothing.items():
            self.log.warning("%s: %s", repository, why)
            changes.append(left_as_it_is(changer, repository, why))
        return changes


def _blocking(change: PolicyChange) -> str:
    return "".join(f" {check}" for check in change.checks if check.blocks)
