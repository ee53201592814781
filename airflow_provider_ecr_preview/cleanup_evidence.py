"""What a clean-up knows before it decides: what was approved, what is true now, and what could not be read.

A source that could not be read is an :class:`Unread`, never an empty list, so that no check can take it for clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from airflow_provider_ecr_preview.core.cleanup.journal import EarlierAttempts
from airflow_provider_ecr_preview.core.in_use.pull_grants import PullGrants
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.policy_evaluation import RepositoryImage
from airflow_provider_ecr_preview.preview import PreviewedImage, images_fingerprint
from airflow_provider_ecr_preview.xcom import MAX_SAMPLE_TAGS, SUMMARY_SCHEMA, PreviewSummaryXCom

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.cleanup.approval import Approval

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unread:
    """A source that could not be read.

    :param reason: what happened.
    :param remedy: which permission or step makes it readable, where that is known.
    """

    reason: str
    remedy: str | None = None


class InUse(Protocol):
    """What runs, as far as a clean-up asks: one repository's part of what was collected."""

    @property
    def unread_sources(self) -> Sequence[str]:
        """The sources that could not be read; nothing may be deleted while there are any."""

    @property
    def missing_scope(self) -> Sequence[str]:
        """The accounts and Regions that have to be read and were not; nothing may be deleted while there are any."""

    @property
    def read_scope(self) -> Sequence[str]:
        """The accounts and Regions that were read."""

    def users_of(self, image_digest: str, image_tags: Sequence[str]) -> Sequence[str]:
        """Return who uses an image, in words for a person; nothing if nobody does."""


@dataclass(frozen=True)
class PreviewList:
    """The images of one preview.

    :param policy_fingerprint: the policy that was previewed.
    :param images_fingerprint: the images that it would take.
    :param images: the images by digest; None when only their fingerprint is known.
    """

    policy_fingerprint: str
    images_fingerprint: str
    images: Mapping[str, PreviewedImage] | None = None

    @classmethod
    def of_images(cls, policy_fingerprint: str, images: Iterable[PreviewedImage]) -> PreviewList:
        """Return the list of a preview whose images are all known."""
        by_digest = {image.image_digest: image for image in images}
        fingerprint = images_fingerprint((image.image_digest, image.action) for image in by_digest.values())
        return cls(policy_fingerprint, fingerprint, by_digest)

    @classmethod
    def of_summary(
        cls, summary: PreviewSummaryXCom, listed: Iterable[PreviewedImage] | None = None
    ) -> PreviewList | Unread:
        """Return the list that a summary stands for; its images too, if they are known to be exactly those.

        :param summary: the summary.
        :param listed: the images of its ``images_uri``; without, its sample is taken where that holds all images.
        """
        of_fingerprint = cls(summary["policy_fingerprint"], summary["images_fingerprint"])
        known = cls.of_images(summary["policy_fingerprint"], _sampled(summary) if listed is None else listed)
        if known.images_fingerprint == summary["images_fingerprint"]:
            return known
        if listed is None:
            return of_fingerprint
        return Unread(
            f"the image list at {summary['images_uri']} is not the one of this summary: it was written again, or cut off.",
            "Preview again, and give every run a path of its own.",
        )


@dataclass(frozen=True)
class Replica:
    """A repository in which ECR deletes an image when it is deleted in the repository that is cleaned up.

    :param repository: the repository, of another Region or registry and of the same name.
    :param images: those of the approved images that are there, by digest.
    :param in_use: what runs there; None if nothing was collected.
    """

    repository: RepositoryId
    images: Mapping[str, RepositoryImage] | Unread
    in_use: InUse | Unread | None


@dataclass(frozen=True)
class Evidence:
    """What is known about one repository before anything in it is changed.

    :param summary: the summary that was approved.
    :param approved: its images.
    :param fresh: a preview of the same policy that was made just now.
    :param inventory: every image of the repository, described after the fresh preview.
    :param in_use: what runs; None if nobody asked.
    :param previous: earlier previews, by the time they were made.
    :param now: the time (aware).
    :param approval: what a person has approved; None if no approval binds the clean-up.
    :param replicas: the repositories in which ECR deletes what is deleted in this one.
    :param pulls: who else may pull from the repository; None if that was not read.
    :param earlier: what earlier attempts at the same clean-up did.
    """

    summary: PreviewSummaryXCom
    approved: PreviewList | Unread
    fresh: PreviewList | Unread
    inventory: Sequence[RepositoryImage] | Unread
    in_use: InUse | Unread | None
    now: datetime
    previous: Mapping[datetime, PreviewList | Unread] = field(default_factory=dict)
    approval: Approval | None = None
    replicas: Sequence[Replica] | Unread = ()
    pulls: PullGrants | Unread | None = None
    earlier: EarlierAttempts = field(default_factory=EarlierAttempts)

    @property
    def repository(self) -> RepositoryId:
        """The repository."""
        return RepositoryId.of(self.summary)

    @property
    def previewed_at(self) -> datetime | Unread:
        """When the approved preview was read."""
        return preview_time(self.summary)


def check_summary(value: Any) -> PreviewSummaryXCom:
    """Return a value of XCom if it is the summary of a preview.

    :param value: what was given to an operator.
    :raises ValueError: if it is anything else; says what to give.
    """
    if not isinstance(value, Mapping) or value.get("schema") != SUMMARY_SCHEMA:
        what = value.get("schema") if isinstance(value, Mapping) else type(value).__name__
        raise ValueError(
            f"This is not the summary of a preview ({SUMMARY_SCHEMA}), but {what!r}. Give the output of "
            "EcrSummarizeLifecyclePolicyPreviewOperator, and in a template set render_template_as_native_obj."
        )
    missing = [key for key in _NEEDED if value.get(key) is None]
    if missing or value["status"] != "COMPLETE":
        raise ValueError(f"The summary is not whole: {', '.join(missing) or value['status']}. Preview again.")
    return value  # type: ignore[return-value]  # as far as it is used, it was just checked


def preview_time(summary: PreviewSummaryXCom) -> datetime | Unread:
    """Return when a summarised preview was read."""
    try:
        time = datetime.fromisoformat(summary["previewed_at"])
    except (TypeError, ValueError):
        return Unread(f"previewed_at of the summary is no time: {summary['previewed_at']!r}.")
    return Unread("previewed_at of the summary has no time zone.") if time.tzinfo is None else time


_NEEDED = (
    "registry_id",
    "region_name",
    "repository_name",
    "status",
    "previewed_at",
    "policy_fingerprint",
    "images_fingerprint",
    "expiring_image_count",
    "archiving_image_count",
    "findings",
    "sample",
)


def _sampled(summary: PreviewSummaryXCom) -> list[PreviewedImage]:
    # A sample cuts long lists of tags; an image whose tags may have been cut is not known.
    return [
        PreviewedImage(
            image["image_digest"],
            tuple(image["image_tags"]),
            None if image["image_pushed_at"] is None else datetime.fromisoformat(image["image_pushed_at"]),
            image["action"],
            image["applied_rule_priority"],
        )
        for image in summary["sample"]
        if len(image["image_tags"]) < MAX_SAMPLE_TAGS
    ]
