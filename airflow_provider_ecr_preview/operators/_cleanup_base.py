"""What the operators that change something have in common."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator

from airflow_provider_ecr_preview.aws.errors import CallSite, translated
from airflow_provider_ecr_preview.core import protection
from airflow_provider_ecr_preview.core.cleanup import settings as defaults
from airflow_provider_ecr_preview.core.cleanup.approval import Approval, ApprovedAction, approval_of
from airflow_provider_ecr_preview.core.cleanup.approval_questions import approval_given
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult, Decision, check_run, sentence
from airflow_provider_ecr_preview.core.cleanup.journal import EarlierAttempts
from airflow_provider_ecr_preview.core.cleanup.readiness import (
    ReadinessRowXCom,
    ReadinessXCom,
    RepositoryReadiness,
    readiness_xcom,
    rows_of,
)
from airflow_provider_ecr_preview.core.cleanup.replicas import replicates_deletions
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.stricter import stricter_warnings
from airflow_provider_ecr_preview.core.exceptions import CleanupIncompleteError
from airflow_provider_ecr_preview.core.in_use.scope import RequiredScope, required_scope_of
from airflow_provider_ecr_preview.core.lint.policy import PolicySource
from airflow_provider_ecr_preview.core.parameters.times import days, duration, seconds
from airflow_provider_ecr_preview.core.parameters.values import decoded, integer, limit, number, switch, text, texts
from airflow_provider_ecr_preview.core.policy.candidates import CandidatePolicies, PoliciesByGlob
from airflow_provider_ecr_preview.core.preview.stored import earlier_summaries_of
from airflow_provider_ecr_preview.core.protection import ImageProtection
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.change import PolicyChange
from airflow_provider_ecr_preview.core.selection import Names
from airflow_provider_ecr_preview.core.tag_patterns.patterns import tag_globs, tag_patterns
from airflow_provider_ecr_preview.core.xcom.approval import ApprovalXCom
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom
from airflow_provider_ecr_preview.display.readiness import readiness_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.engine.cleanup_evidence import (
    POLL_INTERVAL,
    TIMEOUT,
    EvidenceCollector,
    approved_lines,
    no_earlier_attempts,
)
from airflow_provider_ecr_preview.engine.pull_policies import PullPolicies
from airflow_provider_ecr_preview.engine.readiness import ReadinessChecker
from airflow_provider_ecr_preview.engine.replicas import ReplicaFinder
from airflow_provider_ecr_preview.hooks.ecr_cleanup import EcrImageCleanupHook
from airflow_provider_ecr_preview.reports.in_use import in_use_of
from airflow_provider_ecr_preview.reports.lists import line_list, listed_images
from airflow_provider_ecr_preview.templating.rendering import AwsParametersMixin, LiteralXComMixin

OnBlocked = Literal["fail", "skip", "report"]


CHECKED_TEMPLATE_FIELDS = (
    "approved",
    "check_in_use",
    "check_only",
    "check_referrers",
    "check_replicas",
    "dry_run",
    "ignored_findings",
    "in_use",
    "lifecycle_policies",
    "lifecycle_policy_text",
    "max_bytes",
    "max_images",
    "max_preview_age",
    "max_share",
    "min_age_days",
    "minimum_images_left",
    "newest_images_kept",
    "on_blocked",
    "previous_summaries",
    "protected_tag_patterns",
    "protected_tags",
    "recently_pulled_days",
    "required_agreeing_previews",
    "required_scope",
    "summary",
)
"""What a form may set of every operator that checks repositories."""


_SHOWN_BLOCKS = 5


_WIDTH = 160


_READS = ("Describe", "Get", "List")
"""How the names of operations begin that only read."""


class EcrCleanupOperator(LiteralXComMixin, AwsParametersMixin, AwsBaseOperator[EcrImageCleanupHook]):
    """Base of the operators that change images or policies, with a hook for each Region.

    :meta private:
    """

    aws_hook_class = EcrImageCleanupHook
    ui_color = "#f7c9c0"

    def on_kill(self) -> None:
        """End after the call that is under way."""
        self._stopping().set()

    def _stopping(self) -> threading.Event:
        """Return what is set when the task is to end; made when needed: Airflow copies tasks, and it cannot be copied."""
        stop: threading.Event = self.__dict__.setdefault("_stop", threading.Event())
        return stop

    def _hook_of(self, region_name: str) -> EcrImageCleanupHook:
        """Return the hook for a Region, the same every time."""
        hooks: dict[str, EcrImageCleanupHook] = self.__dict__.setdefault("_hooks", {})
        if region_name not in hooks:
            hooks[region_name] = self.aws_hook_class(**{**self._hook_parameters, "region_name": region_name})
        return hooks[region_name]

    def _summaries(self, summaries: list[PreviewSummaryXCom]) -> list[PreviewSummaryXCom]:
        """Return the summaries if they are of the Region that was named."""
        region_name = text(self.region_name, "region_name")
        for summary in summaries:
            if region_name not in (None, summary["region_name"]):
                raise ValueError(
                    f"The summary of {summary['repository_name']} is of {summary['region_name']}, region_name is "
                    f"{region_name}. Leave region_name out to use that of the summary."
                )
        return summaries


class EcrCheckedCleanupOperator(EcrCleanupOperator):
    """Base of the operators that check repositories before they change them; their own classes tell the parameters.

    :meta private:
    """

    approved: ApprovalXCom | Mapping[str, Any] | str | None
    in_use: Mapping[str, Any] | str | None
    required_scope: RequiredScope
    max_images: int | str | None
    max_share: float | str | None
    max_bytes: int | str | None
    minimum_images_left: int | str | None
    protected_tags: Names | None
    protected_tag_patterns: Names | None
    min_age_days: float | timedelta | str | None
    recently_pulled_days: float | timedelta | str | None
    newest_images_kept: int | str | None
    max_preview_age: timedelta | str | None
    required_agreeing_previews: int | str | None
    previous_summaries: Sequence[PreviewSummaryXCom] | Mapping[str, Any] | str | None
    check_in_use: bool | str | None
    check_referrers: bool | str | None
    check_replicas: bool | str | None
    ignored_findings: Names | None
    timeout: float | timedelta | str | None
    poll_interval: float | timedelta | str | None

    _is_scoped: bool
    """Whether a scope was given: None is then no default, which may ask for less."""
    summary: Any
    lifecycle_policy_text: PolicySource | None
    lifecycle_policies: PoliciesByGlob | None
    check_only: bool | str | None
    iam_actions: ClassVar[tuple[str, ...]]

    _is_bound: bool
    """Whether an approval was given: a template of one may leave nothing, which is no approval."""

    def _settings_with(self, **settings: Any) -> CleanupSettings:
        """Return how careful to be, with what is particular to the operator."""
        return CleanupSettings(
            protection=ImageProtection(
                protected_tags=tag_globs(self.protected_tags, "protected_tags", protection.PROTECTED_TAGS),
                protected_tag_patterns=tag_patterns(self.protected_tag_patterns, "protected_tag_patterns"),
                min_age_days=days(self.min_age_days, "min_age_days", protection.MIN_AGE_DAYS, protects=True),
                recently_pulled_days=days(
                    self.recently_pulled_days, "recently_pulled_days", protection.RECENTLY_PULLED_DAYS, protects=True
                ),
                newest_images_kept=integer(
                    self.newest_images_kept, "newest_images_kept", protection.NEWEST_IMAGES_KEPT, protects=True
                ),
            ),
            max_images=limit(self.max_images, "max_images", defaults.MAX_IMAGES, integer),
            max_share=limit(self.max_share, "max_share", defaults.MAX_SHARE, number, maximum=1),
            max_bytes=limit(self.max_bytes, "max_bytes", defaults.MAX_BYTES, integer),
            minimum_images_left=integer(
                self.minimum_images_left, "minimum_images_left", defaults.MINIMUM_IMAGES_LEFT, protects=True
            ),
            max_preview_age=limit(self.max_preview_age, "max_preview_age", defaults.MAX_PREVIEW_AGE, duration),
            required_agreeing_previews=integer(
                self.required_agreeing_previews,
                "required_agreeing_previews",
                defaults.REQUIRED_AGREEING_PREVIEWS,
                protects=True,
            ),
            check_in_use=switch(self.check_in_use, "check_in_use", True, protects=True),
            check_referrers=switch(self.check_referrers, "check_referrers", True, protects=True),
            check_replicas=switch(self.check_replicas, "check_replicas", True, protects=True),
            ignored_findings=texts(self.ignored_findings, "ignored_findings", protects=True),
            **settings,
        )

    def _bind(self, summaries: Sequence[PreviewSummaryXCom], action: ApprovedAction) -> Approval | None:
        """Return what a person has approved; None if no approval is given."""
        if not self._is_bound:
            return None
        return approval_of(self.approved, approved_lines).bound_to(summaries, listed_images, action)

    def _collector(
        self,
        policies: CandidatePolicies,
        settings: CleanupSettings,
        approval: Approval | None,
        earlier_of: Callable[[RepositoryId], EarlierAttempts] = no_earlier_attempts,
    ) -> EvidenceCollector:
        """Return what gathers all that is known about repositories.

        :param policies: the policies that were approved.
        :param settings: how careful to be.
        :param approval: what a person has approved; None if no approval is given.
        :param earlier_of: returns what earlier attempts at the same task did in a repository.
        """
        return EvidenceCollector(
            hook_of=self._hook_of,
            policies=policies,
            in_use_of=in_use_of(self.in_use, required_scope_of(self.required_scope, was_given=self._is_scoped)),
            replicas=ReplicaFinder(self._hook_of) if replicates_deletions(settings) else None,
            replica_in_use_of=in_use_of(self.in_use),
            pulls_of=PullPolicies(self._hook_of).grants_of if settings.check_in_use else lambda _: None,
            previous=earlier_summaries_of(() if self.previous_summaries is None else self.previous_summaries),
            timeout=seconds(self.timeout, "timeout", TIMEOUT),
            poll_interval=seconds(self.poll_interval, "poll_interval", POLL_INTERVAL),
            approval=approval,
            earlier_of=earlier_of,
        )

    def _readiness(
        self,
        settings: CleanupSettings,
        action: ApprovedAction,
        *,
        results_path: str | None = None,
        max_images: int | None = None,
        max_bytes: int | None = None,
        run_checks: Sequence[CheckResult] = (),
    ) -> ReadinessXCom:
        """Return what the checks say of every repository. Nothing is started, and nothing is changed.

        :param settings: how careful to be.
        :param action: what would be done.
        :param results_path: where to write what every check says of every repository.
        :param max_images: more images in all block the whole run; None for no limit.
        :param max_bytes: more bytes in all, as an upper bound, block it; None for no limit.
        :param run_checks: what further checks of the whole run say.
        """
        checked_at = datetime.now(UTC)
        targets = [*map(self._target, targets_of(self.summary))]
        summaries = self._summaries([summary for _, summary in targets if summary is not None])
        approval = self._bind(summaries, action)
        policies = CandidatePolicies(self.lifecycle_policy_text, self.lifecycle_policies)
        changing = [name for name in self.iam_actions if not name.partition(":")[2].startswith(_READS)]
        checker = ReadinessChecker(self._collector(policies, settings, approval), settings, changing)
        readiness: list[RepositoryReadiness] = []
        for repository, summary in targets:
            if self._stopping().is_set():
                raise CleanupIncompleteError(
                    f"The task was told to stop: {len(readiness)} of {len(targets)} repositories were checked."
                )
            readiness.append(checker.check(repository, summary))
        decisions = [each.decision for each in readiness]
        given = approval_given(approval, action, dry_run=False)
        of_run = check_run(decisions, max_images=max_images, max_bytes=max_bytes, approval=given)
        rows = rows_of(readiness, [*of_run, *run_checks])
        uri = self._write_rows(results_path, rows) if results_path else None
        value = readiness_xcom(readiness, rows, action=action, checked_at=checked_at, results_uri=uri)
        self.log.info("Checks only.\n%s", render(readiness_table(value, rows), width=_WIDTH))
        return value

    def _target(self, target: PreviewSummaryXCom | str) -> tuple[RepositoryId, PreviewSummaryXCom | None]:
        """Return the repository of a summary, or the one in the caller's own registry that has this name."""
        if not isinstance(target, str):
            return RepositoryId.of(target), target
        region_name = text(self.region_name, "region_name")
        with translated(CallSite("the account", None, region_name)):
            return RepositoryId(self.hook.account_id, region_name or self.hook.conn_region_name, target), None

    def _write_rows(self, path: str, rows: Iterable[ReadinessRowXCom]) -> str | None:
        try:
            with line_list(path) as lines:
                for row in rows:
                    lines.write(row)
        except Exception:  # whatever goes wrong on whatever storage, the log and the result have the report, too
            self.log.exception("The list of results cannot be written to %s.", path)
            return None
        return path

    def _warn_of(self, decision: Decision) -> None:
        """Log what a person should look at, though it blocks nothing."""
        for check in decision.checks:
            if check.verdict == "warned":
                self.log.warning("%s: %s", decision.repository, check)

    def _warn_of_stricter_rules(self, checked: Iterable[Decision | PolicyChange]) -> None:
        """Log which rules that are stricter than they were have an effect, and the way out."""
        for warning in stricter_warnings((each.repository, check) for each in checked for check in each.checks):
            self.log.warning("%s", warning)


