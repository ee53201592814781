"""The facts behind a clean-up: the approved images, the current state, and the sources that could not be read.

A source that could not be read is an :class:`Unread`, never an empty list, so no check can mistake it for an empty one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from airflow_provider_ecr_preview.core.cleanup.journal import EarlierAttempts
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread, preview_time
from airflow_provider_ecr_preview.core.pull_grants import PullGrants
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.cleanup.approval import Approval


T = TypeVar("T")


class InUse(Protocol):
    """The images in use in one repository."""

    @property
    def unread_sources(self) -> Sequence[str]:
        """The sources that could not be read; nothing is deleted while there are any."""

    @property
    def missing_scope(self) -> Sequence[str]:
        """The accounts and Regions that should have been read and were not; nothing is deleted while there are any."""

    @property
    def read_scope(self) -> Sequence[str]:
        """The accounts and Regions that were read."""

    def users_of(self, image_digest: str, image_tags: Sequence[str]) -> Sequence[str]:
        """Describe who uses an image; empty if it is unused."""


@dataclass(frozen=True)
class Replica:
    """A replica, in which ECR repeats each deletion made in the repository being cleaned up.

    :param repository: the repository: the same name in another Region or registry.
    :param images: the approved images that it also holds, by digest.
    :param in_use: the images in use there; None if nothing was collected.
    """

    repository: RepositoryId
    images: Mapping[str, RepositoryImage] | Unread
    in_use: InUse | Unread | None


@dataclass(frozen=True)
class PreviewedPolicy:
    """The policy that decides which images go, next to the one that is applied.

    :param policy: the policy that was previewed.
    :param applied: the applied policy; None if the repository has none.
    """

    policy: LifecyclePolicy
    applied: LifecyclePolicy | Unread | None


@dataclass(frozen=True)
class Evidence:
    """The facts about one repository before anything in it changes.

    :param summary: the summary that was approved.
    :param approved: its images.
    :param fresh: a preview of the same policy that was made just now.
    :param inventory: every image of the repository, described after the fresh preview.
    :param in_use: the images in use; None if nothing was collected.
    :param previous: earlier previews, in the order in which they were made.
    :param now: the time (aware).
    :param approval: the approval that binds the clean-up; None if there is none.
    :param replicas: the repositories in which ECR repeats a deletion made in this one.
    :param pulls: the other accounts that may pull from the repository; None if that was not read.
    :param earlier: the changes that earlier attempts at the same clean-up made.
    :param policy: the policy behind the previews; None if it was not read for this.
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
    policy: PreviewedPolicy | None = None

    @property
    def repository(self) -> RepositoryId:
        """The repository."""
        return RepositoryId.of(self.summary)

    @property
    def previewed_at(self) -> datetime | Unread:
        """When the approved preview was read."""
        return preview_time(self.summary)
