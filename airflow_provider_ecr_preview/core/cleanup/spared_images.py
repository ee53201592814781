"""Explain why an image is spared, so that a person can judge the decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property

from airflow_provider_ecr_preview.core.cleanup.answers import Answer
from airflow_provider_ecr_preview.core.cleanup.approved import approved_images, earlier_previews
from airflow_provider_ecr_preview.core.cleanup.check_catalog import SPARED_REASONS
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.plan import CleanupPlan
from airflow_provider_ecr_preview.core.cleanup.replicas import copies_of, users_in_replicas
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.referrers import last_change, subject_digests, subjects_above
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.core.text.visible import one_line

_SHOWN = 3


_SHOWN_DIGEST = len("sha256:") + 12


_DAY = 86_400


class SparedImages:
    """Explains the spared images of one repository.

    :param evidence: the facts about the repository.
    :param settings: the limits and protections of the clean-up.
    """

    def __init__(self, evidence: Evidence, settings: CleanupSettings) -> None:
        self._evidence = evidence
        self._settings = settings

    def saw(self, image_digest: str, reason: str) -> str:
        """Describe what was found about an image, or the general meaning of the reason if there are no details.

        :param image_digest: the image.
        :param reason: why it is spared, one of :class:`~airflow_provider_ecr_preview.core.cleanup.spared_reason.Spared`.
        """
        particular = self._particular.get(reason)
        image, approved = self._described.get(image_digest), self._approved.get(image_digest)
        seen = None if particular is None or image is None or approved is None else particular(image, approved)
        return one_line(seen) if seen else SPARED_REASONS[reason].meaning

    def with_example(self, answer: Answer, plan: CleanupPlan) -> str:
        """Return the finding of a check, with the details of the first image spared for it.

        :param answer: the answer of the check.
        :param plan: the plan, which has the reasons.
        """
        example = next((digest for digest in answer.image_digests if digest in plan.spared), None)
        if example is None:
            return answer.message
        return f"{answer.message} For example {short_digest(example)}: {self.saw(example, plan.spared[example])}"

    @cached_property
    def _particular(self) -> Mapping[str, Callable[[RepositoryImage, PreviewedImage], str | None]]:
        return {
            Spared.PROTECTED_TAG: self._protected_tag,
            Spared.IN_USE: self._in_use,
            Spared.TAGS_CHANGED: self._tags_changed,
            Spared.PUSHED_AGAIN: self._pushed_again,
            Spared.ACTION_CHANGED: self._action_changed,
            Spared.NOT_IN_EARLIER_PREVIEW: self._not_in_earlier_preview,
            Spared.NEWEST: self._newest,
            Spared.TOO_YOUNG: self._too_young,
            Spared.RECENTLY_PULLED: self._recently_pulled,
            Spared.SUBJECT_STAYS: self._subject_stays,
            Spared.REFERRER_STAYS: self._referrer_stays,
            Spared.REFERENCED_BY_MANIFEST_LIST: self._referenced,
        }

    @cached_property
    def _described(self) -> Mapping[str, RepositoryImage]:
        inventory = self._evidence.inventory
        return {} if isinstance(inventory, Unread) else {image.image_digest: image for image in inventory}

    @cached_property
    def _approved(self) -> Mapping[str, PreviewedImage]:
        return approved_images(self._evidence) or {}

    @cached_property
    def _fresh(self) -> Mapping[str, PreviewedImage]:
        fresh = self._evidence.fresh
        return {} if isinstance(fresh, Unread) else fresh.images or {}

    def _tags(self, image: RepositoryImage, approved: PreviewedImage) -> list[str]:
        fresh = self._fresh.get(image.image_digest)
        return sorted({*approved.image_tags, *image.image_tags, *(fresh.image_tags if fresh else ())})

    def _protected_tag(self, image: RepositoryImage, approved: PreviewedImage) -> str | None:
        found = self._settings.protection.protecting(self._tags(image, approved))
        if found is not None:
            return f"Its tag {found[0]} is protected by {found[1]}."
        for place, copy in copies_of(self._evidence, image.image_digest).items():
            if (found := self._settings.protection.protecting(copy.image_tags)) is not None:
                return f"Its tag {found[0]} in {place} is protected by {found[1]}."
        return None

    def _in_use(self, image: RepositoryImage, approved: PreviewedImage) -> str | None:
        used = self._evidence.in_use
        if used is None or isinstance(used, Unread):
            return None
        tags = self._tags(image, approved)
        users = used.users_of(image.image_digest, tags)
        if not users:
            copies = copies_of(self._evidence, image.image_digest).values()
            there = sorted({*tags, *(tag for copy in copies for tag in copy.image_tags)})
            users = users_in_replicas(self._evidence, image.image_digest, there)
        return f"It is used by {first_few(users)}." if users else None

    def _tags_changed(self, image: RepositoryImage, approved: PreviewedImage) -> str:
        return f"Its tags were {first_few(approved.image_tags)} at the approval, and are now {first_few(image.image_tags)}."

    def _pushed_again(self, image: RepositoryImage, approved: PreviewedImage) -> str | None:
        before = approved.image_pushed_at
        if before is None:
            return None
        return f"It was pushed at {_time(image.image_pushed_at)}; the approved image was pushed at {_time(before)}."

    def _action_changed(self, image: RepositoryImage, approved: PreviewedImage) -> str | None:
        fresh = self._fresh.get(image.image_digest)
        return None if fresh is None else f"{approved.action} was approved; a fresh preview says {fresh.action}."

    def _not_in_earlier_preview(self, image: RepositoryImage, approved: PreviewedImage) -> str | None:
        earlier = earlier_previews(self._evidence, self._settings)
        lacking = [
            time
            for time, preview in sorted(self._evidence.previous.items())
            if preview in earlier and _lacks(preview, image.image_digest, approved.action)
        ]
        return f"The preview of {_time(lacking[-1])} does not list it." if lacking else None

    def _newest(self, image: RepositoryImage, _: PreviewedImage) -> str:
        return f"It dates from {_time(last_change(image))} and is among the newest in the repository."

    def _too_young(self, image: RepositoryImage, _: PreviewedImage) -> str:
        time = last_change(image)
        days = (self._evidence.now - time).total_seconds() / _DAY
        what = "pushed" if time == image.image_pushed_at else "restored"
        return f"It was {what} at {_time(time)}, {days:.1f} days ago; min_age_days is {self._min_age_days:g}."

    @property
    def _min_age_days(self) -> float:
        return self._settings.protection.min_age_days

    def _recently_pulled(self, image: RepositoryImage, _: PreviewedImage) -> str | None:
        days, copies = self._settings.protection.recently_pulled_days, copies_of(self._evidence, image.image_digest)
        pulls = [(image.last_recorded_pull_time, "")]
        pulls += [(copy.last_recorded_pull_time, f" in {place}") for place, copy in copies.items()]
        known = [(time, where) for time, where in pulls if time is not None]
        if not known:
            return None
        time, where = max(known)
        return f"Its last recorded pull was at {_time(time)}{where}; recently_pulled_days is {days:g}."

    def _subject_stays(self, image: RepositoryImage, _: PreviewedImage) -> str | None:
        subjects = subject_digests(image)
        return f"It belongs to {first_few(subjects)}." if subjects else None

    def _referrer_stays(self, image: RepositoryImage, _: PreviewedImage) -> str | None:
        referrers = (of for of in self._described.values() if of.subject_manifest_digest)
        found = [of.image_digest for of in referrers if image.image_digest in subjects_above(of, self._described)]
        return f"An image that belongs to it is in use or protected: one of {first_few(found)}." if found else None

    def _referenced(self, image: RepositoryImage, _: PreviewedImage) -> str | None:
        return f"Manifest lists name it: {first_few(image.referenced_by)}." if image.referenced_by else None


def short_digest(image_digest: str) -> str:
    """Return a digest shortened to the part that people compare.

    :param image_digest: the digest.
    """
    return image_digest[:_SHOWN_DIGEST]


def _lacks(preview: PreviewList | Unread, image_digest: str, action: str) -> bool:
    if isinstance(preview, Unread) or preview.images is None:
        return False
    listed = preview.images.get(image_digest)
    return listed is None or listed.action != action


def first_few(texts: Sequence[str]) -> str:
    """Return the first three texts, and how many more there are.

    :param texts: the texts.
    """
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {more} more" if more > 0 else "") or "none"


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
