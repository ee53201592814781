"""The result of a clean-up, rehearsed before the first change, so that no error can lose what was deleted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from airflow_provider_ecr_preview.core.change_marker import change_marker
from airflow_provider_ecr_preview.core.cleanup.approval import Approval
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult
from airflow_provider_ecr_preview.core.cleanup.outcome import DONE, ImageOutcome, ImageStatus, RepositoryCleanup
from airflow_provider_ecr_preview.core.cleanup.result import cleanup_xcom
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_images import first_few
from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared
from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError
from airflow_provider_ecr_preview.core.xcom.cleanup import ImageCleanupXCom
from airflow_provider_ecr_preview.display.cleanup import cleanup_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.operators._removal_journal import RemovalJournal, ResultList


@dataclass(frozen=True)
class CleanupResult:
    """Builds, logs and rehearses the result of one clean-up.

    :param settings: the limits and protections of the clean-up.
    :param run_checks: the results of the checks of the whole run.
    :param started_at: when it started (aware).
    :param archive_price_per_gb_month: the monthly price of a gigabyte in the archive.
    :param approval: the approval that binds the clean-up; None if there is none.
    :param results: writes the list of results.
    :param journal: the journal of the clean-up; None for a dry run.
    """

    settings: CleanupSettings
    run_checks: Sequence[CheckResult]
    started_at: datetime
    archive_price_per_gb_month: float | None
    approval: Approval | None
    results: ResultList
    journal: RemovalJournal | None

    def of(self, cleanups: Sequence[RepositoryCleanup]) -> ImageCleanupXCom:
        """Write the list of results, and return the result.

        :param cleanups: the clean-up of each repository.
        """
        for cleanup in cleanups:
            cleanup.explain(self.settings)
        return self._xcom(cleanups, self.results.write(cleanups, self.journal))

    def text(self, value: ImageCleanupXCom) -> str:
        """Return the result as text for the log.

        :param value: the result.
        """
        return f"{'Dry run: nothing was changed.' if self.journal is None else ''}\n{render(cleanup_table(value))}"

    def rehearse(self, planned: Sequence[RepositoryCleanup]) -> None:
        """Build and write the result of a clean-up in which nothing has been changed yet.

        :param planned: the planned clean-up of each repository.
        :raises CleanupBlockedError: if the result cannot be built, or the list of results cannot be written.
        """
        to_do = [cleanup for cleanup in planned if cleanup.status == "incomplete"]
        if not to_do:
            return
        if (error := self._error_of(planned)) is not None:
            # Only now, because one rehearsal is enough for thousands of repositories.
            failing = [cleanup for cleanup in to_do if self._error_of([cleanup]) is not None] or to_do
            raise CleanupBlockedError(
                f"The result of the clean-up of {_names(failing)} cannot be built ({type(error).__name__}: {error}), and "
                "without it nothing says what was deleted. Nothing was changed. Preview again with this version of the "
                "provider, and have that preview approved; if the error remains, clean up the other repositories without "
                "this one and report the error."
            ) from error
        try:
            self.results.try_write(planned, self.journal)
        except Exception as error:  # storage fails in many ways
            raise CleanupBlockedError(
                f"The list of results cannot be written to {self.results.path} ({type(error).__name__}: {error}), and without "
                f"it nothing says which images of {_names(to_do)} were deleted. Nothing was changed. Give the worker "
                "write access, correct results_path or leave it out, and run the task again."
            ) from error

    def _error_of(self, planned: Sequence[RepositoryCleanup]) -> Exception | None:
        """Return the error that building the result raises, however the clean-up of the images ends."""
        endings: list[tuple[ImageStatus, str | None]] = [
            (DONE[self.settings.action], None),
            ("failed", "ImageReferencedByManifestList"),
            ("spared", str(Spared.SUBJECT_STAYS)),
        ]
        try:
            for status, reason in endings:
                ended = [_ended(cleanup, status, reason) for cleanup in planned]
                for cleanup in ended:
                    cleanup.explain(self.settings)
                value = self._xcom(ended, self.results.path)
                for part in (value, change_marker(value), [*self.results.lines(ended, self.journal)]):
                    json.dumps(part, ensure_ascii=False, allow_nan=False).encode()
                self.text(value).encode()
        except Exception as error:  # noqa: BLE001  # whatever it is, it must not happen after the first deletion
            return error
        return None

    def _xcom(self, cleanups: Sequence[RepositoryCleanup], results_uri: str | None) -> ImageCleanupXCom:
        return cleanup_xcom(
            cleanups,
            action=self.settings.action,
            dry_run=self.journal is None,
            run_checks=self.run_checks,
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
            archive_price_per_gb_month=self.archive_price_per_gb_month,
            results_uri=results_uri,
            approval=self.approval,
        )


def _ended(cleanup: RepositoryCleanup, status: ImageStatus, reason: str | None) -> RepositoryCleanup:
    """Return a clean-up whose remaining images all end the same way."""
    outcomes = {
        digest: _with_ending(outcome, status, reason) if outcome.status == "not_attempted" else outcome
        for digest, outcome in cleanup.outcomes.items()
    }
    return replace(cleanup, outcomes=outcomes)


def _with_ending(outcome: ImageOutcome, status: ImageStatus, reason: str | None) -> ImageOutcome:
    return replace(outcome, status=status, reason=reason)


def _names(cleanups: Sequence[RepositoryCleanup]) -> str:
    return first_few([str(cleanup.repository) for cleanup in cleanups])
