"""Record the outcomes of one repository's images, for the result of the task and for its next attempt."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_ecr_preview.core.cleanup.journal import OUTCOME, intent_entry
from airflow_provider_ecr_preview.core.cleanup.outcome import ImageOutcome, RepositoryCleanup, RepositoryStatus
from airflow_provider_ecr_preview.core.exceptions import JournalUnwritableError, RepositoryError
from airflow_provider_ecr_preview.core.journal import Journal
from airflow_provider_ecr_preview.core.repository import RepositoryImage

log = logging.getLogger(__name__)


_MAX_UNWRITTEN = 10


class RemovalRecord:
    """Keeps the outcomes of one repository, and writes them to the journal.

    :param cleanup: the clean-up so far; outcomes are added to it.
    :param journal: where to write them.
    """

    def __init__(self, cleanup: RepositoryCleanup, journal: Journal) -> None:
        self._cleanup = cleanup
        self._journal = journal
        self._unwritten = [ImageOutcome.of_earlier(image) for image in cleanup.decision.plan.earlier.values()]

    def outcome(self, image_digest: str) -> ImageOutcome:
        """Return the outcome of an image so far.

        :param image_digest: the digest of a planned image.
        """
        return self._cleanup.outcomes[image_digest]

    def add(self, *outcomes: ImageOutcome) -> None:
        """Add the outcomes of images."""
        for outcome in outcomes:
            self._cleanup.outcomes[outcome.image_digest] = outcome
            self._unwritten.append(outcome)

    def write_intent(self, images: Sequence[RepositoryImage], actions: Mapping[str, str]) -> None:
        """Write to the journal which images are about to be removed.

        :param images: the images.
        :param actions: the approved action for each, by digest.
        :raises JournalUnwritableError: if that fails; then nothing may be removed.
        """
        intent = intent_entry(self._cleanup.repository, images, actions, attempt=self._journal.attempt)
        try:
            self._journal.write([*self._entries(), intent])
        except Exception as error:  # any storage may fail in any way
            raise self.error(
                JournalUnwritableError,
                f"what is about to be removed cannot be written to {self._journal.place} ({type(error).__name__}: "
                f"{error}), so nothing more is removed. Give the worker access to it, and run the task again.",
            ) from error
        self._unwritten = []

    def write_outcomes(self, batch: Sequence[RepositoryImage] | None = None) -> None:
        """Write outcomes to the journal. If that fails, the result of the task still lists the removed images.

        :param batch: the images of the batch that ends; if None, write only once enough outcomes have piled up.
        """
        if batch is None and len(self._unwritten) < _MAX_UNWRITTEN:
            return
        outcomes = [self.outcome(image.image_digest) for image in batch or ()]
        # The journal lists these as about to be removed, but no call was sent for them.
        self._unwritten += [outcome for outcome in outcomes if outcome.status == "not_attempted"]
        try:
            self._journal.write(self._entries())
        except Exception:  # as above
            log.exception("%s: what was removed cannot be written down.", self._cleanup.repository)
        else:
            self._unwritten = []

    def error(self, cls: type[RepositoryError], message: str) -> RepositoryError:
        """Return an error about the repository.

        :param cls: its class.
        :param message: what happened and what to do.
        """
        repository = self._cleanup.repository
        return cls(
            message,
            repository_name=repository.repository_name,
            registry_id=repository.registry_id,
            region_name=repository.region_name,
        )

    def _entries(self) -> list[dict[str, Any]]:
        repository, attempt = self._cleanup.repository, self._journal.attempt
        return [
            {OUTCOME: {**outcome.as_dict(repository), "attempt": outcome.attempt or attempt}}
            for outcome in self._unwritten
        ]


def status_of(cleanup: RepositoryCleanup, *, is_stopped: bool) -> RepositoryStatus:
    """Return how the clean-up of one repository ended.

    :param cleanup: the outcomes of its images.
    :param is_stopped: whether the task had to stop.
    """
    if not cleanup.of_status("failed", "unknown", "not_attempted"):
        return "done"
    return "stopped" if is_stopped and cleanup.error is None else "incomplete"
