"""Which of the approved images a clean-up would touch, in which order, and why it leaves out the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.floors import floor_of
from airflow_provider_ecr_preview.core.cleanup.journal import EarlierImage
from airflow_provider_ecr_preview.core.cleanup.manifest_lists import lists_of_images_in_use
from airflow_provider_ecr_preview.core.cleanup.replicas import copies_of, replicates_deletions, users_in_replicas
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupAction, CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_reason import CHANGES, Spared
from airflow_provider_ecr_preview.core.preview.image import EXPIRE, PreviewedImage
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.preview.summary import images_fingerprint
from airflow_provider_ecr_preview.core.referrers import (
    Fate,
    is_index,
    last_change,
    removal_levels,
    subject_digests,
    subjects_above,
)
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.core.values import known_sum

__all__ = [
    "CHANGES",
    "MAX_BATCH",
    "TARGETS",
    "CleanupPlan",
    "Spared",
    "approved_images",
    "batches_of",
    "earlier_previews",
    "plan_cleanup",
]


MAX_BATCH = 100
"""BatchDeleteImage takes no more."""


_SAME_PUSH = timedelta(seconds=2)
"""One operation of ECR may tell the time of a push to the second, another more exactly."""


TARGETS: dict[CleanupAction, Fate] = {"delete": Fate.GONE, "archive": Fate.ARCHIVED}
"""What is to become of an image."""


@dataclass(frozen=True)
class CleanupPlan:
    """What a clean-up of one repository would do, if every check allows it.

    :param images: the images to be touched, in this order.
    :param spared: why each of the other approved images is left out, by digest.
    :param gone: approved images that are no longer in the repository.
    :param not_approved: images that the fresh preview lists and nobody has approved; they are never touched.
    :param subjects: which images a referrer among them belongs to; all of these have to go before it.
    :param lists_that_stay: manifest lists that stay, the newest first. ECR does not delete the images that they name,
        and DescribeImages does not say which those are.
    :param earlier: images that earlier attempts at the same clean-up have deleted or archived; they are not touched again.
    """

    images: tuple[RepositoryImage, ...] = ()
    spared: Mapping[str, Spared] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    not_approved: frozenset[str] = frozenset()
    subjects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lists_that_stay: tuple[RepositoryImage, ...] = ()
    earlier: Mapping[str, EarlierImage] = field(default_factory=dict)

    @property
    def image_count(self) -> int:
        """Number of the images that are touched by all attempts together."""
        return len(self.images) + len(self.earlier)

    @property
    def bytes_upper_bound(self) -> int | None:
        """Sum of the sizes of these images, or None when one is not known. Shared layers make it an upper bound."""
        sizes = [image.image_size_in_bytes for image in self.images]
        return known_sum([*sizes, *(image.image_size_in_bytes for image in self.earlier.values())])

    @property
    def may_be_refused(self) -> list[RepositoryImage]:
        """The images that a manifest list that stays may name: ECR would then refuse to delete them."""
        if not self.lists_that_stay:
            return []
        newest = self.lists_that_stay[0].image_pushed_at
        return [image for image in self.images if not is_index(image) and image.image_pushed_at <= newest]

    def summary(self, action: CleanupAction) -> str:
        """Return the plan as one line for the log.

        :param action: what is done with the images.
        """
        reasons = Counter(map(str, self.spared.values()))
        spared = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        images = f"{len(self.images)} image{'' if len(self.images) == 1 else 's'}"
        text = f"{images} to {action}, {len(self.spared)} spared{f' ({spared})' if spared else ''}."
        if not (maybe := len(self.may_be_refused)):
            return text
        return f"{text} Of these, up to {maybe} may be spared, because a manifest list that stays may name them."

    def spared_for(self, *reasons: Spared) -> list[str]:
        """Return the digests that are spared for one of these reasons."""
        return sorted(digest for digest, reason in self.spared.items() if reason in reasons)


def batches_of(images: Iterable[RepositoryImage], size: int = MAX_BATCH) -> Iterator[list[RepositoryImage]]:
    """Yield batches that can go to ECR one after the other.

    Manifest lists are apart from the images that they may name, and referrers from their subjects.

    :param images: the images, in the order of a plan.
    :param size: how many images a batch has at most.
    """
    batch: list[RepositoryImage] = []
    digests: set[str] = set()
    for image in images:
        needed = {*subject_digests(image), *image.referenced_by}
        if batch and (len(batch) == size or is_index(image) is not is_index(batch[-1]) or needed & digests):
            yield batch
            batch, digests = [], set()
        batch.append(image)
        digests.add(image.image_digest)
    if batch:
        yield batch


def approved_images(evidence: Evidence) -> Mapping[str, PreviewedImage] | None:
    """Return the images that were approved, or None when nobody can tell which those are."""
    approved, fresh = evidence.approved, evidence.fresh
    if isinstance(approved, Unread):
        return None
    if approved.images is not None:
        return approved.images
    # The approved images are known by their fingerprint only; it is also that of the fresh ones, or says nothing.
    if isinstance(fresh, Unread) or fresh.images is None:
        return None
    if approved.images_fingerprint == fresh.images_fingerprint:
        return fresh.images
    # An earlier attempt has taken a part of them.
    done = {image.image_digest: _as_previewed(image) for image in evidence.earlier.done.values()}
    together = {**done, **fresh.images}
    fingerprint = images_fingerprint((image.image_digest, image.action) for image in together.values())
    return together if done and fingerprint == approved.images_fingerprint else None


def earlier_previews(evidence: Evidence, settings: CleanupSettings) -> list[PreviewList | Unread]:
    """Return the latest of the earlier previews, as many as are asked for beside the approved and the fresh one."""
    wanted = max(settings.required_agreeing_previews - 2, 0)
    approved_at = evidence.previewed_at
    if isinstance(approved_at, Unread):
        return []
    earlier = sorted((time for time in evidence.previous if time < approved_at), reverse=True)
    return [evidence.previous[time] for time in earlier[:wanted]]


def plan_cleanup(
    evidence: Evidence, settings: CleanupSettings, spared_before: Mapping[str, Spared] | None = None
) -> CleanupPlan:
    """Return what a clean-up would touch, judged by what is known now; nothing if the essentials are not known.

    Whether it may be done is for the checks to say.

    :param evidence: what is known.
    :param settings: how careful to be.
    :param spared_before: images that are spared whatever is known now, by digest, each with its reason.
    """
    approved = approved_images(evidence)
    fresh, inventory = evidence.fresh, evidence.inventory
    earlier = evidence.earlier.done
    if approved is None or isinstance(fresh, Unread) or fresh.images is None or isinstance(inventory, Unread):
        return CleanupPlan(earlier=earlier)
    judge = _Judge(evidence, settings, fresh.images, inventory)
    described = judge.described
    floor = _floor(inventory, settings)
    spared: dict[str, Spared] = {}
    going: dict[str, RepositoryImage] = {}
    for digest, image in approved.items():
        if digest not in described or digest in earlier:
            continue
        reason = (spared_before or {}).get(digest) or judge.spares(image, described[digest])
        if reason is None and digest in floor:
            reason = Spared.MINIMUM_IMAGES_LEFT
        if reason is not None:
            spared[digest] = reason
        else:
            going[digest] = described[digest]
    targets = {digest: _target_of(approved[digest], settings) for digest in going}
    levels = removal_levels(going.values(), targets.get, judge.present_fate, with_subjects=settings.check_referrers)
    spared |= {digest: judge.held_by(image, levels) for digest, image in going.items() if digest not in levels}
    lists = sorted(filter(is_index, described.values()), key=last_change, reverse=True)
    return CleanupPlan(
        images=tuple(sorted((going[digest] for digest in levels), key=lambda image: _order(image, levels))),
        spared=spared,
        gone=frozenset(approved.keys() - described.keys() - earlier.keys()),
        not_approved=frozenset(fresh.images.keys() - approved.keys()),
        subjects={
            digest: subjects
            for digest in levels
            if settings.check_referrers and (subjects := subject_digests(going[digest]))
        },
        lists_that_stay=tuple(
            image for image in lists if image.image_digest not in levels and image.storage_class == "standard"
        ),
        earlier=earlier,
    )


@dataclass(frozen=True)
class _Judge:
    """Says for one approved image after the other whether something speaks for leaving it out."""

    evidence: Evidence
    settings: CleanupSettings
    fresh: Mapping[str, PreviewedImage]
    inventory: Sequence[RepositoryImage]

    @cached_property
    def described(self) -> Mapping[str, RepositoryImage]:
        """The images of the repository by digest."""
        return {image.image_digest: image for image in self.inventory}

    @cached_property
    def newest(self) -> frozenset[str]:
        """The newest images."""
        return self.settings.protection.newest(self.inventory)

    @cached_property
    def lists_of_used(self) -> frozenset[str]:
        """The manifest lists that name an image in use, or most likely name one."""
        # ECR would act on a whole policy without asking: only what is known for certain blocks it.
        return lists_of_images_in_use(
            self.inventory,
            lambda image: self._is_in_use(image.image_digest, self._tags_of(image)),
            by_push_time=not self.settings.whole_policy,
        )

    @cached_property
    def subjects_of_guarded(self) -> frozenset[str]:
        """The images that a protected image, or one in use, belongs to: ECR deletes it within a day after them."""
        guarded = (image for image in self.inventory if image.subject_manifest_digest and self._is_guarded(image))
        return frozenset(digest for image in guarded for digest in subjects_above(image, self.described))

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
        tags = sorted({*approved.image_tags, *self._tags_of(image), *(fresh.image_tags if fresh else ())})
        if self.settings.protection.has_protected_tag(tags):
            return Spared.PROTECTED_TAG
        if self._is_in_use(image.image_digest, tags):
            return Spared.IN_USE
        if image.image_digest in self.lists_of_used:
            return Spared.CHILD_IN_USE
        if image.image_digest in self.subjects_of_guarded:
            return Spared.REFERRER_STAYS
        return Spared.SUBJECT_STAYS if self._belongs_to_what_runs_elsewhere(image) else None

    def _has_changed(
        self, approved: PreviewedImage, fresh: PreviewedImage | None, image: RepositoryImage
    ) -> Spared | None:
        if fresh is None:
            # A preview stops listing an image when it is archived, by an earlier attempt for example.
            return Spared.ARCHIVED_ALREADY if self._is_archived_already(image) else Spared.NO_LONGER_PREVIEWED
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
        if any(protection.is_recently_pulled(copy, now) for copy in (image, *self._copies(image.image_digest))):
            return Spared.RECENTLY_PULLED
        return None

    def _is_deleted_in_replicas(self, image_digest: str) -> bool:
        """Return whether ECR would delete an image elsewhere, too; it does not replicate that one is archived."""
        fresh = self.fresh.get(image_digest)
        return replicates_deletions(self.settings) and (fresh is None or fresh.action == EXPIRE)

    def _copies(self, image_digest: str) -> list[RepositoryImage]:
        """Return the image as it is in each repository where it would be deleted, too."""
        return [*copies_of(self.evidence, image_digest).values()] if self._is_deleted_in_replicas(image_digest) else []

    def _tags_of(self, image: RepositoryImage) -> list[str]:
        """Return the tags of an image, here and where it would be deleted, too."""
        return sorted({tag for copy in (image, *self._copies(image.image_digest)) for tag in copy.image_tags})

    def present_fate(self, image_digest: str) -> Fate:
        """Return what has become of an image."""
        image = self.described.get(image_digest)
        return Fate.GONE if image is None else Fate.now(image)

    def held_by(self, image: RepositoryImage, going: Container[str]) -> Spared:
        """Return why an image has to stay because another one does.

        :param image: the image.
        :param going: the digests of the images that go.
        """
        lists = [of for of in image.referenced_by if of not in going and self.present_fate(of) < Fate.ARCHIVED]
        return Spared.REFERENCED_BY_MANIFEST_LIST if lists else Spared.SUBJECT_STAYS

    def _belongs_to_what_runs_elsewhere(self, image: RepositoryImage) -> bool:
        """Return whether an image belongs to one that runs and is no longer in the repository."""
        if not self.settings.check_referrers:
            return False
        return any(of not in self.described and self._is_in_use(of, ()) for of in subject_digests(image))

    def _is_guarded(self, image: RepositoryImage) -> bool:
        tags = self._tags_of(image)
        return self.settings.protection.has_protected_tag(tags) or self._is_in_use(image.image_digest, tags)

    def _is_in_use(self, image_digest: str, tags: Sequence[str]) -> bool:
        in_use = self.evidence.in_use
        if not self.settings.check_in_use or in_use is None or isinstance(in_use, Unread):
            return False
        if in_use.users_of(image_digest, tags):
            return True
        return self._is_deleted_in_replicas(image_digest) and bool(users_in_replicas(self.evidence, image_digest, tags))

    def _is_for_something_else(self, approved: PreviewedImage, image: RepositoryImage) -> Spared | None:
        if self.settings.whole_policy:
            return None
        if self.settings.action == "archive":
            return Spared.ARCHIVED_ALREADY if self._is_archived_already(image) else None
        return None if approved.action == EXPIRE else Spared.ONLY_TO_BE_ARCHIVED

    def _is_archived_already(self, image: RepositoryImage) -> bool:
        is_to_archive = self.settings.action == "archive" and not self.settings.whole_policy
        return is_to_archive and image.storage_class == "archive"


def _floor(inventory: Sequence[RepositoryImage], settings: CleanupSettings) -> frozenset[str]:
    """Return the images that have to be left. ECR itself spares none, so a policy is judged without them."""
    if settings.whole_policy:
        return frozenset()
    return frozenset(image.image_digest for image in floor_of(inventory, settings.minimum_images_left))


def _as_previewed(image: EarlierImage) -> PreviewedImage:
    return PreviewedImage(image.image_digest, image.image_tags, None, image.action or EXPIRE, 0)


def _target_of(approved: PreviewedImage, settings: CleanupSettings) -> Fate:
    if settings.whole_policy:
        return Fate.GONE if approved.action == EXPIRE else Fate.ARCHIVED
    return TARGETS[settings.action]


def _order(image: RepositoryImage, levels: Mapping[str, int]) -> tuple[object, ...]:
    # A list is pushed after the lists that it names and has to go before them; of other images the oldest come first.
    is_list, time = is_index(image), image.ordered_at.timestamp()
    return levels[image.image_digest], not is_list, -time if is_list else time, image.image_digest


def _is_pushed_again(approved: PreviewedImage, image: RepositoryImage) -> bool:
    pushed_at = approved.image_pushed_at
    return pushed_at is not None and abs(image.image_pushed_at - pushed_at) > _SAME_PUSH


def _lacks(preview: PreviewList | Unread, approved: PreviewedImage) -> bool:
    if isinstance(preview, Unread) or preview.images is None:
        return False
    listed = preview.images.get(approved.image_digest)
    return listed is None or listed.action != approved.action
