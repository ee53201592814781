"""Which of the approved images a clean-up would touch, in which order, and why it leaves out the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from airflow_provider_ecr_preview.cleanup_evidence import Evidence, PreviewList, Unread
from airflow_provider_ecr_preview.cleanup_settings import CleanupSettings
from airflow_provider_ecr_preview.policy_evaluation import RepositoryImage
from airflow_provider_ecr_preview.preview import EXPIRE, PreviewedImage
from airflow_provider_ecr_preview.sizes import known_sum

MAX_BATCH = 100
"""BatchDeleteImage takes no more."""

INDEX_MEDIA_TYPES = frozenset(
    {
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.index.v1+json",
    }
)

_SAME_PUSH = timedelta(seconds=2)
"""One operation of ECR may tell the time of a push to the second, another more exactly."""


class Spared(StrEnum):
    """Why an approved image is left out."""

    PROTECTED_TAG = "protected_tag"
    """A tag of it is protected."""
    IN_USE = "in_use"
    """Something runs it, or refers to it."""
    TAGS_CHANGED = "tags_changed"
    """It got or lost a tag since it was approved."""
    PUSHED_AGAIN = "pushed_again"
    """It was pushed again since it was approved."""
    NO_LONGER_PREVIEWED = "no_longer_previewed"
    """The fresh preview does not list it."""
    ACTION_CHANGED = "action_changed"
    """The fresh preview would archive what was approved to expire, or the other way round."""
    NOT_IN_EARLIER_PREVIEW = "not_in_earlier_preview"
    """Too few previews in a row have listed it."""
    NEWEST = "newest"
    """It is among the newest images."""
    TOO_YOUNG = "too_young"
    """It was pushed or restored lately."""
    RECENTLY_PULLED = "recently_pulled"
    """It was pulled lately."""
    ONLY_TO_BE_ARCHIVED = "only_to_be_archived"
    """It was approved to be archived, not to be deleted."""
    ARCHIVED_ALREADY = "archived_already"
    """It is to be archived, and is."""
    CHANGED_MEANWHILE = "changed_meanwhile"
    """It was tagged, pulled, archived or restored while the clean-up ran."""


CHANGES = frozenset({Spared.NO_LONGER_PREVIEWED, Spared.ACTION_CHANGED, Spared.PUSHED_AGAIN})
"""The reasons for which the fresh preview does not agree with the approved one."""


@dataclass(frozen=True)
class CleanupPlan:
    """What a clean-up of one repository would do, if every check allows it.

    :param images: the images to be touched, in this order.
    :param spared: why each of the other approved images is left out, by digest.
    :param gone: approved images that are no longer in the repository.
    :param not_approved: images that the fresh preview lists and nobody has approved; they are never touched.
    """

    images: tuple[RepositoryImage, ...] = ()
    spared: Mapping[str, Spared] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    not_approved: frozenset[str] = frozenset()

    @property
    def bytes_upper_bound(self) -> int | None:
        """Sum of the sizes of the images, or None when one is not known. Shared layers make it an upper bound."""
        return known_sum(image.image_size_in_bytes for image in self.images)

    @property
    def spared_counts(self) -> Counter[Spared]:
        """Number of spared images by reason."""
        return Counter(self.spared.values())

    def spared_for(self, *reasons: Spared) -> list[str]:
        """Return the digests that are spared for one of these reasons."""
        return sorted(digest for digest, reason in self.spared.items() if reason in reasons)


def batches_of(images: Sequence[RepositoryImage], size: int = MAX_BATCH) -> Iterator[list[RepositoryImage]]:
    """Yield batches that can go to ECR one after the other: manifest lists first, apart from the images they name."""
    for are_lists in (True, False):
        part = [image for image in images if is_index(image) is are_lists]
        for start in range(0, len(part), size):
            yield part[start : start + size]


def is_index(image: RepositoryImage) -> bool:
    """Return whether an image is a manifest list, which ECR wants gone before the images that it names."""
    return image.image_manifest_media_type in INDEX_MEDIA_TYPES


def approved_images(evidence: Evidence) -> Mapping[str, PreviewedImage] | None:
    """Return the images that were approved, or None when nobody can tell which those are."""
    approved, fresh = evidence.approved, evidence.fresh
    if isinstance(approved, Unread):
        return None
    if approved.images is not None:
        return approved.images
    # The approved images are known by their fingerprint only; it is also that of the fresh ones, or says nothing.
    if isinstance(fresh, Unread) or approved.images_fingerprint != fresh.images_fingerprint:
        return None
    return fresh.images


def earlier_previews(evidence: Evidence, settings: CleanupSettings) -> list[PreviewList | Unread]:
    """Return the latest of the earlier previews, as many as are asked for beside the approved and the fresh one."""
    wanted = max(settings.required_agreeing_previews - 2, 0)
    approved_at = evidence.previewed_at
    if isinstance(approved_at, Unread):
        return []
    earlier = sorted((time for time in evidence.previous if time < approved_at), reverse=True)
    return [evidence.previous[time] for time in earlier[:wanted]]


def plan_cleanup(evidence: Evidence, settings: CleanupSettings) -> CleanupPlan:
    """Return what a clean-up would touch, judged by what is known now; nothing if the essentials are not known.

    Whether it may be done is for the checks to say.

    :param evidence: what is known.
    :param settings: how careful to be.
    """
    approved = approved_images(evidence)
    fresh, inventory = evidence.fresh, evidence.inventory
    if approved is None or isinstance(fresh, Unread) or fresh.images is None or isinstance(inventory, Unread):
        return CleanupPlan()
    described = {image.image_digest: image for image in inventory}
    judge = _Judge(evidence, settings, fresh.images, settings.protection.newest(inventory))
    spared: dict[str, Spared] = {}
    images: list[RepositoryImage] = []
    for digest, image in approved.items():
        if digest not in described:
            continue
        if (reason := judge.spares(image, described[digest])) is not None:
            spared[digest] = reason
        else:
            images.append(described[digest])
    return CleanupPlan(
        images=tuple(sorted(images, key=lambda image: (not is_index(image), image.ordered_at, image.image_digest))),
        spared=spared,
        gone=frozenset(approved.keys() - described.keys()),
        not_approved=frozenset(fresh.images.keys() - approved.keys()),
    )


@dataclass(frozen=True)
class _Judge:
    """Says for one approved image after the other whether something speaks for leaving it out."""

    evidence: Evidence
    settings: CleanupSettings
    fresh: Mapping[str, PreviewedImage]
    newest: frozenset[str]

    def spares(self, approved: PreviewedImage, image: RepositoryImage) -> Spared | None:
        """Return the gravest reason to leave an image out, or None."""
        fresh = self.fresh.get(approved.image_digest)
        reasons = (
            self._protects(approved, fresh, image),
            self._has_changed(approved, fresh, image),
            self._is_for_something_else(approved, image),
            self._is_too_fresh(approved, image),
        )
        return next(filter(None, reasons), None)

    def _protects(
        self, approved: PreviewedImage, fresh: PreviewedImage | None, image: RepositoryImage
    ) -> Spared | None:
        # Every tag it had at any of the three times protects it.
        tags = sorted({*approved.image_tags, *image.image_tags, *(fresh.image_tags if fresh else ())})
        if self.settings.protection.has_protected_tag(tags):
            return Spared.PROTECTED_TAG
        return Spared.IN_USE if self._is_in_use(image, tags) else None

    def _has_changed(
        self, approved: PreviewedImage, fresh: PreviewedImage | None, image: RepositoryImage
    ) -> Spared | None:
        if fresh is None:
            return Spared.NO_LONGER_PREVIEWED
        if fresh.action != approved.action:
            return Spared.ACTION_CHANGED
        if _is_pushed_again(approved, image):
            return Spared.PUSHED_AGAIN
        if self.settings.check_tags and not set(approved.image_tags) == set(fresh.image_tags) == set(image.image_tags):
            return Spared.TAGS_CHANGED
        return None

    def _is_too_fresh(self, approved: PreviewedImage, image: RepositoryImage) -> Spared | None:
        protection, now = self.settings.protection, self.evidence.now
        if any(_lacks(preview, approved) for preview in earlier_previews(self.evidence, self.settings)):
            return Spared.NOT_IN_EARLIER_PREVIEW
        if image.image_digest in self.newest:
            return Spared.NEWEST
        if protection.is_too_young(image, now):
            return Spared.TOO_YOUNG
        return Spared.RECENTLY_PULLED if protection.is_recently_pulled(image, now) else None

    def _is_in_use(self, image: RepositoryImage, tags: Sequence[str]) -> bool:
        in_use = self.evidence.in_use
        if not self.settings.check_in_use or in_use is None or isinstance(in_use, Unread):
            return False
        return bool(in_use.users_of(image.image_digest, tags))

    def _is_for_something_else(self, approved: PreviewedImage, image: RepositoryImage) -> Spared | None:
        if self.settings.whole_policy:
            return None
        if self.settings.action == "archive":
            return Spared.ARCHIVED_ALREADY if image.storage_class == "archive" else None
        return None if approved.action == EXPIRE else Spared.ONLY_TO_BE_ARCHIVED


def _is_pushed_again(approved: PreviewedImage, image: RepositoryImage) -> bool:
    pushed_at = approved.image_pushed_at
    return pushed_at is not None and abs(image.image_pushed_at - pushed_at) > _SAME_PUSH


def _lacks(preview: PreviewList | Unread, approved: PreviewedImage) -> bool:
    if isinstance(preview, Unread) or preview.images is None:
        return False
    listed = preview.images.get(approved.image_digest)
    return listed is None or listed.action != approved.action
