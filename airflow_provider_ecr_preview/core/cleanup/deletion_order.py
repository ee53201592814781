"""Hold back a planned image while the manifest list or the subject that it depends on is still there."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared
from airflow_provider_ecr_preview.core.referrers import Fate, is_index

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.cleanup.outcome import ImageOutcome
    from airflow_provider_ecr_preview.core.repository import RepositoryImage


REFERENCED = frozenset({"ImageReferencedByManifestList", "ImageStorageClassUpdateNotSupported"})
"""ECR's codes for an image that a manifest list names. It can be deleted once those lists are gone."""


_HAS_GONE = ("deleted", "archived", "gone")


_DIGEST = re.compile("sha256:[0-9a-f]{64}")


State = Literal["gone", "going", "stays"]


@dataclass(frozen=True)
class Holding:
    """Decides which images of one repository must wait, or stay, because of other images.

    :param images: the images of the plan by digest.
    :param subjects: the subjects of each planned referrer, by the referrer's digest.
    :param outcomes: the outcomes so far; it grows while the clean-up runs.
    :param retryable: codes of failures that may be temporary.
    """

    images: Mapping[str, RepositoryImage]
    subjects: Mapping[str, Collection[str]]
    outcomes: Mapping[str, ImageOutcome]
    retryable: Collection[str]

    def subject(self, image_digest: str, others: Mapping[str, Fate], target: Fate) -> State:
        """Return whether the subjects of an image are gone, so that the image may go too. True if it has none.

        :param image_digest: the image.
        :param others: the fates of subjects that are not in the plan; a subject without an entry is gone.
        :param target: the planned fate of the image.
        """
        states = [
            self._state(of) if of in self.images else "stays" if others.get(of, Fate.GONE) < target else "gone"
            for of in self.subjects.get(image_digest, ())
        ]
        return "stays" if "stays" in states else "going" if "going" in states else "gone"

    def unplanned_subjects(self, image_digests: Collection[str]) -> list[str]:
        """Return the subjects that are not in the plan; the check before each batch looks whether they still exist.

        :param image_digests: the images.
        """
        subjects = (of for digest in image_digests for of in self.subjects.get(digest, ()))
        return [*dict.fromkeys(of for of in subjects if of not in self.images)]

    def refused(self, outcome: ImageOutcome, *, is_last: bool = False) -> ImageOutcome:
        """Return the outcome of an image that ECR refused to change: spared, if a list that names it stays.

        :param outcome: ECR's answer.
        :param is_last: whether this was the last try.
        """
        if outcome.status != "failed" or outcome.reason not in REFERENCED:
            return outcome
        lists = [digest for digest in _DIGEST.findall(outcome.message or "") if digest != outcome.image_digest]
        states = {digest: self._state(digest) for digest in lists}
        staying = [digest for digest, state in states.items() if state == "stays" or (is_last and state == "going")]
        if not staying and (lists or (not is_last and self._may_pass(outcome))):
            return outcome
        named = f": {', '.join(staying)}" if staying else ""
        message = f"A manifest list that stays names it{named}. ECR says: {outcome.message}"
        return replace(outcome, status="spared", reason=str(Spared.REFERENCED_BY_MANIFEST_LIST), message=message)

    def _may_pass(self, outcome: ImageOutcome) -> bool:
        """Return whether a retry may succeed, for answers in which ECR does not name the lists."""
        if outcome.reason == "ImageReferencedByManifestList":
            return True
        # ECR also refuses to archive images in other states; the next check of the image notices those.
        if "manifest list" not in (outcome.message or ""):
            return True
        return any(self._state(digest) == "going" for digest in self._lists)

    @cached_property
    def _lists(self) -> list[str]:
        return [digest for digest, image in self.images.items() if is_index(image)]

    def _state(self, image_digest: str) -> State:
        outcome = self.outcomes.get(image_digest)
        if outcome is None or image_digest not in self.images or outcome.status == "spared":
            return "stays"
        if outcome.status in _HAS_GONE:
            return "gone"
        return "stays" if outcome.status == "failed" and outcome.reason not in self.retryable else "going"
