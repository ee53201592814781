"""The journal of one clean-up and its list of results: what its attempts were about to remove, and did."""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ecr_preview.core.cleanup.journal import OUTCOME, EarlierAttempts, approval_id, earlier_attempts
from airflow_provider_ecr_preview.core.cleanup.outcome import RepositoryCleanup
from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.operators._journal import journal_of
from airflow_provider_ecr_preview.reports.lists import line_list, read_lines

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom


log = logging.getLogger(__name__)


class RemovalJournal:
    """The record of what each attempt of one approved clean-up planned to remove, and what it removed.

    :param context: the task's context.
    :param summaries: what was approved.
    :param action: ``delete`` or ``archive``.
    :param results_path: the list of results; None if the task does not write one.
    :raises CleanupBlockedError: if the record of earlier attempts cannot be read.
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
        except Exception as error:  # storage fails in many ways
            raise CleanupBlockedError(
                f"The record of earlier attempts of this task cannot be read from {self.journal.place or results_path} "
                f"({type(error).__name__}: {error}). Nothing was changed. Give the worker access to it, and run the task "
                "again."
            ) from error
        if entries:
            log.info("Read what earlier attempts of this clean-up did from %s.", self.journal.place or results_path)

    def earlier_of(self, repository: RepositoryId) -> EarlierAttempts:
        """Return what earlier attempts did in a repository.

        :param repository: the repository.
        """
        return self._earlier.get(repository, EarlierAttempts())

    @property
    def marks(self) -> dict[str, Any]:
        """Keys that each line of the list of results gets, so that the next attempt recognizes its own lines."""
        return {"attempt": self.journal.attempt, "approval_id": self._approval_id}

    def end(self, cleanups: Iterable[RepositoryCleanup]) -> None:
        """Remove the parts once the list of results holds everything that they hold.

        :param cleanups: the clean-up of each repository.
        """
        if not self.journal.is_in_files or any(cleanup.status not in ("done", "nothing_to_do") for cleanup in cleanups):
            return
        try:
            self.journal.clear()
        except Exception:  # storage fails in many ways
            log.warning("The parts of the list of results at %s cannot be removed.", self.journal.place, exc_info=True)

    def _of_results(self) -> Iterator[Mapping[str, Any]]:
        """Yield the lines that earlier attempts of the same clean-up wrote to the list of results."""
        if not self._results_path:
            return
        try:
            for line in read_lines(self._results_path):
                if line.get("approval_id") == self._approval_id:
                    yield {OUTCOME: line}
        except FileNotFoundError:
            return
        except (gzip.BadGzipFile, zlib.error, EOFError, ValueError, AttributeError):
            log.warning("%s is not a list of results and will be overwritten.", self._results_path)


@dataclass(frozen=True)
class ResultList:
    """The list of what happened to each image.

    :param path: where it is written; None to write none.
    :param dag_id: the DAG that cleans up: the pages show the list to those who may read its results.
    """

    path: str | None
    dag_id: str | None = None

    def lines(self, cleanups: Iterable[RepositoryCleanup], journal: RemovalJournal | None) -> Iterator[dict[str, Any]]:
        """Yield the lines of the list.

        :param cleanups: the clean-up of each repository.
        :param journal: the journal of the clean-up; None for a dry run.
        """
        marks = journal.marks if journal else {}
        for cleanup in cleanups:
            for outcome in cleanup.outcomes.values():
                line = outcome.as_dict(cleanup.repository)
                yield {**line, **marks, "attempt": outcome.attempt or marks.get("attempt")}

    def try_write(self, cleanups: Iterable[RepositoryCleanup], journal: RemovalJournal | None) -> None:
        """Write the list, or raise the error of the storage.

        :param cleanups: the clean-up of each repository.
        :param journal: the journal of the clean-up; None for a dry run.
        """
        if self.path:
            with line_list(self.path, dag_id=self.dag_id) as written:
                for line in self.lines(cleanups, journal):
                    written.write(line)

    def write(self, cleanups: Sequence[RepositoryCleanup], journal: RemovalJournal | None) -> str | None:
        """Write the list, and return where; the XCom result has the deleted images even if this fails.

        :param cleanups: the clean-up of each repository.
        :param journal: the journal of the clean-up; None for a dry run.
        :return: the path, or None if nothing was written.
        """
        try:
            self.try_write(cleanups, journal)
        except Exception:  # storage fails in many ways
            log.exception("The list of results cannot be written to %s.", self.path)
            return None
        if self.path and journal:
            journal.end(cleanups)
        return self.path or None
