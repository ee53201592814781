"""What must never happen to an image, judged without the code under test: by manifests, tags and times alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from airflow_provider_ecr_preview.local.images import LocalImage
from airflow_provider_ecr_preview.local.repositories import LocalRepository

DAY = 86_400.0
_SUBJECT_TAG = re.compile(r"sha256-([0-9a-f]{64})(\..*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Seen:
    """An image at one moment."""

    digest: str
    tags: frozenset[str]
    pushed_at: float
    pulled_at: float | None
    activated_at: float | None
    status: str
    subjects: tuple[str, ...]
    manifest_subject: str | None
    children: tuple[str, ...]

    @property
    def changed_at(self) -> float:
        """When it was pushed, or restored after that."""
        return max(self.pushed_at, self.activated_at or 0.0)

    @property
    def can_be_run(self) -> bool:
        """Whether it can be run now."""
        return self.status == "ACTIVE" and not self.subjects


State = Mapping[str, Seen]
"""The images of a repository by digest."""

_relations: dict[str, tuple[tuple[str, ...], str | None]] = {}


def state_of(repository: LocalRepository) -> State:
    """Return what is in a repository now."""
    return {image.get_image_digest(): _seen(image) for image in repository.local_images}


def _seen(image: LocalImage) -> Seen:
    digest = image.get_image_digest()
    if digest not in _relations:
        manifest = json.loads(image.image_manifest)
        children = tuple(child["digest"] for child in manifest.get("manifests", ()))
        _relations[digest] = children, (manifest.get("subject") or {}).get("digest")
    children, subject = _relations[digest]
    tagged = (f"sha256:{match[1]}" for tag in image.image_tags if (match := _SUBJECT_TAG.fullmatch(tag)))
    subjects = tuple(of for of in dict.fromkeys((*filter(None, [subject]), *tagged)) if of != digest)
    return Seen(
        digest=digest,
        tags=frozenset(image.image_tags),
        pushed_at=float(image.image_pushed_at),
        pulled_at=image.last_recorded_pull_time,
        activated_at=image.last_activated_at,
        status=image.status,
        subjects=subjects,
        manifest_subject=subject,
        children=children,
    )


@dataclass(frozen=True, slots=True)
class Approved:
    """An image as it was approved."""

    action: str
    tags: frozenset[str]


@dataclass
class Rules:
    """What must not happen in one repository.

    :param settings: the parameters of the clean-up.
    :param approved: the approved images by digest.
    :param used_digests: what runs.
    :param used_tags: the tags that something runs.
    :param forbidden: why nothing may be touched at all, for example because a source was not read.
    :param skew: how far the clocks of the worker and of ECR may be apart, in seconds.
    """

    settings: Mapping[str, Any]
    approved: Mapping[str, Approved]
    used_digests: frozenset[str] = frozenset()
    used_tags: frozenset[str] = frozenset()
    forbidden: tuple[str, ...] = ()
    skew: float = 0.0
    _patterns: list[re.Pattern[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._patterns = [re.compile(pattern) for pattern in self.settings["protected_tag_patterns"]]

    def against(self, digest: str, state: State, now: float) -> set[str]:
        """Return why an image must not be touched.

        :param digest: an image that is there.
        :param state: what is in the repository.
        :param now: the time in the registry.
        """
        return set(self._against(state[digest], state, now)) | set(self.forbidden)

    def floor(self, state: State, digests: set[str]) -> bool:
        """Return whether so few images would be left that these must not be touched.

        :param state: what is in the repository.
        :param digests: what is about to be touched.
        """
        left = [image for image in state.values() if image.digest not in digests and image.can_be_run]
        if any(state[digest].can_be_run for digest in digests if digest in state):
            return len(left) < max(self.settings["minimum_images_left"], 1)
        return self.settings["action"] == "delete" and not state.keys() - digests

    def is_protected(self, image: Seen) -> bool:
        """Return whether a tag protects an image."""
        approved = self.approved.get(image.digest)
        tags = image.tags | (approved.tags if approved else frozenset())
        globs = self.settings["protected_tags"]
        return any(fnmatchcase(tag, glob) for tag in tags for glob in globs) or any(
            pattern.search(tag) for tag in tags for pattern in self._patterns
        )

    def is_used(self, image: Seen) -> bool:
        """Return whether something runs an image."""
        if not self.settings["check_in_use"]:
            return False
        approved = self.approved.get(image.digest)
        tags = image.tags | (approved.tags if approved else frozenset())
        return image.digest in self.used_digests or bool(tags & self.used_tags)

    def is_too_young(self, image: Seen, now: float) -> bool:
        """Return whether an image was pushed or restored lately."""
        days = self.settings["min_age_days"]
        return bool(days) and image.changed_at > now - days * DAY + self.skew + 1

    def is_pulled_lately(self, image: Seen, now: float) -> bool:
        """Return whether an image was pulled lately."""
        days = self.settings["recently_pulled_days"]
        return bool(days) and (image.pulled_at or 0.0) > now - days * DAY + self.skew + 1

    def is_newest(self, image: Seen, state: State) -> bool:
        """Return whether an image is for certain among the newest that can be run."""
        count = self.settings["newest_images_kept"]
        if not count or not image.can_be_run:
            return False
        others = [other for other in state.values() if other.can_be_run and other.digest != image.digest]
        newer = [other for other in others if other.changed_at >= image.changed_at]
        newer_tagged = [other for other in newer if other.tags]
        return len(newer) < count or (bool(image.tags) and len(newer_tagged) < count)

    def holders(self, image: Seen, state: State) -> list[Seen]:
        """Return what is there and has to stay, and that ECR would delete with the image."""
        return [
            other
            for other in state.values()
            if image.digest in _manifest_subjects(other, state) and (self.is_protected(other) or self.is_used(other))
        ]

    def staying_subjects(self, image: Seen, state: State) -> list[str]:
        """Return what an image belongs to that is there or runs, so that the image may not go."""
        archived = ("ARCHIVED",) if self.settings["action"] == "archive" else ()
        there = [of for of in image.subjects if of in state and state[of].status not in archived]
        running = [of for of in image.subjects if of not in state and self._runs(of)]
        return there + running

    def _runs(self, digest: str) -> bool:
        return self.settings["check_in_use"] and digest in self.used_digests

    def _against(self, image: Seen, state: State, now: float) -> Iterator[str]:
        approved = self.approved.get(image.digest)
        if approved is None:
            yield "not approved"
        elif self.settings["action"] == "delete" and approved.action != "EXPIRE":
            yield "approved to be archived"
        if self.is_protected(image):
            yield "protected by a tag"
        if self.is_used(image):
            yield "in use"
        if self.holders(image, state) and self.settings["action"] == "delete":
            yield "subject of an image that has to stay"
        if self.staying_subjects(image, state):
            yield "belongs to an image that stays"
        if self.is_too_young(image, now):
            yield "too young"
        if self.is_pulled_lately(image, now):
            yield "pulled lately"
        if self.is_newest(image, state):
            yield "newest"


def _manifest_subjects(image: Seen, state: State) -> set[str]:
    found: set[str] = set()
    of: Seen | None = image
    while of is not None and of.manifest_subject is not None and of.manifest_subject not in found:
        found.add(of.manifest_subject)
        of = state.get(of.manifest_subject)
    return found
