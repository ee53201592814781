"""Decide whether an approved image is spared, and why."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from airflow_provider_ecr_preview.core.cleanup.approved import earlier_previews
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.manifest_lists import lists_of_images_in_use
from airflow_provider_ecr_preview.core.cleanup.replicas import copies_of, replicates_deletions, users_in_replicas
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared
from airflow_provider_ecr_preview.core.ecr_values import ARCHIVE, EXPIRE
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.referrers import Fate, subject_digests, subjects_above
from airflow_provider_ecr_preview.core.repository import RepositoryImage

_SAME_PUSH = timedelta(seconds=2)
"""One ECR operation may report the time of a push to the second, another more precisely."""


@dataclass(frozen=True)
class Judge:
    """Decides for each approved image whether it is spared."""

    evidence: Evidence
    settings: CleanupSettings
    approved: Mapping[str, PreviewedImage]
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
            lambda image: self._is_in_use(image.image_digest, self._tags_at_any_time(image)),
            by_push_time=not self.settings.whole_policy,
        )

    @cached_property
    def subjects_of_guarded(self) -> frozenset[str]:
        """The subjects of images that are protected or in use: ECR deletes a referrer within a day of its subject."""
        guarded = (image for image in self.inventory if image.subject_manifest_digest and self._is_guarded(image))
        return frozenset(digest for image in guarded for digest in subjects_above(image, self.described))

    def spares(self, approved: PreviewedImage, image: RepositoryImage) -> Spared | None:
        """Return the most important reason to spare an image, or None."""
        fresh = self.fresh.get(approved.image_digest)
        reasons = (
            self._protects(image),
            self._has_changed(approved, fresh, image),
            self._is_for_something_else(approved, image),
            self._is_too_fresh(approved, image),
        )
        return next(filter(None, reasons), None)

    def _protects(self, image: RepositoryImage) -> Spared | None:
        tags = self._tags_at_any_time(image)
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
            # A preview no longer lists an image that has been archived, for example by an earlier attempt.
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
        """Return whether ECR would also delete the image in a replica. Archiving is not replicated."""
        fresh = self.fresh.get(image_digest)
        return replicates_deletions(self.settings) and (fresh is None or fresh.action == EXPIRE)

    def _copies(self, image_digest: str) -> list[RepositoryImage]:
        """Return the copies of the image in the replicas that would also delete it."""
        return [*copies_of(self.evidence, image_digest).values()] if self._is_deleted_in_replicas(image_digest) else []

    def _tags_of(self, image: RepositoryImage) -> list[str]:
        """Return the tags of an image, here and in the replicas that would also delete it."""
        return sorted({tag for copy in (image, *self._copies(image.image_digest)) for tag in copy.image_tags})

    def _tags_at_any_time(self, image: RepositoryImage) -> list[str]:
        """Return the tags that an image has or had in one of the two previews: each of them protects it."""
        previewed = (preview.get(image.image_digest) for preview in (self.approved, self.fresh))
        return sorted({*self._tags_of(image), *(tag for known in previewed if known for tag in known.image_tags)})

    def present_fate(self, image_digest: str) -> Fate:
        """Return the current fate of an image."""
        image = self.described.get(image_digest)
        return Fate.GONE if image is None else Fate.now(image)

    def held_by(self, image: RepositoryImage, going: Container[str]) -> Spared:
        """Return why an image must stay because another image stays.

        :param image: the image.
        :param going: the digests of the images that go.
        """
        lists = [of for of in image.referenced_by if of not in going and self.present_fate(of) < Fate.ARCHIVED]
        return Spared.REFERENCED_BY_MANIFEST_LIST if lists else Spared.SUBJECT_STAYS

    def _belongs_to_what_runs_elsewhere(self, image: RepositoryImage) -> bool:
        """Return whether the subject of an image is in use but no longer in the repository."""
        if not self.settings.check_referrers:
            return False
        return any(of not in self.described and self._is_in_use(of, ()) for of in subject_digests(image))

    def _is_guarded(self, image: RepositoryImage) -> bool:
        tags = self._tags_at_any_time(image)
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
        return is_to_archive and image.storage_class == ARCHIVE


def _is_pushed_again(approved: PreviewedImage, image: RepositoryImage) -> bool:
    pushed_at = approved.image_pushed_at
    return pushed_at is not None and abs(image.image_pushed_at - pushed_at) > _SAME_PUSH


def _lacks(preview: PreviewList | Unread, approved: PreviewedImage) -> bool:
    if isinstance(preview, Unread) or preview.images is None:
        return False
    listed = preview.images.get(approved.image_digest)
    return listed is None or listed.action != approved.action
