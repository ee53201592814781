"""The operators that apply lifecycle policies: exactly what was previewed, and what was there before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_provider_ecr_preview.core import protection
from airflow_provider_ecr_preview.core.cleanup import settings as defaults
from airflow_provider_ecr_preview.core.cleanup.approval_questions import approval_given
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult, decide
from airflow_provider_ecr_preview.core.cleanup.readiness import ReadinessXCom
from airflow_provider_ecr_preview.core.in_use.scope import RequiredScope
from airflow_provider_ecr_preview.core.lint.policy import PolicySource
from airflow_provider_ecr_preview.core.parameters.times import seconds
from airflow_provider_ecr_preview.core.parameters.values import switch, written_limit
from airflow_provider_ecr_preview.core.policy.candidates import CandidatePolicies, PoliciesByGlob
from airflow_provider_ecr_preview.core.preview.stored import summaries_of
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
from airflow_provider_ecr_preview.operators._cleanup_base import (
    CHECKED_TEMPLATE_FIELDS,
    EcrCheckedCleanupOperator,
    OnBlocked,
)
from airflow_provider_ecr_preview.operators._policy_change import EarlierChanges, PolicyChangeOperator
from airflow_provider_ecr_preview.reports.former_policies import read_former_policies

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom


class EcrPutLifecyclePolicyOperator(EcrCheckedCleanupOperator, PolicyChangeOperator):
    """Apply exactly the lifecycle policies that were previewed and approved.

    By default nothing is changed: ``dry_run`` tells what would be. Before anything is, every repository is checked: a
    fresh preview of the policy has to list the same images as the approved one, and every other check has to be answered
    well. A policy leaves nothing out, so an image in use, with a protected tag or among the newest blocks the whole task.
    Then one repository after the other gets its policy, which is read back and compared; the first failure ends the
    task. ECR acts on a policy within a day. :class:`EcrRestoreLifecyclePolicyOperator` takes it back.

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

    :param summary: what was approved: the output of the summarise operator, several of them, or an audit that holds
        its summaries. (templated)
    :param lifecycle_policy_text: the policy that was previewed: JSON text or dict. (templated)
    :param lifecycle_policies: such policies by name glob of the repositories. (templated)
    :param in_use: what is in use: the output of ``EcrCollectImagesInUseOperator``. (templated)
    :param required_scope: the accounts and Regions that ``in_use`` has to cover, ``123456789012`` for an account in the
        Region of the repository or ``123456789012/eu-central-1``; the repository's own account and Region if None.
        Name the accounts that run images of a central registry. (templated)
    :param approved: what a person has approved: the output of ``EcrApproveCleanupOperator``, or the digest that it
        shows. Where it is given, nothing else is touched: an audit that was run again, or an XCom or an image list that
        was changed since, blocks. (templated)
    :param dry_run: whether nothing is changed. (templated)
    :param check_only: whether to make every check that can be made without starting a preview, and nothing else: a
        readiness report. ``summary`` may then be names of repositories, too, such as the output of
        ``EcrListRepositoriesOperator``; their policies are evaluated by this package. (templated)
    :param former_policies_path: where to write the former policies before the first change, an ``ObjectStoragePath``
        URL of a file, as gzip JSON Lines; needed where they do not fit into an XCom, and wise where the task is
        retried. (templated)
    :param max_images: more images that the policy takes of one repository block; None, or ``unlimited`` in a form, for no
        limit. What a template leaves as None is the default, here as in every limit. (templated)
    :param max_share: a larger share of a repository's images, from 0 to 1, blocks; None for no limit. (templated)
    :param max_bytes: more bytes of one repository, as an upper bound, block; None for no limit. (templated)
    :param minimum_images_left: fewer images left in a repository block. One always has to be left. (templated)
    :param protected_tags: globs; an image with such a tag that the policy takes blocks: a list, JSON, or text with commas
        between; [] for none. (templated)
    :param protected_tag_patterns: regular expressions, searched for in the tags, to the same effect. (templated)
    :param min_age_days: an image pushed or restored within this number of days blocks; 0 for none. (templated)
    :param recently_pulled_days: an image pulled within this number of days blocks; 0 for none. (templated)
    :param newest_images_kept: one of this number of the newest images, and of the newest tagged ones, blocks. (templated)
    :param max_preview_age: an older preview blocks: a timedelta or an ISO 8601 duration such as ``P1D``; None for no
        limit. (templated)
    :param required_agreeing_previews: in how many previews in a row an image has to be. The approved and the fresh one
        are two; more take ``previous_summaries``. (templated)
    :param previous_summaries: summaries of earlier previews, each with its ``images_uri``. (templated)
    :param check_in_use: whether it has to be known what is in use. (templated)
    :param check_referrers: whether signatures, SBOMs and attestations of images that stay are kept. (templated)
    :param check_replicas: whether, where the registry replicates deletions, it has to be known what is in the repositories
        in other Regions and accounts in which ECR deletes the images, too, and what is in use there. (templated)
    :param ignored_findings: codes of critical findings that do not block. (templated)
    :param on_blocked: ``fail`` or ``skip`` the task, or just ``report``, when a check blocks. A dry run only reports. (templated)
    :param timeout: how long to wait for one fresh preview, in seconds.
    :param poll_interval: time between two looks at it, in seconds.
    :param aws_conn_id: the Airflow connection used for AWS credentials. (templated)
    :param region_name: the AWS Region; that of each summary if None. (templated)
    :param verify: whether, or with which certificates, TLS is verified. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.rollout.PolicyChangeXCom`, which holds the former policies;
        pushed before the first change, and also when the task fails; with ``check_only``,
        :class:`~airflow_provider_ecr_preview.core.cleanup.readiness.ReadinessXCom`.
    :raises CleanupBlockedError: if a check blocks a repository; nothing was changed.
    :raises CleanupIncompleteError: if a policy could not be changed, or the task was told to stop.
    :raises ValueError: if a parameter is not valid; nothing was asked or changed.
    """

    iam_actions: ClassVar[tuple[str, ...]] = IAM_ACTIONS["EcrPutLifecyclePolicyOperator"]
    template_fields: Sequence[str] = aws_template_fields(*CHECKED_TEMPLATE_FIELDS, "former_policies_path")
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
        lifecycle_policy_text: PolicySource | None = None,
        lifecycle_policies: PoliciesByGlob | None = None,
        in_use: Mapping[str, Any] | str | None = None,
        required_scope: RequiredScope = None,
        approved: ApprovalXCom | Mapping[str, Any] | str | None = None,
        dry_run: bool | str | None = True,
        check_only: bool | str | None = False,
        former_policies_path: str | None = None,
        max_images: int | str | None = defaults.MAX_IMAGES,
        max_share: float | str | None = defaults.MAX_SHARE,
        max_bytes: int | str | None = defaults.MAX_BYTES,
        minimum_images_left: int | str | None = defaults.MINIMUM_IMAGES_LEFT,
        protected_tags: Names | None = protection.PROTECTED_TAGS,
        protected_tag_patterns: Names | None = (),
        min_age_days: float | timedelta | str | None = protection.MIN_AGE_DAYS,
        recently_pulled_days: float | timedelta | str | None = protection.RECENTLY_PULLED_DAYS,
        newest_images_kept: int | str | None = protection.NEWEST_IMAGES_KEPT,
        max_preview_age: timedelta | str | None = defaults.MAX_PREVIEW_AGE,
        required_agreeing_previews: int | str | None = defaults.REQUIRED_AGREEING_PREVIEWS,
        previous_summaries: Sequence[PreviewSummaryXCom] | Mapping[str, Any] | str | None = (),
        check_in_use: bool | str | None = True,
        check_referrers: bool | str | None = True,
        check_replicas: bool | str | None = True,
        ignored_findings: Names | None = (),
        on_blocked: OnBlocked | str | None = "fail",
        timeout: float | timedelta | str | None = TIMEOUT,
        poll_interval: float | timedelta | str | None = POLL_INTERVAL,
        **kwargs: Any,
    ) -> None:
        super().__init__(dry_run=dry_run, former_policies_path=former_policies_path, on_blocked=on_blocked, **kwargs)
        self.summary = summary
        self.lifecycle_policy_text = lifecycle_policy_text
        self.lifecycle_policies = lifecycle_policies
        self.in_use = in_use
        self.check_only = check_only
        self.required_scope = required_scope
        self.approved = approved
        self._is_bound = approved is not None
        self._is_scoped = required_scope is not None
        self.max_images = written_limit(max_images)
        self.max_share = written_limit(max_share)
        self.max_bytes = written_limit(max_bytes)
        self.minimum_images_left = minimum_images_left
        self.protected_tags = protected_tags
        self.protected_tag_patterns = protected_tag_patterns
        self.min_age_days = min_age_days
        self.recently_pulled_days = recently_pulled_days
        self.newest_images_kept = newest_images_kept
        self.max_preview_age = written_limit(max_preview_age)
        self.required_agreeing_previews = required_agreeing_previews
        self.previous_summaries = previous_summaries
        self.check_in_use = check_in_use
        self.check_referrers = check_referrers
        self.check_replicas = check_replicas
        self.ignored_findings = ignored_findings
        self.timeout = timeout
        self.poll_interval = poll_interval

    def execute(self, context: Context) -> PolicyChangeXCom | ReadinessXCom:  # type: ignore[override]  # with check_only
        """Check every repository, and change the policies if all may be changed."""
        if switch(self.check_only, "check_only", False, protects=True):  # the default
            settings = self._settings_with(whole_policy=True, check_tags=False)
            return self._readiness(
                settings, "put", run_checks=[former_policies_would_be_kept(self.former_policies_path)]
            )
        return super().execute(context)

    def _plan(self, changer: PolicyChanger, earlier: EarlierChanges) -> list[PolicyChange]:
        summaries = self._summaries(summaries_of(self.summary))
        # A policy goes by what the tags are when it acts, and the fresh preview by what they are now.
        settings = self._settings_with(whole_policy=True, check_tags=False)
        policies = CandidatePolicies(self.lifecycle_policy_text, self.lifecycle_policies)
        wanted = {RepositoryId.of(each): policies.policy_of(each["repository_name"]) for each in summaries}
        if nameless := [str(repository) for repository, policy in wanted.items() if policy is None]:
            raise ValueError(
                f"No policy is given for {', '.join(nameless)}. Give the one that was previewed as lifecycle_policy_text, "
                "or under a name or glob in lifecycle_policies."
            )
        self._approval = self._bind(summaries, "put")
        collector = self._collector(policies, settings, self._approval)
        changes = []
        for evidence in collector.collect(summaries):
            decision = decide(evidence, settings)
            self._warn_of(decision)
            repository = decision.repository
            change = planned_change(
                changer, repository, wanted[repository], decision.checks, earlier=earlier.get(repository)
            )
            self.log.info("%s: %s.%s", change.repository, change.status, _blocking(change))
            changes.append(change)
        self._warn_of_stricter_rules(changes)
        return changes

    def _run_checks(self, *, dry_run: bool) -> list[CheckResult]:
        return [CheckResult.of("approval_given", approval_given(self._approval, "put", dry_run=dry_run))]


class EcrRestoreLifecyclePolicyOperator(PolicyChangeOperator):
    """Give repositories back the lifecycle policies that they had before ``EcrPutLifecyclePolicyOperator``.

    It undoes what the other task does, so it belongs in a DAG of its own that a person triggers, never downstream of that
    task. By default nothing is changed: ``dry_run`` says what would be. A repository whose policy was changed since blocks
    the task. Where there was no policy, the one that was put is removed. Only the policies that were replaced are given
    back: one that is stored and is another than the result of the other task says is refused. A repository that gets
    nothing back is ``unchanged``, with a message and a warning in the log. Images that ECR has deleted in the meantime are
    gone, and a policy that is given back deletes images as any other: a preview of it says how many.

    Calls GetLifecyclePolicy, unless ``preview_restored=False`` StartLifecyclePolicyPreview and GetLifecyclePolicyPreview,
    and, unless ``dry_run``, PutLifecyclePolicy and DeleteLifecyclePolicy (``ecr:`` IAM actions of the same names).

    .. code-block:: python

        restore = EcrRestoreLifecyclePolicyOperator(
            task_id="restore",
            applied="{{ params.applied }}",  # former_policies_path of the task that put the policies
            dry_run="{{ params.dry_run }}",
        )

    :param applied: the output of ``EcrPutLifecyclePolicyOperator``, by which what is stored is checked, or the URL of its
        ``former_policies_path``, whose last change of each repository is undone without that check. (templated)
    :param dry_run: whether nothing is changed. (templated)
    :param former_policies_path: where to write the policies that this task replaces, as in that operator. (templated)
    :param preview_restored: whether to preview what the policies that are given back would take. A preview that cannot be
        made is said, and does not block. (templated)
    :param on_blocked: ``fail`` or ``skip`` the task, or just ``report``, when a check blocks. A dry run only reports. (templated)
    :param timeout: how long to wait for all previews together, in seconds.
    :param poll_interval: time between two looks at a preview, in seconds.
    :param aws_conn_id: the Airflow connection used for AWS credentials. (templated)
    :param region_name: not used; each repository is in the Region that it was in. (templated)
    :param verify: whether, or with which certificates, TLS is verified. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.rollout.PolicyChangeXCom`.
    :raises CleanupBlockedError: if a policy is another one than was put, or cannot be read; nothing was changed.
    :raises CleanupIncompleteError: if a policy could not be changed, or the task was told to stop.
    :raises ValueError: if a parameter is not valid; nothing was asked or changed.
    """

    iam_actions: ClassVar[tuple[str, ...]] = IAM_ACTIONS["EcrRestoreLifecyclePolicyOperator"]
    template_fields: Sequence[str] = aws_template_fields(
        "applied", "dry_run", "former_policies_path", "on_blocked", "preview_restored"
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"applied": "json"}

    def __init__(
        self,
        *,
        applied: PolicyChangeXCom | Mapping[str, Any] | str,
        dry_run: bool | str | None = True,
        former_policies_path: str | None = None,
        preview_restored: bool | str | None = True,
        on_blocked: OnBlocked | str | None = "fail",
        timeout: float | timedelta | str | None = PREVIEWS_TIMEOUT,
        poll_interval: float | timedelta | str | None = POLL_INTERVAL,
        **kwargs: Any,
    ) -> None:
        super().__init__(dry_run=dry_run, former_policies_path=former_policies_path, on_blocked=on_blocked, **kwargs)
        self.applied = applied
        self.preview_restored = preview_restored
        self.timeout = timeout
        self.poll_interval = poll_interval

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
            planned_change(changer, each.repository, each.policy, replaced=each, earlier=earlier.get(each.repository))
            for each in back.former_policies
        ]
        if is_previewed:
            changes = previews.of(changes)
        for repository, why in back.nothing.items():
            self.log.warning("%s: %s", repository, why)
            changes.append(left_as_it_is(changer, repository, why))
        return changes


def _blocking(change: PolicyChange) -> str:
    return "".join(f" {check}" for check in change.checks if check.blocks)
