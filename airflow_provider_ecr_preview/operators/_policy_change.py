"""What the operators that apply and restore policies have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_ecr_preview.core.cleanup.approval import Approval
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult
from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError, CleanupIncompleteError
from airflow_provider_ecr_preview.core.parameters.values import choice, switch, text
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.change import PolicyChange, former_policies_of
from airflow_provider_ecr_preview.core.rollout.journal import EarlierChange
from airflow_provider_ecr_preview.core.rollout.result import former_policies_kept, policy_change_xcom
from airflow_provider_ecr_preview.core.xcom.rollout import PolicyChangeXCom
from airflow_provider_ecr_preview.display.rollout import policy_change_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.engine.planned_changes import with_doubt
from airflow_provider_ecr_preview.engine.policy_changer import PolicyChanger
from airflow_provider_ecr_preview.operators._cleanup_base import EcrCleanupOperator, OnBlocked, why_blocked
from airflow_provider_ecr_preview.operators._journal import task_run_id
from airflow_provider_ecr_preview.operators._policy_journal import PolicyJournal
from airflow_provider_ecr_preview.operators._publish import mark_change, push_before_failure
from airflow_provider_ecr_preview.reports.former_policies import keep_former_policies
from airflow_provider_ecr_preview.templating.types import Templated

if TYPE_CHECKING:
    from airflow.sdk import Context


EarlierChanges = Mapping[RepositoryId, EarlierChange]


class PolicyChangeOperator(EcrCleanupOperator):
    """Base of the operators that change policies: all repositories are checked before the first is changed.

    :meta private:
    """

    def __init__(
        self,
        *,
        dry_run: Templated[bool] | None = True,
        former_policies_path: Templated[str] | None = None,
        on_blocked: Templated[OnBlocked] | None = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dry_run = dry_run  # type: ignore[method-assign,assignment]  # Airflow's own logs templates; nothing calls it
        self.former_policies_path = former_policies_path
        self.on_blocked = on_blocked

    _approval: Approval | None = None
    _kind: Literal["put", "restore"] = "put"

    def _plan(self, changer: PolicyChanger, earlier: EarlierChanges) -> list[PolicyChange]:
        """Return the change of every repository.

        :param changer: reads the applied policies.
        :param earlier: what earlier attempts of this task have replaced, by repository.
        """
        raise NotImplementedError

    def _run_checks(self, *, dry_run: bool) -> list[CheckResult]:
        """Return the checks of the whole run that only some operators have."""
        del dry_run
        return []

    def execute(self, context: Context) -> PolicyChangeXCom:
        """Check every repository, and change the policies if no check blocks."""
        self._read_outage_timeout()
        dry_run = switch(self.dry_run, "dry_run", True, protects=True)
        on_blocked: OnBlocked = choice(self.on_blocked, "on_blocked", get_args(OnBlocked), "fail")
        path = self._former_policies_path = text(self.former_policies_path, "former_policies_path")
        self._started_at = datetime.now(UTC)
        self._message: str | None = None
        changer = PolicyChanger(self._hook_of, self._stopping().wait)
        journal = None if dry_run else PolicyJournal(context, task_run_id(self, context), path)
        changes = self._plan(changer, journal.earlier if journal else {})
        if journal is not None and journal.is_blind:
            changes = list(map(with_doubt, changes))
        run_checks = [former_policies_kept(changes, path), *self._run_checks(dry_run=dry_run)]
        blocked = any(change.status == "blocked" for change in changes) or any(check.blocks for check in run_checks)
        if journal is not None and not blocked:
            self._keep(changes, journal)
            planned = self._result(changes, run_checks, journal)
            push_before_failure(context, self, planned)
            mark_change(context, self, planned)
            changes = self._change(context, changer, changes, run_checks, journal)
            self._keep_what_was_put(changes, journal)
            journal.end(changes)
        value = self._result(changes, run_checks, journal)
        self.log.info("%s\n%s", "Dry run: nothing was changed." if dry_run else "", render(policy_change_table(value)))
        mark_change(context, self, value)
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
                # A killed task leaves no other result than this one, which says how far it got.
                about = replace(change, status="unknown", is_put=True)
                so_far = [*done, about, *changes[len(done) + 1 :]]
                push_before_failure(context, self, self._result(so_far, run_checks, journal))
                change = journal.written(change) or changer.change(change)  # noqa: PLW2901
                journal.write_outcome(change)
            done.append(change)
            self.log.info("%s: %s (%d of %d).", change.repository, done[-1].status, len(done), len(changes))
            if done[-1].error is not None:
                break
        return [*done, *changes[len(done) :]]

    def _keep(self, changes: Sequence[PolicyChange], journal: PolicyJournal) -> None:
        """Write the former policies of the changes to the file, in place of what an earlier attempt wrote there."""
        if self._former_policies_path:
            formers = former_policies_of(changes, journal.change_id, self._started_at)
            keep_former_policies(self._former_policies_path, formers, journal.change_id)

    def _keep_what_was_put(self, changes: Sequence[PolicyChange], journal: PolicyJournal) -> None:
        """Remove the repositories from the file whose policy was not replaced after all, so that none is restored there."""
        try:
            self._keep([change for change in changes if change.is_put], journal)
        except Exception:  # storage fails in many ways, and the file still holds what was planned
            self.log.exception("The file of former policies at %s cannot be updated.", self._former_policies_path)

    def _result(
        self, changes: Sequence[PolicyChange], run_checks: Sequence[CheckResult], journal: PolicyJournal | None
    ) -> PolicyChangeXCom:
        return policy_change_xcom(
            changes,
            dry_run=journal is None,
            run_checks=run_checks,
            started_at=self._started_at,
            finished_at=datetime.now(UTC),
            former_policies_uri=None if journal is None else self._former_policies_path,
            approval=self._approval,
            change_id=None if journal is None else journal.change_id,
            message=self._message,
            kind=self._kind,
        )

    def _end(self, context: Context, value: PolicyChangeXCom, on_blocked: OnBlocked) -> None:
        """Push the result and raise, if the change is blocked or incomplete."""
        if value["status"] == "incomplete":
            push_before_failure(context, self, value)
            raise CleanupIncompleteError(
                f"Policies changed: {value['changed_repository_count']} of {value['repository_count']}; not reached: "
                f"{value['statuses'].get('planned', 0)}. {_why_incomplete(value)}"
            )
        if value["status"] == "blocked" and on_blocked != "report":
            push_before_failure(context, self, value)
            message = f"Nothing was changed. {why_blocked(value)}"
            if on_blocked == "skip":
                raise AirflowSkipException(message)
            raise CleanupBlockedError(message)


def _why_incomplete(value: PolicyChangeXCom) -> str:
    errors = [str(repository["message"]) for repository in value["repositories"] if repository["error"]]
    return " ".join(errors) or "The task was stopped."
