"""The journal of one change of policies, and what it says of the earlier attempts at it."""

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
    """What the attempts at one change were about to replace, and did.

    :param context: the task's context.
    :param change_id: which run of which task the change is.
    :param former_policies_path: where the former policies are kept; None if in the result alone.
    :raises CleanupBlockedError: if what earlier attempts did cannot be read.
    :raises ValueError: if the file of the former policies holds anything else.
    """

    def __init__(self, context: Context, change_id: str, former_policies_path: str | None) -> None:
        self.change_id = change_id
        """What tells this change from others in the file."""
        name = f"policies-{hashlib.sha256(change_id.encode()).hexdigest()[:_ID_CHARACTERS]}"
        self._journal = journal_of(context, former_policies_path, name, "former_policies_path")
        kept = kept_former_policies(former_policies_path) if former_policies_path else []
        try:
            earlier = earlier_changes(self._journal.read())
        except Exception as error:  # whatever goes wrong on whatever storage
            raise CleanupBlockedError(
                f"What earlier attempts of this task did cannot be read from {self._journal.place} "
                f"({type(error).__name__}: {error}). Nothing was changed. Give the worker access to it, and run the task "
                "again."
            ) from error
        # The parts beside the file are removed once all is done; a task that is run again after that knows from the file.
        ours = {former.repository: EarlierChange(former) for former in kept if former.change_id == change_id}
        put = {repository: change for repository, change in ours.items() if change.former.is_put}
        self.earlier: Mapping[RepositoryId, EarlierChange] = {**put, **earlier}
        """What earlier attempts of this task were about to replace, by repository."""

    @property
    def is_blind(self) -> bool:
        """Whether earlier attempts may have changed something that this one cannot know."""
        return self._journal.place is None and self._journal.attempt > 1

    def written(self, change: PolicyChange) -> PolicyChange | None:
        """Write down which policy is about to be replaced.

        :param change: the planned change.
        :return: None; or the change as it failed, if that cannot be written down.
        """
        formers = former_policies_of([change], self.change_id, datetime.now(UTC))
        try:
            self._journal.write([*map(intent_entry, formers)])
        except Exception as error:  # as above
            log.exception("%s: the former policy cannot be written down.", change.repository)
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
        """Write down whether a policy was replaced, if it is known.

        :param change: what became of it; that is in the result even where this fails.
        """
        is_confirmed = change.status == "changed" and change.reason is None
        if change.is_put and not is_confirmed:
            return
        try:
            self._journal.write([outcome_entry(change.repository, is_put=change.is_put)])
        except Exception:  # as above
            log.exception("%s: it cannot be written down what became of the policy.", change.repository)

    def end(self, changes: Iterable[PolicyChange]) -> None:
        """Remove the parts beside the file of the former policies, when all is done: that file has all that they have."""
        if not self._journal.is_in_files or any(change.status not in ("changed", "unchanged") for change in changes):
            return
        try:
            self._journal.clear()
        except Exception:  # as above
            log.warning("%s cannot be removed.", self._journal.place, exc_info=True)
