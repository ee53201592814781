"""The journal of one clean-up, and what it says of the earlier attempts at it."""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_ecr_preview.core.cleanup.journal import OUTCOME, EarlierAttempts, approval_id, earlier_attempts
from airflow_provider_ecr_preview.core.cleanup.outcome import RepositoryCleanup
from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.operators._journal import journal_of
from airflow_provider_ecr_preview.reports.lists import read_lines

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom


log = logging.getLogger(__name__)


class RemovalJournal:
    """What the attempts at one approved clean-up were about to remove, and did.

    :param context: the task's context.
    :param summaries: what was approved.
    :param action: ``delete`` or ``archive``.
    :param results_path: the list of results; None if the task writes none.
    :raises CleanupBlockedError: if what earlier attempts did cannot be read.
    """

    def __init__(
        self, context: Context, summaries: Sequence[PreviewSummaryXCom], action: str, results_path: str | None
    ) -> None:
        self._approval_id = approval_id(summaries, action)
        self._results_path = results_path or None
        self.journal = journal_of(context, self._results_path, self._approval_id, "results_path")
        try:
            entries = [*self._of_results(), *self.journal.read()]
            self._earlier = earlier_attempts(entries)
        except Exception as error:  # whatever goes wrong on whatever storage
            raise CleanupBlockedError(
                f"What earlier attempts of this task did cannot be read from {self.journal.place or results_path} "
                f"({type(error).__name__}: {error}). Nothing was changed. Give the worker access to it, and run the task "
                "again."
            ) from error
        if entries:
            log.info("Earlier attempts at this clean-up are known from %s.", self.journal.place or results_path)

    def earlier_of(self, repository: RepositoryId) -> EarlierAttempts:
        """Return what earlier attempts did in a repository.

        :param repository: the repository.
        """
        return self._earlier.get(repository, EarlierAttempts())

    @property
    def marks(self) -> dict[str, Any]:
        """What the lines of the list of results say beside what became of an image, so that the next attempt knows them."""
        return {"attempt": self.journal.attempt, "approval_id": self._approval_id}

    def end(self, cleanups: Iterable[RepositoryCleanup]) -> None:
        """Remove the parts, now that the list of results has all that they have.

        :param cleanups: what became of every repository.
        """
        if not self.journal.is_in_files or any(cleanup.status not in ("done", "nothing_to_do") for cleanup in cleanups):
            return
        try:
            self.journal.clear()
        except Exception:  # whatever goes wrong on whatever storage
            log.warning("The parts of the list of results at %s cannot be removed.", self.journal.place, exc_info=True)

    def _of_results(self) -> Iterator[Mapping[str, Any]]:
        """Yield what an attempt at the same clean-up wrote into the list of results before it ended."""
        if not self._results_path:
            return
        try:
            for line in read_lines(self._results_path):
                if line.get("approval_id") == self._approval_id:
                    yield {OUTCOME: line}
        except FileNotFoundError:
            return
        except (gzip.BadGzipFile, zlib.error, EOFError, ValueError, AttributeError):
            log.warning("%s is no list of results; it will be written over.", self._results_path)
