"""What the operators that check repositories before they change them have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from airflow_provider_ecr_preview.aws.errors import CallSite, translated
from airflow_provider_ecr_preview.core.cleanup.approval import Approval, ApprovedAction, approval_of
from airflow_provider_ecr_preview.core.cleanup.approval_checks import approval_given
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult, Decision, check_run
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
from airflow_provider_ecr_preview.core.cleanup.stricter_checks import stricter_warnings
from airflow_provider_ecr_preview.core.exceptions import CleanupIncompleteError
from airflow_provider_ecr_preview.core.in_use.scope import required_scope_of
from airflow_provider_ecr_preview.core.parameters.times import seconds
from airflow_provider_ecr_preview.core.parameters.values import text
from airflow_provider_ecr_preview.core.policy.candidates import CandidatePolicies
from airflow_provider_ecr_preview.core.preview.stored import earlier_summaries_of
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.change import PolicyChange
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
from airflow_provider_ecr_preview.operators._check_parameters import CheckParameters
from airflow_provider_ecr_preview.operators._cleanup_base import EcrCleanupOperator
from airflow_provider_ecr_preview.operators._targets import targets_of
from airflow_provider_ecr_preview.reports.in_use import in_use_of
from airflow_provider_ecr_preview.reports.lists import line_list, listed_images

_WIDTH = 160


_READING_OPERATIONS = ("Describe", "Get", "List")
"""How the names of operations begin that change nothing."""


class EcrCheckedCleanupOperator(EcrCleanupOperator):
    """Base of the operators that check repositories before they change them.

    :meta private:
    """

    iam_actions: ClassVar[tuple[str, ...]]
    summary: Any

    _is_bound: bool
    """Whether the DAG gives an approval: a template that renders to nothing is not an approval."""

    _is_scoped: bool
    """Whether the DAG gives a scope: a template that renders to nothing must not narrow it to the default."""

    def _keep_checks(self, given: Mapping[str, Any]) -> None:
        """Set the parameters of the checks as attributes.

        :param given: the values by name; names of other parameters are ignored.
        """
        CheckParameters.keep(self, given)
        self._is_bound = given["approved"] is not None
        self._is_scoped = given["required_scope"] is not None

    def _candidates(self) -> CandidatePolicies:
        """Return the policies that were previewed."""
        checks = CheckParameters.of(self)
        return CandidatePolicies(checks.lifecycle_policy_text, checks.lifecycle_policies)

    def _bind(self, summaries: Sequence[PreviewSummaryXCom], action: ApprovedAction) -> Approval | None:
        """Return what a person approved, or None if the DAG gives no approval."""
        if not self._is_bound:
            return None
        return approval_of(CheckParameters.of(self).approved, approved_lines).bound_to(summaries, listed_images, action)

    def _collector(
        self,
        policies: CandidatePolicies,
        settings: CleanupSettings,
        approval: Approval | None,
        earlier_of: Callable[[RepositoryId], EarlierAttempts] = no_earlier_attempts,
        *,
        reads_policies: bool = False,
    ) -> EvidenceCollector:
        """Return the object that reads all that the checks have to know about repositories.

        :param policies: the previewed policies.
        :param settings: how careful to be.
        :param approval: what a person approved; None without an approval.
        :param earlier_of: returns what earlier attempts of this task did in a repository.
        :param reads_policies: whether the result shows the policies, next to those that are applied.
        """
        checks = CheckParameters.of(self)
        required_scope = required_scope_of(checks.required_scope, was_given=self._is_scoped)
        return EvidenceCollector(
            hook_of=self._hook_of,
            policies=policies,
            in_use_of=in_use_of(checks.in_use, required_scope),
            replicas=ReplicaFinder(self._hook_of) if replicates_deletions(settings) else None,
            replica_in_use_of=in_use_of(checks.in_use),
            pulls_of=PullPolicies(self._hook_of).grants_of if settings.check_in_use else lambda _: None,
            previous=earlier_summaries_of(() if checks.previous_summaries is None else checks.previous_summaries),
            timeout=seconds(checks.timeout, "timeout", TIMEOUT),
            poll_interval=seconds(checks.poll_interval, "poll_interval", POLL_INTERVAL),
            approval=approval,
            earlier_of=earlier_of,
            reads_policies=reads_policies,
        )

    def _readiness(
        self,
        settings: CleanupSettings,
        action: ApprovedAction,
        results_path: str | None = None,
        *,
        max_images: int | None = None,
        max_bytes: int | None = None,
        run_checks: Sequence[CheckResult] = (),
    ) -> ReadinessXCom:
        """Return the results of the checks for every repository, without starting or changing anything.

        :param settings: how careful to be.
        :param action: what the task would do.
        :param results_path: where to write the result of each check for each repository.
        :param max_images: block the whole run if more images than this are affected; None for no limit.
        :param max_bytes: block the whole run if more bytes than this are affected, as an upper bound; None for no limit.
        :param run_checks: results of further checks of the whole run.
        """
        checked_at = datetime.now(UTC)
        targets = [*map(self._target, targets_of(self.summary))]
        summaries = self._of_named_region([summary for _, summary in targets if summary is not None])
        approval = self._bind(summaries, action)
        changing = [name for name in self.iam_actions if not name.partition(":")[2].startswith(_READING_OPERATIONS)]
        checker = ReadinessChecker(self._collector(self._candidates(), settings, approval), settings, changing)
        readiness: list[RepositoryReadiness] = []
        for repository, summary in targets:
            if self._stopping().is_set():
                raise CleanupIncompleteError(
                    f"The task was stopped after it had checked {len(readiness)} of {len(targets)} repositories."
                )
            readiness.append(checker.check(repository, summary))
        decisions = [checked.decision for checked in readiness]
        given = approval_given(approval, action, dry_run=False)
        of_run = check_run(decisions, max_images=max_images, max_bytes=max_bytes, approval=given)
        rows = rows_of(readiness, [*of_run, *run_checks])
        uri = self._write_rows(results_path, rows) if results_path else None
        value = readiness_xcom(readiness, rows, action=action, checked_at=checked_at, results_uri=uri)
        self.log.info("Checks only.\n%s", render(readiness_table(value, rows), width=_WIDTH))
        return value

    def _target(self, target: PreviewSummaryXCom | str) -> tuple[RepositoryId, PreviewSummaryXCom | None]:
        """Return the repository of a summary, or the repository of this name in the caller's own registry."""
        if not isinstance(target, str):
            return RepositoryId.of(target), target
        region_name = text(self.region_name, "region_name")
        with translated(CallSite("the account", None, region_name)):
            return RepositoryId(self.hook.account_id, region_name or self.hook.conn_region_name, target), None

    def _write_rows(self, path: str, rows: Iterable[ReadinessRowXCom]) -> str | None:
        try:
            with line_list(path, dag_id=self.dag_id) as lines:
                for row in rows:
                    lines.write(row)
        except Exception:  # storage fails in many ways, and the log and the result have the report as well
            self.log.exception("The list of results cannot be written to %s.", path)
            return None
        return path

    def _log_warned_checks(self, decision: Decision) -> None:
        """Log what a person should look at although it blocks nothing."""
        for check in decision.checks:
            if check.verdict == "warned":
                self.log.warning("%s: %s", decision.repository, check)

    def _log_stricter_rules(self, checked: Iterable[Decision | PolicyChange]) -> None:
        """Log which rules had an effect that earlier releases did not have, and how to turn each off."""
        results = ((decided.repository, check) for decided in checked for check in decided.checks)
        for warning in stricter_warnings(results):
            self.log.warning("%s", warning)
