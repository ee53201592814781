"""What a clean-up knows before it decides: what was approved, what is true now, and what could not be read.

A source that could not be read is an :class:`Unread`, never an empty list, so that no check can take it for clear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from airflow_provider_ecr_preview.core.cleanup.journal import EarlierAttempts
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread, preview_time
from airflow_provider_ecr_preview.core.pull_grants import PullGrants
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.cleanup.approval import Approval


T = TypeVar("T")


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
