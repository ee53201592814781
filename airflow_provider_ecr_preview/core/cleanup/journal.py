"""What each attempt at a clean-up intended and did, image by image, and what follows for the images now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_ecr_preview.core.ecr_values import ARCHIVE
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.cleanup.settings import CleanupAction
    from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom


REPLY_LOST = "reply_lost"
"""The reason why we are not certain that we deleted or archived an image: it was there right before our call and not
after it, but the reply to the call was lost."""


NOT_CONFIRMED = "NotConfirmed"
"""The reason why an image counts as failed: the reply to our call was lost, and the image is still there."""


ABOUT_TO_SEND = "about_to_send"


OUTCOME = "outcome"


_DONE = ("deleted", "archived")


_ID_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class EarlierImage:
    """An image that an earlier attempt deleted or archived, or intended to.

    :param image_digest: the digest.
    :param image_tags: its tags, as they were last seen.
    :param image_size_in_bytes: compressed size.
    :param action: ``EXPIRE`` or ``TRANSITION``, as it was approved; None if unknown.
    :param attempt: number of the attempt.
    :param status: ``deleted`` or ``archived``; ``unknown`` if the attempt did not record the outcome.
    :param reason: ``reply_lost``, or None.
    """

    image_digest: str
    image_tags: tuple[str, ...] = ()
    image_size_in_bytes: int | None = None
    action: str | None = None
    attempt: int | None = None
    status: Literal["deleted", "archived", "unknown"] = "unknown"
    reason: str | None = None


@dataclass(frozen=True)
class EarlierAttempts:
    """The work of earlier attempts at the same clean-up in one repository.

    :param done: the images that they deleted or archived, by digest.
    :param sent: the images that they intended to delete or archive, by digest, without a recorded outcome.
    """

    done: Mapping[str, EarlierImage] = field(default_factory=dict)
    sent: Mapping[str, EarlierImage] = field(default_factory=dict)

    def settled(self, inventory: Iterable[RepositoryImage], action: CleanupAction) -> EarlierAttempts:
        """Return the attempts with the outcomes that the current images reveal.

        :param inventory: every image of the repository.
        :param action: ``delete`` or ``archive``.
        """
        there = {image.image_digest: image for image in inventory}
        done, sent = dict(self.done), dict(self.sent)
        for digest, image in self.sent.items():
            if is_done(there.get(digest), action):
                status: Literal["deleted", "archived"] = "archived" if action == "archive" else "deleted"
                done[digest] = replace(image, status=status, reason=REPLY_LOST)
                del sent[digest]
        return EarlierAttempts(done, sent)


def is_done(image: RepositoryImage | None, action: CleanupAction) -> bool:
    """Return whether an image is already deleted or archived.

    :param image: the image as it is now; None if it is not there.
    :param action: ``delete`` or ``archive``.
    """
    if action == "delete":
        return image is None
    return image is not None and image.storage_class == ARCHIVE


def approval_id(summaries: Sequence[PreviewSummaryXCom], action: str) -> str:
    """Return an identifier of an approved clean-up, so that an attempt finds only earlier attempts at the same one.

    :param summaries: the approved summaries.
    :param action: the action of the clean-up.
    """
    parts = sorted([str(summary.get(key)) for key in _OF_AN_APPROVAL] for summary in summaries)
    return hashlib.sha256(json.dumps([action, parts]).encode()).hexdigest()[:_ID_CHARACTERS]


def intent_entry(
    repository: RepositoryId, images: Iterable[RepositoryImage], actions: Mapping[str, str], *, attempt: int
) -> dict[str, Any]:
    """Return the entry that records which images are about to be deleted or archived.

    :param repository: the repository.
    :param images: the images.
    :param actions: the approved action of each image, by digest.
    :param attempt: number of the attempt.
    """
    return {
        ABOUT_TO_SEND: {
            **repository.as_dict(),
            "attempt": attempt,
            "images": [
                {
                    "image_digest": image.image_digest,
                    "image_tags": list(image.image_tags),
                    "image_size_in_bytes": image.image_size_in_bytes,
                    "action": actions.get(image.image_digest),
                }
                for image in images
            ],
        }
    }


def earlier_attempts(entries: Iterable[Mapping[str, Any]]) -> dict[RepositoryId, EarlierAttempts]:
    """Return the earlier attempts that the entries record, by repository.

    :param entries: the entries of a journal, and the lines of a list of results as ``{"outcome": line}``, in order.
    """
    done: dict[RepositoryId, dict[str, EarlierImage]] = {}
    sent: dict[RepositoryId, dict[str, EarlierImage]] = {}
    for entry in entries:
        ((kind, value),) = entry.items()
        repository = RepositoryId.of(value)
        done_here, sent_here = done.setdefault(repository, {}), sent.setdefault(repository, {})
        if kind == ABOUT_TO_SEND:
            for image in value["images"]:
                if image["image_digest"] not in done_here:
                    sent_here[image["image_digest"]] = _image(image, attempt=value["attempt"])
        elif kind == OUTCOME:
            _fold(value, done_here, sent_here)
    return {repository: EarlierAttempts(done[repository], sent[repository]) for repository in done}


def _fold(line: Mapping[str, Any], done: dict[str, EarlierImage], sent: dict[str, EarlierImage]) -> None:
    """Add the outcome of one image."""
    digest, status = line["image_digest"], line["status"]
    before = sent.get(digest)
    if status == "unknown" or (status == "failed" and line["reason"] == NOT_CONFIRMED):
        # The call may still take effect.
        if digest not in done:
            sent[digest] = before or _image(line, attempt=line.get("attempt"))
        return
    sent.pop(digest, None)
    if status in _DONE:
        image = _image(line, attempt=line.get("attempt"))
        action = before.action if before else line.get("action")
        done[digest] = replace(image, action=action, status=status, reason=line["reason"])


def _image(value: Mapping[str, Any], *, attempt: int | None) -> EarlierImage:
    return EarlierImage(
        value["image_digest"],
        tuple(value["image_tags"]),
        value.get("image_size_in_bytes"),
        value.get("action"),
        attempt,
    )


_OF_AN_APPROVAL = (
    "registry_id",
    "region_name",
    "repository_name",
    "policy_fingerprint",
    "images_fingerprint",
    "previewed_at",
)
