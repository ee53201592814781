"""Carry out the decision about one repository in batches. Record each first, and check it right before its call."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from airflow_provider_ecr_preview.aws.acting import Fate, code_of, fate_of
from airflow_provider_ecr_preview.core.cleanup.approved import approved_images
from airflow_provider_ecr_preview.core.cleanup.checks import Decision, decide_again, is_touched
from airflow_provider_ecr_preview.core.cleanup.deletion_order import REFERENCED, Holding
from airflow_provider_ecr_preview.core.cleanup.journal import NOT_CONFIRMED, REPLY_LOST, is_done
from airflow_provider_ecr_preview.core.cleanup.minimum_images import missing_guards
from airflow_provider_ecr_preview.core.cleanup.outcome import (
    DONE,
    ImageFailure,
    ImageOutcome,
    RepositoryCleanup,
    planned_cleanup,
)
from airflow_provider_ecr_preview.core.cleanup.plan import MAX_BATCH, TARGETS, batches_of
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupAction
from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared
from airflow_provider_ecr_preview.core.exceptions import RepositoryError
from airflow_provider_ecr_preview.core.journal import Journal
from airflow_provider_ecr_preview.core.referrers import Fate as ImageFate
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.engine.removal_record import RemovalRecord, status_of
from airflow_provider_ecr_preview.engine.repository_looks import RepositoryLooks, guards_in
from airflow_provider_ecr_preview.hooks.ecr_cleanup import IMAGE_NOT_FOUND, DeletedImages, EcrImageCleanupHook

log = logging.getLogger(__name__)


MAX_ROUNDS = 4
"""Rounds in a row without progress. Each level of nested manifest lists may take a round with progress."""


RETRY_DELAY = 5.0


RETRYABLE = REFERENCED | {"UpstreamTooManyRequests", "UpstreamUnavailable"}
"""Codes of failures that may pass within moments."""


_MAX_GUARDS_IN_A_BATCH = 50
"""More guards than this are checked with separate calls."""


_BASE_DELAY = 0.5


_MAX_LOOKS = 10


_SHOWN = 5


_NOT_CONFIRMED = "The reply to the call was lost, and the image is still there."


class _BlockedError(Exception):
    """Raised when a check forbids any further removal."""


@dataclass(frozen=True)
class ImageRemoval:
    """Deletes or archives the images of a decision that no check blocks.

    :param hook: provides the connection, Region and configuration; its ``throttle_timeout`` bounds how long one batch
        is retried.
    :param action: ``delete`` or ``archive``.
    :param stop: set when the removal must end after the current call.
    :param retry_delay: time before temporary failures are retried, in seconds; it doubles from retry to retry, up to a limit.
    :param journal: records the images that are about to be removed, and those that were.
    :param now: returns the current time (aware).
    """

    hook: EcrImageCleanupHook
    action: CleanupAction
    stop: threading.Event
    retry_delay: float = RETRY_DELAY
    journal: Journal = field(default_factory=Journal)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def run(self, decision: Decision) -> RepositoryCleanup:
        """Remove the images of the decision and return the outcome of each.

        First judges the repository again, by its current images.

        :param decision: the decision.
        :raises ValueError: if a check blocks; nothing is removed.
        """
        if decision.blocking:
            raise ValueError(f"{decision.repository} is blocked: {', '.join(c.code for c in decision.blocking)}.")
        cleanup = self._planned(decision)
        try:
            looks = RepositoryLooks(self.hook, decision.repository, self.stop, min(_BASE_DELAY, self.retry_delay))
            inventory = looks.inventory()
            decision = decide_again(decision, inventory, self.now())
            cleanup = self._planned(decision)
            if cleanup.status == "incomplete":
                _Work(self, cleanup, looks, inventory).run()
        except _BlockedError:
            cleanup.status = "blocked"
            return cleanup
        except RepositoryError as error:
            log.exception("%s: the clean-up ends here.", decision.repository)
            cleanup.error = error
        if cleanup.status != "blocked":
            cleanup.status = status_of(cleanup, is_stopped=self.stop.is_set())
        return cleanup

    def _planned(self, decision: Decision) -> RepositoryCleanup:
        return planned_cleanup(decision, self.action, run_is_blocked=False, dry_run=False)


class _Work:
    """One repository's clean-up under way."""

    def __init__(
        self,
        removal: ImageRemoval,
        cleanup: RepositoryCleanup,
        looks: RepositoryLooks,
        inventory: Sequence[RepositoryImage],
    ) -> None:
        decision = cleanup.decision
        self._removal = removal
        self._looks = looks
        self._action = removal.action
        self._stop = removal.stop
        self._cleanup = cleanup
        self._planned = {image.image_digest: image for image in decision.plan.images}
        self._holding = Holding(self._planned, decision.plan.subjects, cleanup.outcomes, RETRYABLE)
        self._approved = {digest: image.action for digest, image in (approved_images(decision.evidence) or {}).items()}
        # The images of calls whose reply was lost, each with the earlier attempt that called, or None for this one.
        self._unconfirmed = {digest: image.attempt for digest, image in decision.evidence.earlier.sent.items()}
        self._record = RemovalRecord(cleanup, removal.journal)
        self._guards = guards_in(decision, inventory)

    def run(self) -> None:
        """Remove the images in rounds, until all are done or no failure can pass any more."""
        pending: Sequence[RepositoryImage] = self._cleanup.decision.plan.images
        idle = 0
        while pending:
            for batch in batches_of(pending, self._batch_size):
                if self._stop.is_set():
                    return
                # Images that wait for their subject, or are now spared, are not about to be removed.
                self._remove([image for image in batch if not self._is_spared(image) and self._may_go(image, {})])
            again = self._to_be_tried_again()
            idle = 0 if len(again) < len(pending) else idle + 1
            pending = again
            if not pending or idle == MAX_ROUNDS or self._stop.wait(self._removal.retry_delay * 2**idle):
                break
            log.info("%s: trying %d images again.", self._cleanup.repository, len(pending))
        if not self._stop.is_set():
            self._settle()

    def _remove(self, batch: Sequence[RepositoryImage]) -> None:
        """Remove one batch. Record it first, so that no write comes between a look and a call."""
        if not batch:
            return
        self._record.write_intent(batch, self._approved)
        try:
            # ECR archives one image per call, so each gets a look of its own.
            for images in [[image] for image in batch] if self._action == "archive" else [[*batch]]:
                if self._stop.is_set():
                    break
                # A look at another image of the batch may have spared this one.
                self._act([image for image in images if not self._is_spared(image)])
                self._record.write_outcomes()
        except Exception:
            self._record.write_outcomes(batch)
            raise
        self._record.write_outcomes(batch)
        counts = ", ".join(f"{count} {status}" for status, count in sorted(self._cleanup.counts.items()))
        log.info("%s: %s.", self._cleanup.repository, counts)

    def _act(self, images: Sequence[RepositoryImage]) -> None:
        """Look at images and remove them with one call; after each wait for a retry, look again."""
        backoff = self._looks.backoff()
        pending = {image.image_digest: image for image in images}
        attempted: set[str] = set()
        while pending:
            is_sent, error = False, None
            fate: Fate = "lost"
            try:
                pending = self._look(pending)
                if not pending:
                    return
                attempted.update(pending)
                is_sent = True
                pending = self._without_answered(pending, self._send([*pending]))
                if not pending:
                    return
            except RepositoryError as failure:
                fate, error = fate_of(failure), failure
            if is_sent and fate == "lost":
                self._unconfirmed.update(dict.fromkeys(pending))
            if fate == "refused" or not backoff.again(throttled=fate == "not_done"):
                self._give_up([image for digest, image in pending.items() if digest in attempted], error)
                if error is None or (fate != "refused" and self._stop.is_set()):
                    return
                raise error
            log.info("%s: looking again, because %s", self._cleanup.repository, error or "a reply was cut off.")

    def _is_spared(self, image: RepositoryImage) -> bool:
        """Return whether an image must stay, by the latest judgement of the repository."""
        return self._record.outcome(image.image_digest).status == "spared"

    def _look(self, pending: Mapping[str, RepositoryImage]) -> dict[str, RepositoryImage]:
        """Return the images that may go now, and record for the others why they may not."""
        # Look for these first, so that nothing comes between the look at the images themselves and the call.
        subjects = self._looks.subjects(self._holding.unplanned_subjects([*pending]))
        for _ in range(_MAX_LOOKS):
            there = self._looks.at([*(guard.image_digest for guard in self._guards), *pending])
            missing = missing_guards(self._guards, there)
            if not missing:
                break
            self._judge_again(missing)
            pending = {digest: image for digest, image in pending.items() if not self._is_spared(image)}
            if not pending:
                return {}
        else:
            raise self._record.error(RepositoryError, "the images that have to stay keep changing. Try again later.")
        ready = {}
        for digest, image in pending.items():
            if (outcome := self._seen(image, there.get(digest))) is not None:
                self._record.add(outcome)
            elif self._may_go(image, subjects):
                ready[digest] = image
        return ready

    def _seen(self, image: RepositoryImage, now: RepositoryImage | None) -> ImageOutcome | None:
        """Return why an image must not be removed, or None if it has not changed since it was judged."""
        if image.image_digest in self._unconfirmed and is_done(now, self._action):
            return self._reply_lost(image)
        if now is None:
            return ImageOutcome.of(image, "gone")
        if is_touched(image, now):
            return ImageOutcome.of(now, "spared", str(Spared.CHANGED_MEANWHILE))
        return None

    def _judge_again(self, missing: Sequence[str]) -> None:
        """Choose again which images must stay, because some that were meant to stay are gone."""
        decision = self._cleanup.decision
        log.warning(
            "%s: images that were to stay are gone or archived: %s. Judging the repository again.",
            decision.repository,
            ", ".join(missing[:_SHOWN]),
        )
        inventory = self._looks.inventory()
        again = decide_again(decision, inventory, self._removal.now())
        there = {image.image_digest: image for image in inventory}
        for digest, reason in again.plan.spared.items():
            is_open = self._record.outcome(digest).status in ("not_attempted", "failed")
            if is_open and reason != Spared.CHANGED_MEANWHILE:
                self._record.add(ImageOutcome.of(there[digest], "spared", str(reason)))
        self._guards = guards_in(decision, inventory)
        if again.blocking:
            self._cleanup.decision = replace(decision, checks=again.checks)
            raise _BlockedError

    def _send(self, image_digests: Sequence[str]) -> DeletedImages:
        hook, repository = self._removal.hook, self._cleanup.repository
        if self._action == "delete":
            return hook.delete_images(repository.repository_name, image_digests, registry_id=repository.registry_id)
        (digest,) = image_digests
        failure = hook.archive_image(repository.repository_name, digest, registry_id=repository.registry_id)
        return DeletedImages(frozenset(() if failure else image_digests), (failure,) if failure else ())

    def _without_answered(
        self, pending: Mapping[str, RepositoryImage], answer: DeletedImages
    ) -> dict[str, RepositoryImage]:
        """Record the outcome of the images that an answer names, and return the others: an answer can be cut off."""
        unanswered = dict(pending)
        for failure in answer.failures:
            if (image := unanswered.pop(failure.image_digest, None)) is not None:
                self._record.add(self._failed(image, failure))
        for digest in sorted(answer.image_digests & unanswered.keys()):
            self._record.add(ImageOutcome.of(unanswered.pop(digest), DONE[self._action]))
        return unanswered

    def _failed(self, image: RepositoryImage, failure: ImageFailure) -> ImageOutcome:
        if failure.code != IMAGE_NOT_FOUND:
            return ImageOutcome.of(image, "failed", failure.code, failure.reason)
        # It was there a moment ago: either a call of ours whose reply was lost removed it, or someone else did.
        is_ours = image.image_digest in self._unconfirmed and self._action == "delete"
        return self._reply_lost(image) if is_ours else ImageOutcome.of(image, "gone")

    def _give_up(self, images: Sequence[RepositoryImage], error: RepositoryError | None) -> None:
        """Record the outcome of images that are not retried any more."""
        lost = [image for image in images if image.image_digest in self._unconfirmed]
        for image in images:
            if image.image_digest not in self._unconfirmed and error is not None:
                self._record.add(ImageOutcome.of(image, "failed", code_of(error), error.message))
        if not lost:
            return
        try:
            there = self._looks.at_with_retries([image.image_digest for image in lost])
        except RepositoryError:
            log.exception("%s: it is not known what became of %d images.", self._cleanup.repository, len(lost))
            self._record.add(*(ImageOutcome.of(image, "unknown") for image in lost))
            return
        for image in lost:
            if is_done(there.get(image.image_digest), self._action):
                self._record.add(self._reply_lost(image))
            elif image.image_digest not in there:
                self._record.add(ImageOutcome.of(image, "gone"))
            else:
                self._record.add(ImageOutcome.of(image, "failed", NOT_CONFIRMED, _NOT_CONFIRMED))

    def _may_go(self, image: RepositoryImage, subjects: Mapping[str, ImageFate]) -> bool:
        """Return whether every image that this one belongs to is gone; spare this one if any of them stays."""
        state = self._holding.subject(image.image_digest, subjects, TARGETS[self._action])
        if state == "stays":
            self._record.add(ImageOutcome.of(image, "spared", str(Spared.SUBJECT_STAYS)))
        return state == "gone"

    def _to_be_tried_again(self) -> list[RepositoryImage]:
        """Return the images whose failure may have passed, and those that wait for such an image."""
        self._record.add(*map(self._holding.refused, self._cleanup.of_status("failed")))
        return [
            self._planned[outcome.image_digest]
            for outcome in self._cleanup.of_status("failed", "not_attempted")
            if outcome.status == "not_attempted" or outcome.reason in RETRYABLE
        ]

    def _settle(self) -> None:
        """Spare the images that were refused or waited to the end, because a list or a subject stays after all."""
        for outcome in self._cleanup.of_status("failed"):
            self._record.add(self._holding.refused(outcome, is_last=True))
        for outcome in self._cleanup.of_status("not_attempted"):
            self._record.add(replace(outcome, status="spared", reason=str(Spared.SUBJECT_STAYS)))
        self._record.write_outcomes(())

    @property
    def _batch_size(self) -> int:
        """The number of images that fit into one look together with the guards, if there are few guards."""
        return max(MAX_BATCH - len(self._guards), 1) if len(self._guards) <= _MAX_GUARDS_IN_A_BATCH else MAX_BATCH

    def _reply_lost(self, image: RepositoryImage) -> ImageOutcome:
        attempt = self._unconfirmed.get(image.image_digest)
        return replace(ImageOutcome.of(image, DONE[self._action], REPLY_LOST), attempt=attempt)
