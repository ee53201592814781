"""Plan which approved images a clean-up touches, in which order, and why it leaves out the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from airflow_provider_ecr_preview.core.cleanup.approved import approved_images
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.journal import EarlierImage
from airflow_provider_ecr_preview.core.cleanup.judge import Judge
from airflow_provider_ecr_preview.core.cleanup.minimum_images import floor_of
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupAction, CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared
from airflow_provider_ecr_preview.core.ecr_values import EXPIRE, STANDARD
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.referrers import (
    Fate,
    is_index,
    last_change,
    removal_levels,
    subject_digests,
)
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.values import known_sum

MAX_BATCH = 100
"""BatchDeleteImage takes no more."""


TARGETS: dict[CleanupAction, Fate] = {"delete": Fate.GONE, "archive": Fate.ARCHIVED}
"""The planned fate of an image."""


@dataclass(frozen=True)
class CleanupPlan:
    """The changes that a clean-up of one repository makes if every check allows them.

    :param images: the images to be touched, in this order.
    :param spared: why each of the other approved images is left out, by digest.
    :param gone: approved images that are no longer in the repository.
    :param not_approved: images that the fresh preview lists but the approval does not; they are never touched.
    :param subjects: the subjects of each referrer among them; a referrer goes after all of its subjects.
    :param lists_that_stay: manifest lists that stay, the newest first. ECR does not delete the images that they name,
        and DescribeImages does not say which those are.
    :param earlier: images that earlier attempts at the same clean-up deleted or archived; they are not touched again.
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
        """Number of images that all attempts together touch."""
        return len(self.images) + len(self.earlier)

    @property
    def bytes_upper_bound(self) -> int | None:
        """Sum of the sizes of these images, or None if one is unknown. Shared layers make it an upper bound."""
        sizes = [image.image_size_in_bytes for image in self.images]
        return known_sum([*sizes, *(image.image_size_in_bytes for image in self.earlier.values())])

    @property
    def may_be_refused(self) -> list[RepositoryImage]:
        """The images that ECR may refuse to delete, because a manifest list that stays may name them."""
        if not self.lists_that_stay:
            return []
        newest = self.lists_that_stay[0].image_pushed_at
        return [image for image in self.images if not is_index(image) and image.image_pushed_at <= newest]

    def summary(self, action: CleanupAction) -> str:
        """Return the plan as one line for the log.

        :param action: the action on the images.
        """
        reasons = Counter(map(str, self.spared.values()))
        spared = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        text = (
            f"{counted(self.images, 'image')} to {action}, {len(self.spared)} spared{f' ({spared})' if spared else ''}."
        )
        if not (maybe := len(self.may_be_refused)):
            return text
        return f"{text} Up to {maybe} of these may be spared, because a manifest list that stays may name them."

    def spared_for(self, *reasons: Spared) -> list[str]:
        """Return the digests spared for any of these reasons."""
        return sorted(digest for digest, reason in self.spared.items() if reason in reasons)


def batches_of(images: Iterable[RepositoryImage], size: int = MAX_BATCH) -> Iterator[list[RepositoryImage]]:
    """Yield batches that can go to ECR one after the other.

    Manifest lists are never in a batch with images that they may name, nor referrers with their subjects.

    :param images: the images, in the order of a plan.
    :param size: the maximum number of images in a batch.
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


def plan_cleanup(
    evidence: Evidence, settings: CleanupSettings, spared_before: Mapping[str, Spared] | None = None
) -> CleanupPlan:
    """Return the plan of a clean-up from the facts known now; it is empty if an essential fact is missing.

    The checks decide whether the plan may be carried out.

    :param evidence: the facts.
    :param settings: the limits and protections of the clean-up.
    :param spared_before: images that stay spared whatever the facts say now, with the reason for each, by digest.
    """
    approved = approved_images(evidence)
    fresh, inventory = evidence.fresh, evidence.inventory
    earlier = evidence.earlier.done
    if approved is None or isinstance(fresh, Unread) or fresh.images is None or isinstance(inventory, Unread):
        return CleanupPlan(earlier=earlier)
    judge = Judge(evidence, settings, approved, fresh.images, inventory)
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
            image for image in lists if image.image_digest not in levels and image.storage_class == STANDARD
        ),
        earlier=earlier,
    )


def _floor(inventory: Sequence[RepositoryImage], settings: CleanupSettings) -> frozenset[str]:
    """Return the images that must stay. ECR itself spares none, so a whole policy is judged without a floor."""
    if settings.whole_policy:
        return frozenset()
    return frozenset(image.image_digest for image in floor_of(inventory, settings.minimum_images_left))


def _target_of(approved: PreviewedImage, settings: CleanupSettings) -> Fate:
    if settings.whole_policy:
        return Fate.GONE if approved.action == EXPIRE else Fate.ARCHIVED
    return TARGETS[settings.action]


def _order(image: RepositoryImage, levels: Mapping[str, int]) -> tuple[object, ...]:
    # A list is pushed after the lists that it names and must go before them; other images go oldest first.
    is_list, time = is_index(image), image.ordered_at.timestamp()
    return levels[image.image_digest], not is_list, -time if is_list else time, image.image_digest
