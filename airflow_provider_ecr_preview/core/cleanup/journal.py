"""What the attempts at a clean-up were about to do, and did, by image; and what that says about the images now."""

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
"""Why it is not certain that we deleted or archived an image: it was there right before our call and is not after it,
and the reply to the call was lost."""


NOT_CONFIRMED = "NotConfirmed"
"""Why an image counts as failed: the reply to our call was lost, and the image is still there."""


ABOUT_TO_SEND = "about_to_send"


OUTCOME = "outcome"


_DONE = ("deleted", "archived")


_ID_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class EarlierImage:
    """An image that an earlier attempt has deleted or archived, or was about to.

    :param image_digest: the digest.
    :param image_tags: its tags, as they were last seen.
    :param image_size_in_bytes: compressed size.
    :param action: ``EXPIRE`` or ``TRANSITION``, as it was approved; None where that is not known.
    :param attempt: number of the attempt.
    :param status: ``deleted`` or ``archived``; ``unknown`` where the attempt did not write down what became of it.
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
    """What earlier attempts at the same clean-up did in one repository.

    :param done: the images that they have deleted or archived, by digest.
    :param sent: the images that they were about to delete or archive, by digest, with no word of what became of them.
    """

    done: Mapping[str, EarlierImage] = field(default_factory=dict)
    sent: Mapping[str, EarlierImage] = field(default_factory=dict)

    def settled(self, inventory: Iterable[RepositoryImage], action: CleanupAction) -> EarlierAttempts:
        """Return the same, with what can be told from the images that are there now.

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
    """Return whether an image is as a deletion or an archiving leaves it.

    :param image: the image as it is now; None if it is not there.
    :param action: ``delete`` or ``archive``.
    """
    if action == "delete":
        return image is None
    return image is not None and image.storage_class == ARCHIVE


def approval_id(summaries: Sequence[PreviewSummaryXCom], action: str) -> str:
    """Return what tells one approved clean-up from another: what one attempt did is of use to the next of the same.

    :param summaries: what was approved.
    :param action: what is done with it.
    """
    parts = sorted([str(summary.get(key)) for key in _OF_AN_APPROVAL] for summary in summaries)
    return hashlib.sha256(json.dumps([action, parts]).encode()).hexdigest()[:_ID_CHARACTERS]


def intent_entry(
    repository: RepositoryId, images: Iterable[RepositoryImage], actions: Mapping[str, str], *, attempt: int
) -> dict[str, Any]:
    """Return the entry that says which images are about to be deleted or archived.

    :param repository: the repository.
    :param images: the images.
    :param actions: what was approved for each, by digest.
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
    """Return what the entries say, by repository.

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
    """Take in what became of one image."""
    digest, status = line["image_digest"], line["status"]
    before = sent.get(digest)
    if status == "unknown" or (status == "failed" and line["reason"] == NOT_CONFIRMED):
        # The call may still have its effect.
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
