"""The operators that apply lifecycle policies: exactly what was previewed, and what was there before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_ecr_preview import cleanup_settings as defaults
from airflow_provider_ecr_preview import protection
from airflow_provider_ecr_preview.candidate_policies import CandidatePolicies, PoliciesByGlob
from airflow_provider_ecr_preview.cleanup_checks import CheckResult, decide
from airflow_provider_ecr_preview.cleanup_inputs import summaries_of
from airflow_provider_ecr_preview.cleanup_questions import Answer
from airflow_provider_ecr_preview.core.cleanup.approval import Approval, ApprovalXCom
from airflow_provider_ecr_preview.core.cleanup.approval_questions import approval_given
from airflow_provider_ecr_preview.core.cleanup.journal import REPLY_LOST
from airflow_provider_ecr_preview.core.cleanup.readiness import ReadinessXCom
from airflow_provider_ecr_preview.core.cleanup.remedies import lifting
from airflow_provider_ecr_preview.core.in_use.scope import RequiredScope
from airflow_provider_ecr_preview.core.parameter_times import seconds
from airflow_provider_ecr_preview.core.parameters import choice, switch, text, written_limit
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.former import FormerPolicy, fingerprint_of
from airflow_provider_ecr_preview.core.rollout.journal import EarlierChange
from airflow_provider_ecr_preview.engine.restored_previews import TIMEOUT as PREVIEWS_TIMEOUT
from airflow_provider_ecr_preview.engine.restored_previews import RestoredPreviews
from airflow_provider_ecr_preview.exceptions import CleanupBlockedError, CleanupIncompleteError, RepositoryError
from airflow_provider_ecr_preview.former_policies import (
    keep_former_policies,
    read_former_policies,
)
from airflow_provider_ecr_preview.hooks.ecr_cleanup_evidence import POLL_INTERVAL, TIMEOUT
from airflow_provider_ecr_preview.hooks.policy_changer import PolicyChanger
from airflow_provider_ecr_preview.iam import IAM_ACTIONS
from airflow_provider_ecr_preview.operators._policy_journal import PolicyJournal
from airflow_provider_ecr_preview.operators.ecr_cleanup_base import (
    CHECKED_TEMPLATE_FIELDS,
    EcrCheckedCleanupOperator,
    EcrCleanupOperator,
    OnBlocked,
    why_blocked,
)
from airflow_provider_ecr_preview.operators.failed_result import push_before_failure
from airflow_provider_ecr_preview.policy import LifecyclePolicy, PolicySource
from airflow_provider_ecr_preview.policy_change import (
    PolicyChange,
    PolicyChangeXCom,
    former_policies_kept,
    former_policies_of,
    former_policies_would_be_kept,
    policy_change_xcom,
    same_policy,
)
from airflow_provider_ecr_preview.policy_change_table import policy_change_table
from airflow_provider_ecr_preview.repository_selection import Names
from airflow_provider_ecr_preview.tables import render

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from airflow_provider_ecr_preview.xcom import PreviewSummaryXCom

EarlierChanges = Mapping[RepositoryId, EarlierChange]


class _PolicyChangeOperator(EcrCleanupOperator):
    """Base of the operators that change policies: all repositories are checked before the first is changed."""

    def __init__(
        self,
        *,
        dry_run: bool | str | None = True,
        former_policies_path: str | None = None,
        on_blocked: OnBlocked | str | None = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dry_run = dry_run  # type: ignore[method-assign,assignment]  # Airflow's own logs templates; nothing calls it
        self.former_policies_path = former_policies_path
        self.on_blocked = on_blocked

    _approval: Approval | None = None

    def _plan(self, changer: PolicyChanger, earlier: EarlierChanges) -> list[PolicyChange]:
        """Return the change of every repository.

        :param changer: reads the applied policies.
        :param earlier: what earlier attempts of this task have replaced, by repository.
        """
        raise NotImplementedError

    def _run_checks(self, *, dry_run: bool) -> list[CheckResult]:
        """Return what the checks of the whole run say that only some operators have."""
        del dry_run
        return []

    def execute(self, context: Context) -> PolicyChangeXCom:
        """Check every repository, and change the policies if all may be changed."""
        dry_run = switch(self.dry_run, "dry_run", True, protects=True)
        on_blocked: OnBlocked = choice(self.on_blocked, "on_blocked", get_args(OnBlocked), "fail")
        self.former_policies_path = text(self.former_policies_path, "former_policies_path")
        self._started_at = datetime.now(UTC)
        self._change_id = _change_id(self, context)
        self._message: str | None = None
        changer = PolicyChanger(self._hook_of, self._stopping().wait)
        journal = None if dry_run else PolicyJournal(context, self._change_id, self.former_policies_path)
        changes = self._plan(changer, journal.earlier if journal else {})
        run_checks = [former_policies_kept(changes, self.former_policies_path), *self._run_checks(dry_run=dry_run)]
        blocked = any(change.status == "blocked" for change in changes) or any(check.blocks for check in run_checks)
        self._formers = former_policies_of(changes, self._change_id, self._started_at)
        if not blocked and journal:
            if self.former_policies_path:
                keep_former_policies(self.former_policies_path, self._formers, self._change_id)
            push_before_failure(context, self, self._result(changes, run_checks, dry_run=False))
            changes = self._change(context, changer, changes, run_checks, journal)
            self._keep_what_was_put(changes)
            journal.end(changes)
        value = self._result(changes, run_checks, dry_run=dry_run)
        self.log.info("%s\n%s", "Dry run; nothing was changed." if dry_run else "", render(policy_change_table(value)))
        if not dry_run:
            self._end(context, value, on_blocked)
        return value

    def _change(
        self,
        context: Context,
        changer: PolicyChanger,
        changes: Sequence[PolicyChange],
        run_checks: Sequence[CheckResult],
        journal: PolicyJournal,
    ) -> list[PolicyChange]:
        """Change one repository after the other, and stop at the first failure."""
        done: list[PolicyChange] = []
        for change in changes:
            if self._stopping().is_set():
                break
            if change.status == "planned":
                # A task that is killed leaves no result but this one, which says how far it came.
                about = replace(change, status="unknown", is_put=True)
                so_far = [*done, about, *changes[len(done) + 1 :]]
                push_before_failure(context, self, self._result(so_far, run_checks, dry_run=False))
                change = journal.written(change) or changer.change(change)  # noqa: PLW2901
                journal.write_outcome(change)
            done.append(change)
            self.log.info("%s: %s (%d of %d).", change.repository, done[-1].status, len(done), len(changes))
            if done[-1].error is not None:
                break
        return [*done, *changes[len(done) :]]

    def _keep_what_was_put(self, changes: Sequence[PolicyChange]) -> None:
        """Forget what was not replaced after all, because nothing is to be given back there."""
        put = former_policies_of((change for change in changes if change.is_put), self._change_id, self._started_at)
        if not self.former_policies_path:
            self._formers = put
            return
        try:
            keep_former_policies(self.former_policies_path, put, self._change_id)
        except Exception:  # whatever goes wrong on whatever storage: what was planned is still there
            self.log.exception("%s cannot be written again.", self.former_policies_path)
        else:
            self._formers = put

    def _result(
        self, changes: Sequence[PolicyChange], run_checks: Sequence[CheckResult], *, dry_run: bool
    ) -> PolicyChangeXCom:
        is_kept = self.former_policies_path and not dry_run
        return policy_change_xcom(
            changes,
            dry_run=dry_run,
            run_checks=run_checks,
            started_at=self._started_at,
            finished_at=datetime.now(UTC),
            former_policies_uri=self.former_policies_path if is_kept else None,
            approval=self._approval,
            former_policies=self._formers,
            change_id=self._change_id,
            message=self._message,
        )

    def _end(self, context: Context, value: PolicyChangeXCom, on_blocked: OnBlocked) -> None:
        """Raise if the policies were not changed as it was meant, after the result is pushed."""
        if value["status"] == "incomplete":
            push_before_failure(context, self, value)
            raise CleanupIncompleteError(
                f"{value['changed_repository_count']} of {value['repository_count']} policies were changed, "
                f"{value['statuses'].get('planned', 0)} were not come to: {_why_incomplete(value)}"
            )
        if value["status"] == "blocked" and on_blocked != "report":
            push_before_failure(context, self, value)
            message = f"Nothing was changed. {why_blocked(value)}"
            if on_blocked == "skip":
                raise AirflowSkipException(message)
            raise CleanupBlockedError(message)


class EcrPutLifecyclePolicyOperator(EcrCheckedCleanupOperator, _PolicyChangeOperator):
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
    :return: :class:`~airflow_provider_ecr_preview.policy_change.PolicyChangeXCom`, which holds the former policies;
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
            change = _planned(changer, repository, wanted[repository], decision.checks, earlier=earlier.get(repository))
            self.log.info("%s: %s.%s", change.repository, change.status, _blocking(change))
            changes.append(change)
        self._warn_of_stricter_rules(changes)
        return changes

    def _run_checks(self, *, dry_run: bool) -> list[CheckResult]:
        return [CheckResult.of("approval_given", approval_given(self._approval, "put", dry_run=dry_run))]


class EcrRestoreLifecyclePolicyOperator(_PolicyChangeOperator):
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
    :return: :class:`~airflow_provider_ecr_preview.policy_change.PolicyChangeXCom`.
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
            _planned(changer, each.repository, each.policy, (), replaced=each, earlier=earlier.get(each.repository))
            for each in back.former_policies
        ]
        if is_previewed:
            changes = previews.of(changes)
        for repository, why in back.nothing.items():
            self.log.warning("%s: %s", repository, why)
            changes.append(_left_as_it_is(changer, repository, why))
        return changes


def _planned(
    changer: PolicyChanger,
    repository: RepositoryId,
    wanted: LifecyclePolicy | None,
    checks: tuple[CheckResult, ...],
    *,
    replaced: FormerPolicy | None = None,
    earlier: EarlierChange | None = None,
) -> PolicyChange:
    """Return the change of one repository, blocked if a check forbids it.

    :param changer: reads the applied policy.
    :param repository: the repository.
    :param wanted: the policy that it is to have.
    :param checks: what the checks before this one say.
    :param replaced: what is given back; without, any policy may be replaced.
    :param earlier: what an earlier attempt of this task has replaced.
    """
    former = None
    try:
        former = changer.applied(repository)
        answer = Answer("passed", f"The applied policy is {_short(former)}.")
        of_replaced = (replaced.replaced_by, fingerprint_of(wanted)) if replaced else None
        of_earlier = (earlier.former.replaced_by, earlier.former.fingerprint) if earlier else None
        if any(known and fingerprint_of(former) not in known for known in (of_replaced, of_earlier)):
            answer = Answer(
                "blocked", f"The applied policy is {_short(former)}, not the one that was put: it was changed since."
            )
    except RepositoryError as error:
        answer = Answer("unknown", f"The applied policy cannot be read: {error}", remedy=lifting(error))
    change = PolicyChange(repository, wanted, former, (*checks, CheckResult.of("applied_policy", answer)))
    if any(check.blocks for check in change.checks):
        return replace(change, status="blocked")
    if earlier is not None and earlier.former.replaced_by == fingerprint_of(former):
        change = replace(change, earlier=earlier.former)
    if change.is_needed:
        return change
    if same_policy(change.given_back, wanted):
        return replace(change, status="unchanged")
    reason = None if earlier is None or earlier.is_confirmed else REPLY_LOST
    note = "An earlier attempt of this task put the policy."
    return replace(change, status="changed", is_put=True, reason=reason, note=note)


def _left_as_it_is(changer: PolicyChanger, repository: RepositoryId, why: str) -> PolicyChange:
    """Return what becomes of a repository that gets nothing back."""
    try:
        applied = changer.applied(repository)
    except RepositoryError:
        applied = None  # it is not changed, so nothing depends on it
    return PolicyChange(repository, applied, applied, status="unchanged", note=why)


def _change_id(operator: BaseOperator, context: Context) -> str:
    """Return which run of which task this is, the same for every attempt."""
    ti = context["ti"]
    run_id, map_index = context.get("run_id") or getattr(ti, "run_id", None), getattr(ti, "map_index", None)
    parts = [operator.dag_id, run_id if isinstance(run_id, str) else "", operator.task_id]
    return " ".join([*parts, str(map_index if isinstance(map_index, int) else -1)])


def _short(policy: LifecyclePolicy | None) -> str:
    return "none" if policy is None else policy.fingerprint[:12]


def _blocking(change: PolicyChange) -> str:
    return "".join(f" {check}" for check in change.checks if check.blocks)


def _why_incomplete(value: PolicyChangeXCom) -> str:
    errors = [str(repository["message"]) for repository in value["repositories"] if repository["error"]]
    return " ".join(errors) or "the task was told to stop."
