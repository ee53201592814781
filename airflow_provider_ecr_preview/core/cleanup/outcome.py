"""The outcome of a clean-up, image by image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from airflow_provider_ecr_preview.core.cleanup.check_catalog import SPARED_REASONS, SparedReason
from airflow_provider_ecr_preview.core.cleanup.checks import Decision
from airflow_provider_ecr_preview.core.cleanup.journal import REPLY_LOST, EarlierImage
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupAction, CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_images import SparedImages
from airflow_provider_ecr_preview.core.exceptions import RepositoryError
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage

ImageStatus = Literal[
    "deleted", "archived", "would_delete", "would_archive", "spared", "gone", "failed", "unknown", "not_attempted"
]


RepositoryStatus = Literal["done", "nothing_to_do", "dry_run", "blocked", "incomplete", "stopped"]


DONE: dict[CleanupAction, ImageStatus] = {"delete": "deleted", "archive": "archived"}


PLANNED: dict[CleanupAction, ImageStatus] = {"delete": "would_delete", "archive": "would_archive"}


@dataclass(frozen=True, slots=True)
class ImageFailure:
    """Why ECR did not delete or archive one image.

    :param image_digest: the digest.
    :param code: ``failureCode`` of ECR, or the error code.
    :param reason: ECR's explanation.
    """

    image_digest: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImageOutcome:
    """The outcome of one image.

    :param image_digest: the digest.
    :param image_tags: its tags, as they were last seen.
    :param status: ``deleted``, ``archived``; ``would_delete`` and ``would_archive`` in a dry run; ``spared``; ``gone``
        when it was no longer there; ``failed``; ``unknown`` when the answer was lost; ``not_attempted``.
    :param reason: why it was spared, or the code of the failure. ``reply_lost`` for an image that was deleted or
        archived by a call whose reply was lost: it was there right before, and is not, or is archived, after it.
    :param message: what ECR says about the failure, or what was seen of a spared image.
    :param image_size_in_bytes: compressed size.
    :param attempt: number of the earlier attempt that deleted or archived it; None if this one did.
    """

    image_digest: str
    image_tags: tuple[str, ...] = ()
    status: ImageStatus = "not_attempted"
    reason: str | None = None
    message: str | None = None
    image_size_in_bytes: int | None = None
    attempt: int | None = None

    @classmethod
    def of_earlier(cls, image: EarlierImage) -> ImageOutcome:
        """Return the outcome of an image that an earlier attempt handled."""
        return cls(
            image.image_digest,
            image.image_tags,
            image.status,
            image.reason,
            image_size_in_bytes=image.image_size_in_bytes,
            attempt=image.attempt,
        )

    @classmethod
    def of(
        cls, image: RepositoryImage, status: ImageStatus, reason: str | None = None, message: str | None = None
    ) -> ImageOutcome:
        """Return the outcome of a described image."""
        return cls(image.image_digest, image.image_tags, status, reason, message, image.image_size_in_bytes)

    def as_dict(self, repository: RepositoryId) -> dict[str, Any]:
        """Return the outcome in plain JSON types, as a line of the list of results."""
        return {
            **repository.as_dict(),
            "image_digest": self.image_digest,
            "image_tags": list(self.image_tags),
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
            "image_size_in_bytes": self.image_size_in_bytes,
            "check": self.spared_reason.check if self.spared_reason else None,
            "remedy": self.spared_reason.remedy if self.spared_reason else None,
            "attempt": self.attempt,
        }

    @property
    def spared_reason(self) -> SparedReason | None:
        """The explanation of why the image is spared; None if it is not."""
        return SPARED_REASONS.get(self.reason or "") if self.status == "spared" else None


@dataclass
class RepositoryCleanup:
    """The outcome of one repository.

    :param decision: the decision about it.
    :param status: ``done``, ``nothing_to_do``, ``dry_run``, ``blocked``, ``incomplete`` or ``stopped``.
    :param outcomes: the outcomes of its approved images, by digest.
    :param error: the error that ended it early.
    """

    decision: Decision
    status: RepositoryStatus
    outcomes: dict[str, ImageOutcome] = field(default_factory=dict)
    error: RepositoryError | None = None

    @property
    def repository(self) -> RepositoryId:
        """The repository."""
        return self.decision.repository

    @property
    def counts(self) -> Counter[ImageStatus]:
        """Number of images by status."""
        return Counter(outcome.status for outcome in self.outcomes.values())

    def reasons(self, status: ImageStatus) -> Counter[str]:
        """Count the images with a status by reason."""
        return Counter(outcome.reason or "" for outcome in self.outcomes.values() if outcome.status == status)

    def explain(self, settings: CleanupSettings) -> None:
        """Explain for every spared image what was found.

        :param settings: the limits and protections of the clean-up.
        """
        spared = SparedImages(self.decision.evidence, settings)
        for digest, outcome in self.outcomes.items():
            if outcome.spared_reason is not None and outcome.message is None:
                seen = spared.saw(digest, outcome.reason or "")
                self.outcomes[digest] = replace(outcome, message=seen)

    @property
    def reply_lost_image_count(self) -> int:
        """Number of images that were deleted or archived by a call whose reply was lost."""
        return sum(outcome.reason == REPLY_LOST for outcome in self.of_status("deleted", "archived"))

    @property
    def earlier_image_count(self) -> int:
        """Number of images that earlier attempts have deleted or archived."""
        return sum(outcome.attempt is not None for outcome in self.of_status("deleted", "archived"))

    def of_status(self, *statuses: ImageStatus) -> list[ImageOutcome]:
        """Return the images with one of these statuses."""
        return [outcome for outcome in self.outcomes.values() if outcome.status in statuses]


def planned_cleanup(
    decision: Decision, action: CleanupAction, *, run_is_blocked: bool, dry_run: bool
) -> RepositoryCleanup:
    """Return the outcome of a repository in which nothing has been changed, or not yet.

    :param decision: the decision about it.
    :param action: the planned action.
    :param run_is_blocked: whether the whole run is blocked.
    :param dry_run: whether nothing is to be changed.
    """
    plan = decision.plan
    blocked = run_is_blocked or bool(decision.blocking)
    if blocked:
        status: RepositoryStatus = "blocked"
    elif not plan.images:
        status = "done" if plan.earlier else "nothing_to_do"
    else:
        status = "dry_run" if dry_run else "incomplete"
    to_do: ImageStatus = PLANNED[action] if status == "dry_run" else "not_attempted"
    outcomes = [ImageOutcome.of(image, to_do) for image in plan.images]
    outcomes += [ImageOutcome(digest, status="spared", reason=str(reason)) for digest, reason in plan.spared.items()]
    outcomes += [ImageOutcome(digest, status="gone") for digest in sorted(plan.gone)]
    outcomes += map(ImageOutcome.of_earlier, plan.earlier.values())
    if decision.blocking:
        # The repository cannot be judged, so the outcome of these images is unknown.
        known = {outcome.image_digest for outcome in outcomes}
        sent = decision.evidence.earlier.sent
        outcomes += [ImageOutcome.of_earlier(image) for digest, image in sent.items() if digest not in known]
    return RepositoryCleanup(decision, status, _by_digest(outcomes))


def _by_digest(outcomes: Iterable[ImageOutcome]) -> dict[str, ImageOutcome]:
    return {outcome.image_digest: outcome for outcome in outcomes}
