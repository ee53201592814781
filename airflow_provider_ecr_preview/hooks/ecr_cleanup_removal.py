"""Do what was decided about one repository: batch by batch, each looked at once more right before."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from airflow_provider_ecr_preview.cleanup_checks import Decision
from airflow_provider_ecr_preview.cleanup_outcome import (
    DONE,
    ImageFailure,
    ImageOutcome,
    RepositoryCleanup,
    RepositoryStatus,
    planned_cleanup,
)
from airflow_provider_ecr_preview.cleanup_plan import TARGETS, Spared, batches_of
from airflow_provider_ecr_preview.cleanup_settings import CleanupAction
from airflow_provider_ecr_preview.core.cleanup.holding import REFERENCED, Holding
from airflow_provider_ecr_preview.core.referrers import Fate
from airflow_provider_ecr_preview.exceptions import RepositoryError
from airflow_provider_ecr_preview.hooks.ecr_cleanup import IMAGE_NOT_FOUND, EcrImageCleanupHook
from airflow_provider_ecr_preview.policy_evaluation import RepositoryImage

log = logging.getLogger(__name__)

MAX_ROUNDS = 4
"""Attempts in a row that bring nothing. Every level of nested manifest lists may take one that brings something."""

RETRY_DELAY = 5.0

NOT_CONFIRMED = "NotConfirmed"
"""Our own code for an image that is still there after a deletion that was not answered."""

RETRYABLE = REFERENCED | {NOT_CONFIRMED, "UpstreamTooManyRequests", "UpstreamUnavailable"}
"""Codes of failures that may not be there a moment later."""


@dataclass(frozen=True)
class ImageRemoval:
    """Deletes or archives the images of a decision that no check blocks.

    :param hook: gives connection, Region and configuration.
    :param action: ``delete`` or ``archive``.
    :param stop: set when it is to end after the batch that is under way.
    :param retry_delay: time before failures that may pass are tried again, in seconds; it doubles from time to time.
    """

    hook: EcrImageCleanupHook
    action: CleanupAction
    stop: threading.Event
    retry_delay: float = RETRY_DELAY

    def run(self, decision: Decision) -> RepositoryCleanup:
        """Remove what was decided and return what became of every image.

        :param decision: what was decided.
        :raises ValueError: if a check blocks; nothing is done.
        """
        if decision.blocking:
            raise ValueError(f"{decision.repository} is blocked: {', '.join(c.code for c in decision.blocking)}.")
        cleanup = planned_cleanup(decision, self.action, run_is_blocked=False, dry_run=False)
        work = _Work(self, cleanup)
        pending: Sequence[RepositoryImage] = decision.plan.images
        idle = 0
        try:
            while pending:
                for batch in batches_of(pending):
                    if self.stop.is_set():
                        break
                    work.remove(batch)
                again = work.to_be_tried_again()
                idle = 0 if len(again) < len(pending) else idle + 1
                pending = again
                if not pending or idle == MAX_ROUNDS or self.stop.wait(self.retry_delay * 2**idle):
                    break
                log.info("%s: %d images are tried again.", decision.repository, len(pending))
            if not self.stop.is_set():
                work.settle()
        except RepositoryError as error:
            log.exception("%s: the clean-up ends here.", decision.repository)
            cleanup.error = error
        cleanup.status = _status_of(cleanup, is_stopped=self.stop.is_set())
        return cleanup


class _Work:
    """One repository's clean-up under way."""

    def __init__(self, removal: ImageRemoval, cleanup: RepositoryCleanup) -> None:
        self._hook = removal.hook
        self._action = removal.action
        self._stop = removal.stop
        self._cleanup = cleanup
        plan = cleanup.decision.plan
        self._planned = {image.image_digest: image for image in plan.images}
        self._holding = Holding(self._planned, plan.subjects, cleanup.outcomes, RETRYABLE)

    def remove(self, batch: Sequence[RepositoryImage]) -> None:
        """Remove the images of one batch that nobody has touched since they were judged."""
        free = self._free_of_subjects(batch)
        images = self._untouched(free) if free else []
        if not images:
            return
        if self._action == "archive":
            for image in images:
                if self._stop.is_set():
                    return
                self._archive(image)
        else:
            self._delete(images)
        counts = ", ".join(f"{count} {status}" for status, count in sorted(self._cleanup.counts.items()))
        log.info("%s: %s.", self._cleanup.repository, counts)

    def to_be_tried_again(self) -> list[RepositoryImage]:
        """Return the images whose failure may have gone by now, and those that wait for such an image."""
        for outcome in self._cleanup.of_status("failed"):
            self._tell(self._holding.refused(outcome))
        return [
            self._planned[outcome.image_digest]
            for outcome in self._cleanup.of_status("failed", "not_attempted")
            if outcome.status == "not_attempted" or outcome.reason in RETRYABLE
        ]

    def settle(self) -> None:
        """Spare what was refused or has waited to the end, because a list or a subject stays after all."""
        for outcome in self._cleanup.of_status("failed"):
            self._tell(self._holding.refused(outcome, is_last=True))
        for outcome in self._cleanup.of_status("not_attempted"):
            self._tell(replace(outcome, status="spared", reason=str(Spared.SUBJECT_STAYS)))

    def _free_of_subjects(self, batch: Sequence[RepositoryImage]) -> list[RepositoryImage]:
        """Return the images of a batch that belong to no other image, or whose subjects have all gone."""
        subjects = self._holding.unplanned_subjects([image.image_digest for image in batch])
        there = {image.image_digest: Fate.now(image) for image in self._described(subjects)} if subjects else {}
        free = []
        for image in batch:
            state = self._holding.subject(image.image_digest, there, TARGETS[self._action])
            if state == "gone":
                free.append(image)
            elif state == "stays":
                self._tell(ImageOutcome.of(image, "spared", str(Spared.SUBJECT_STAYS)))
        return free

    def _untouched(self, batch: Sequence[RepositoryImage]) -> list[RepositoryImage]:
        there = {image.image_digest: image for image in self._described([image.image_digest for image in batch])}
        images = []
        for image in batch:
            now = there.get(image.image_digest)
            if now is None:
                self._tell(ImageOutcome.of(image, "gone"))
            elif _state_of(now) != _state_of(image):
                self._tell(ImageOutcome.of(now, "spared", str(Spared.CHANGED_MEANWHILE)))
            else:
                images.append(image)
        return images

    def _delete(self, images: Sequence[RepositoryImage]) -> None:
        by_digest = {image.image_digest: image for image in images}
        repository = self._cleanup.repository
        try:
            answer = self._hook.delete_images(
                repository.repository_name, [*by_digest], registry_id=repository.registry_id
            )
        except RepositoryError:
            for image in images:
                self._tell(ImageOutcome.of(image, "unknown"))
            self._look_for(images)
            raise
        for failure in answer.failures:
            self._tell(_failed(by_digest.pop(failure.image_digest), failure))
        self._tell(*(ImageOutcome.of(by_digest.pop(digest), "deleted") for digest in sorted(answer.image_digests)))
        # A reply that was cut off names neither.
        for image in by_digest.values():
            self._tell(ImageOutcome.of(image, "unknown"))
        self._look_for([*by_digest.values()])

    def _archive(self, image: RepositoryImage) -> None:
        repository = self._cleanup.repository
        self._tell(ImageOutcome.of(image, "unknown"))
        failure = self._hook.archive_image(
            repository.repository_name, image.image_digest, registry_id=repository.registry_id
        )
        self._tell(ImageOutcome.of(image, DONE["archive"]) if failure is None else _failed(image, failure))

    def _look_for(self, images: Sequence[RepositoryImage]) -> None:
        """Find out what became of images whose deletion was not answered."""
        if not images:
            return
        there = {image.image_digest for image in self._described([image.image_digest for image in images])}
        for image in images:
            if image.image_digest in there:
                self._tell(ImageOutcome.of(image, "failed", NOT_CONFIRMED, "ECR did not say what became of it."))
            else:
                self._tell(ImageOutcome.of(image, "deleted"))

    def _described(self, image_digests: Sequence[str]) -> list[RepositoryImage]:
        repository = self._cleanup.repository
        return self._hook.describe_images(repository.repository_name, image_digests, registry_id=repository.registry_id)

    def _tell(self, *outcomes: ImageOutcome) -> None:
        for outcome in outcomes:
            self._cleanup.outcomes[outcome.image_digest] = outcome


def _state_of(image: RepositoryImage) -> tuple[object, ...]:
    """Return what makes an image one that was judged: if any of it differs, somebody has touched the image."""
    return (
        frozenset(image.image_tags),
        image.image_pushed_at,
        image.last_recorded_pull_time,
        image.storage_class,
        image.last_archived_at,
        image.last_activated_at,
    )


def _failed(image: RepositoryImage, failure: ImageFailure) -> ImageOutcome:
    if failure.code == IMAGE_NOT_FOUND:
        return ImageOutcome.of(image, "gone")
    return ImageOutcome.of(image, "failed", failure.code, failure.reason)


def _status_of(cleanup: RepositoryCleanup, *, is_stopped: bool) -> RepositoryStatus:
    if not cleanup.of_status("failed", "unknown", "not_attempted"):
        return "done" if cleanup.decision.plan.images else "nothing_to_do"
    return "stopped" if is_stopped and cleanup.error is None else "incomplete"