def why_blocked(value: Mapping[str, Any]) -> str:
    """Return what the first of the blocking checks saw, and what lifts them.

    :param value: the result of an operator, with the checks of the whole run and of each repository.
    """
    named = [("the whole run", check) for check in value["checks"]]
    for repository in value["repositories"]:
        named += [(repository["repository_name"], check) for check in repository["checks"]]
    blocking = [
        f"{name}: {sentence(check['code'], check['verdict'], check['message'], check.get('remedy'))}"
        for name, check in named
        if check["verdict"] in ("blocked", "unknown")
    ]
    more = f" And {len(blocking) - _SHOWN_BLOCKS} more; the result has them." if len(blocking) > _SHOWN_BLOCKS else ""
    return " ".join(blocking[:_SHOWN_BLOCKS]) + more


def targets_of(value: Any, parameter: str = "summary") -> list[PreviewSummaryXCom | str]:
    """Return the summaries and the names of repositories that were given, to be checked only.

    :param value: as for :func:`summaries_of`, or names of repositories, or lists of these.
    :param parameter: name of the operator's parameter, for messages.
    :raises ValueError: if it is anything else, or names a repository twice.
    """
    if isinstance(value, str) and not value.lstrip().startswith(("{", "[{")):
        value = texts(value, parameter, protects=True)
    targets = [*_targets_in(decoded(value, parameter, protects=True), parameter)]
    keys = Counter(target if isinstance(target, str) else str(RepositoryId.of(target)) for target in targets)
    if twice := sorted(key for key, count in keys.items() if count > 1):
        raise ValueError(f"{parameter} names {', '.join(twice)} twice.")
    return targets


def _targets_in(value: Any, parameter: str) -> Iterator[PreviewSummaryXCom | str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from earlier_summaries_of(value, parameter)
    elif isinstance(value, Iterable):
        for item in value:
            yield from _targets_in(item, parameter)
    else:
        raise ValueError(f"{parameter} is {value!r}. Give summaries, or the names of repositories.")  # noqa: TRY004
