"""The journal of one change of policies: what its attempts were about to replace, and replaced."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError, JournalUnwritableError
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.change import PolicyChange, former_policies_of
from airflow_provider_ecr_preview.core.rollout.journal import (
    EarlierChange,
    earlier_changes,
    intent_entry,
    outcome_entry,
)
from airflow_provider_ecr_preview.operators._journal import journal_of
from airflow_provider_ecr_preview.reports.former_policies import kept_former_policies

if TYPE_CHECKING:
    from airflow.sdk import Context


log = logging.getLogger(__name__)


_ID_CHARACTERS = 16


class PolicyJournal:
    """The record of which policies each attempt of one change planned to replace, and which it replaced.

    :param context: the task's context.
    :param change_id: id of the task run that makes the change.
    :param former_policies_path: where the former policies are kept; None if only in the result.
    :raises CleanupBlockedError: if the record of earlier attempts cannot be read.
    :raises ValueError: if the file of the former policies holds something else.
    """

    def __init__(self, context: Context, change_id: str, former_policies_path: str | None) -> None:
        self.change_id = change_id
        """The id of this change among those in the file."""
        name = f"policies-{hashlib.sha256(change_id.encode()).hexdigest()[:_ID_CHARACTERS]}"
        self._journal = journal_of(context, former_policies_path, name, "former_policies_path")
        kept = kept_former_policies(former_policies_path) if former_policies_path else []
        try:
            earlier = earlier_changes(self._journal.read())
        except Exception as error:  # storage fails in many ways
            raise CleanupBlockedError(
                f"The record of earlier attempts of this task cannot be read from {self._journal.place} "
                f"({type(error).__name__}: {error}). Nothing was changed. Give the worker access to it, and run the task "
                "again."
            ) from error
        # When everything is done, the parts are removed; a task that runs again after that reads the file.
        ours = {former.repository: EarlierChange(former) for former in kept if former.change_id == change_id}
        put = {repository: change for repository, change in ours.items() if change.former.is_put}
        self.earlier: Mapping[RepositoryId, EarlierChange] = {**put, **earlier}
        """The policies that earlier attempts of this task planned to replace, by repository."""

    @property
    def is_blind(self) -> bool:
        """Whether earlier attempts may have changed something without a record of it."""
        return self._journal.place is None and self._journal.attempt > 1

    def written(self, change: PolicyChange) -> PolicyChange | None:
        """Record the policy that is about to be replaced.

        :param change: the planned change.
        :return: None, or the failed change if the record cannot be written.
        """
        formers = former_policies_of([change], self.change_id, datetime.now(UTC))
        try:
            self._journal.write([*map(intent_entry, formers)])
        except Exception as error:  # as above
            log.exception("%s: the former policy cannot be recorded.", change.repository)
            message = (
                f"the former policy cannot be written to {self._journal.place} ({type(error).__name__}: {error}), so the "
                "policy was not changed. Give the worker access to it, and run the task again."
            )
            repository = change.repository
            failure = JournalUnwritableError(
                message,
                repository_name=repository.repository_name,
                registry_id=repository.registry_id,
                region_name=repository.region_name,
            )
            return replace(change, status="failed", error=failure)
        return None

    def write_outcome(self, change: PolicyChange) -> None:
        """Record whether a policy was replaced, if that is known.

        :param change: the change; the result has it even if it cannot be recorded.
        """
        is_confirmed = change.status == "changed" and change.reason is None
        if change.is_put and not is_confirmed:
            return
        try:
            self._journal.write([outcome_entry(change.repository, is_put=change.is_put)])
        except Exception:  # as above
            log.exception("%s: the outcome of the change cannot be recorded.", change.repository)

    def end(self, changes: Iterable[PolicyChange]) -> None:
        """Remove the parts when everything is done, because the file of the former policies has all that they have."""
        if not self._journal.is_in_files or any(change.status not in ("changed", "unchanged") for change in changes):
            return
        try:
            self._journal.clear()
        except Exception:  # as above
            log.warning("%s cannot be removed.", self._journal.place, exc_info=True)
