"""Run one attempt at an audit, and add its outcomes to those of earlier attempts."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_ecr_preview.core.audit.acknowledgements import Acknowledgements
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome, StartedPreview
from airflow_provider_ecr_preview.core.audit.outcome_log import AttemptBegun
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.engine.fleet.run import PreviewFleet, PreviewTarget

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.audit.outcome_log import Entry, OutcomeLog
    from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovered:
    """The state that earlier attempts left behind.

    :param done_count: number of repositories that an earlier attempt finished.
    :param started_count: number of previews that it started but did not read.
    """

    done_count: int
    started_count: int


class AuditAttempt:
    """One attempt at an audit of many repositories, which another attempt can continue.

    :param policies: the repositories, each with the policy to preview; None for the applied one.
    :param fleet: previews the repositories.
    :param audit: the totals, which each outcome is added to.
    :param outcome_log: keeps the outcomes; None if there is nowhere to keep them.
    :param acknowledgements: the findings that are acknowledged; the log keeps outcomes without them, because a later
        attempt may have others.
    """

    def __init__(
        self,
        policies: Mapping[str, LifecyclePolicy | None],
        fleet: PreviewFleet,
        audit: Audit,
        outcome_log: OutcomeLog | None = None,
        acknowledgements: Acknowledgements | None = None,
    ) -> None:
        self.audit = audit
        self._policies = policies
        self._fleet = replace(fleet, on_started=self._keep)
        self._log = outcome_log
        self._acknowledgements = acknowledgements or Acknowledgements()
        self._done: set[str] = set()
        self._started: dict[str, StartedPreview] = {}
        self._registry_id = fleet.registry_id
        self._nameless: list[RepositoryOutcome] = []

    @property
    def done_count(self) -> int:
        """Number of repositories whose outcome is known."""
        return len(self._done)

    @property
    def not_started(self) -> list[str]:
        """The repositories that no work has started on."""
        return [name for name in self._policies if name not in self._done and name not in self._started]

    @property
    def started(self) -> list[str]:
        """The repositories whose preview was started but not read, the latest start last."""
        return [
            preview.repository_name
            for preview in sorted(self._started.values(), key=lambda preview: preview.started_at)
        ]

    def recover(self, since: datetime, run_id: str = "", clearing: str = "") -> Recovered:
        """Restore what earlier attempts at the same audit did.

        A repository that failed is audited again. So is one whose policy has changed and, after the task was cleared,
        one that had no policy.

        :param since: results from before this time are not reused.
        :param run_id: the run of this attempt; the results of any other run are discarded.
        :param clearing: distinguishes one clearing of the run's task from another.
        """
        if self._log is None:
            return Recovered(0, 0)
        earlier = self._log.last_attempt()
        if earlier is not None and earlier.run_id != run_id:
            self._log.clear()
            earlier = None
        is_cleared = earlier is not None and earlier.clearing != clearing
        for entry in self._log.read():
            self._started.pop(entry.repository_name, None)
            self._done.discard(entry.repository_name)
            if not self._is_of_this_audit(entry, since):
                continue
            if isinstance(entry, StartedPreview):
                self._started[entry.repository_name] = entry
            elif entry.status == "previewed" or (entry.status == "without_policy" and not is_cleared):
                self._done.add(entry.repository_name)
        if earlier is None or is_cleared:
            self._log.append(AttemptBegun(self.audit.audited_at.timestamp(), run_id, clearing))
            self._log.flush()
        for outcome in self._logged():
            if outcome.repository_name in self._done:
                self._count(outcome)
        return Recovered(len(self._done), len(self._started))

    def start(self, max_in_flight: int) -> None:
        """Start previews of further repositories without waiting for any.

        :param max_in_flight: number of previews that may be started but not yet read.
        """
        names = self.not_started[: max(max_in_flight - len(self._started), 0)]
        try:
            _, ended = self._fleet.start_all(self._targets(names))
            for outcome in ended:
                self._finish(outcome)
        finally:
            self._flush()

    def collect(self, *, start_others: bool) -> None:
        """Wait for the started previews and read them.

        :param start_others: whether to start the previews of the other repositories, too.
        """
        names = [name for name in self._policies if name in self._started or start_others]
        started = dict(self._started)
        done = frozenset(self._done)
        try:
            for outcome in self._fleet.audit(self._targets(names), started=started.values(), done=done):
                self._finish(outcome)
            if start_others:
                self._name_registry()
        finally:
            self._flush()

    def outcomes(self) -> Iterator[RepositoryOutcome]:
        """Yield the outcome of each repository, from the log, with its acknowledged findings marked."""
        yield from map(self._acknowledgements.applied_to, self._logged())

    def _logged(self) -> Iterator[RepositoryOutcome]:
        if self._log is not None:
            yield from (outcome for outcome in self._log.outcomes() if outcome.repository_name in self._policies)

    def forget(self) -> None:
        """Discard the stored results: the audit is complete, and the next one starts from scratch."""
        if self._log is not None:
            self._log.clear()

    def _is_of_this_audit(self, entry: Entry, since: datetime) -> bool:
        if entry.repository_name not in self._policies:
            return False
        policy = self._policies[entry.repository_name]
        if isinstance(entry, StartedPreview):
            is_recent, fingerprint = entry.started_at >= since.timestamp(), entry.policy_fingerprint
        elif entry.summary is None:
            return policy is None or entry.status == "failed"
        else:
            is_recent = datetime.fromisoformat(entry.summary["previewed_at"]) >= since
            fingerprint = entry.summary["policy_fingerprint"]
        return is_recent and (policy is None or policy.fingerprint == fingerprint)

    def _targets(self, names: Iterable[str]) -> Iterator[PreviewTarget]:
        return (PreviewTarget(name, self._policies[name]) for name in names)

    def _keep(self, started: StartedPreview) -> None:
        self._started[started.repository_name] = started
        if self._log is not None:
            self._log.append(started)

    def _finish(self, outcome: RepositoryOutcome) -> None:
        self._started.pop(outcome.repository_name, None)
        self._done.add(outcome.repository_name)
        if self._log is not None:
            self._log.append(outcome)
        self._count(outcome)

    def _count(self, outcome: RepositoryOutcome) -> None:
        """Count an outcome, or hold it back until its registry is known."""
        self._registry_id = self._registry_id or outcome.registry_id
        if outcome.registry_id is None:
            self._nameless.append(outcome)
        else:
            self.audit.add(self._acknowledgements.applied_to(outcome))

    def _name_registry(self) -> None:
        """Count the outcomes held back until the registry was known: failures, and repositories without a policy."""
        for outcome in self._nameless:
            named = replace(outcome, registry_id=self._registry_id)
            self.audit.add(self._acknowledgements.applied_to(named))
            if self._log is not None and named != outcome:
                self._log.append(named)
        self._nameless = []

    def _flush(self) -> None:
        if self._log is not None:
            self._log.flush()
