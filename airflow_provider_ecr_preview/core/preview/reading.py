"""Turn one complete preview into a summary and lists, from its pages and the images of the repository."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.expected import ExpectedPolicy
from airflow_provider_ecr_preview.core.preview.affected import ProtectedImages, UsedImages, recent_pulls_since
from airflow_provider_ecr_preview.core.preview.drift_findings import drift_findings
from airflow_provider_ecr_preview.core.preview.finding import Finding, by_severity
from airflow_provider_ecr_preview.core.preview.findings import find
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.kept import KeptImage, kept_images
from airflow_provider_ecr_preview.core.preview.layers import FreedBytes
from airflow_provider_ecr_preview.core.preview.pages import PreviewPage, summarize_pages
from airflow_provider_ecr_preview.core.preview.registry_findings import (
    IMAGE_QUOTA,
    RegistryFacts,
    quota_findings,
    registry_findings,
)
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.preview.summary import PreviewSummary
from airflow_provider_ecr_preview.core.protection.rules import RECENTLY_PULLED_DAYS, ImageProtection
from airflow_provider_ecr_preview.core.repository import DigestKey, RepositoryId
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom

UsedImagesOf = Callable[[RepositoryId], UsedImages | None]
"""Returns a collector of the affected images of a repository that are in use; None if that is unknown."""


ReplicasOf = Callable[[RepositoryId], Sequence[RepositoryId] | Unread]
"""Returns the replicas that repeat the deletions made in a repository."""


FreedBytesOf = Callable[[PreviewSummary, RepositoryInventory], FreedBytes]
"""Returns what the expiring images of a whole preview free, by their manifests."""


ExpectedPolicyOf = Callable[[str], ExpectedPolicy | None]
"""Returns the policy that a repository is expected to have; None if no file is about it."""


class ImageList(Protocol):
    """The list that the images of one preview are written to as they stream by."""

    @property
    def images_uri(self) -> str | None:
        """The URL of the list once it is complete."""
        ...

    @property
    def write_kept(self) -> Callable[[Iterable[KeptImage]], object] | None:
        """Writes all images that stay; None if they are not wanted."""
        ...

    def write(self, image: PreviewedImage) -> object:
        """Write one affected image."""
        ...


@dataclass(frozen=True, kw_only=True)
class Lookout:
    """The problems to look for among the affected images.

    :param recently_pulled_days: an affected image pulled within this number of days is a finding.
    :param used_images: returns a collector of the affected images of a repository that are in use.
    :param protection: an affected image with a protected tag is a finding.
    :param replicas_of: returns the replicas that repeat the deletions made in a repository; None if they do not matter.
    :param expected_policy_of: returns the policy that a repository is expected to have, by its name, to compare it with
        the applied one; None if nothing is expected.
    :param registry_facts: the pull-through caches and creation templates of the registry; None if they do not matter.
    :param image_quota: number of images that a repository may have.
    """

    recently_pulled_days: float = RECENTLY_PULLED_DAYS
    used_images: UsedImagesOf | None = None
    protection: ImageProtection = field(default_factory=ImageProtection)
    replicas_of: ReplicasOf | None = None
    expected_policy_of: ExpectedPolicyOf | None = None
    registry_facts: RegistryFacts | None = None
    image_quota: int = IMAGE_QUOTA

    def at(self, repository: RepositoryId) -> tuple[Sequence[RepositoryId] | Unread | None, UsedImages | None]:
        """Return the replicas of a repository, and a collector of the affected images in use here or there.

        :param repository: the repository.
        """
        replicas = self.replicas_of(repository) if self.replicas_of is not None else None
        used_images = self.used_images(repository) if self.used_images is not None else None
        if self.used_images is None or used_images is None or not replicas or isinstance(replicas, Unread):
            return replicas, used_images
        there = filter(None, map(self.used_images, replicas))
        return replicas, used_images.with_replicas([*there])

    def of_policy(
        self,
        repository_name: str,
        policy: LifecyclePolicy | None,
        now: datetime,
        inventory: RepositoryInventory | None = None,
    ) -> list[Finding]:
        """Return the findings of the comparison of a policy with the expected one and with that of a creation template.

        :param repository_name: the repository.
        :param policy: its policy; None for none.
        :param now: the time (aware).
        :param inventory: its images, if they are known.
        """
        findings = []
        if self.expected_policy_of is not None:
            findings += drift_findings(policy, self.expected_policy_of(repository_name))
        if self.registry_facts is not None:
            findings += registry_findings(self.registry_facts, repository_name, policy, inventory, now)
        return findings


def read_preview(
    pages: Iterable[PreviewPage],
    *,
    inventory: RepositoryInventory | None = None,
    lookout: Lookout | None = None,
    image_list: ImageList | None = None,
    now: datetime | None = None,
    is_whole: bool = True,
    freed_bytes_of: FreedBytesOf | None = None,
    on_actions: Callable[[Mapping[DigestKey, str]], object] = bool,
) -> PreviewSummaryXCom:
    """Read a preview once, page by page, and return its summary.

    :param pages: the pages, already checked.
    :param inventory: the images of the repository, which add sizes and pulls; without them, few findings are possible.
    :param lookout: the problems to look for.
    :param image_list: the list to write the images to.
    :param now: the time from which recent pulls are counted (aware).
    :param is_whole: whether the pages are the whole preview; if not, it is unknown which images stay.
    :param freed_bytes_of: reads the manifests, to know exactly what is freed; needs the inventory and the whole preview.
    :param on_actions: called with the action on each affected image, once all pages are read.
    :raises PreviewInconsistentError: if the preview lists an image twice.
    :raises ValueError: if there is no page.
    """
    lookout = lookout or Lookout()
    recent_pulls = recent_pulls_since(now or datetime.now(UTC), lookout.recently_pulled_days)
    protected_images = ProtectedImages(lookout.protection.protected_tag_of)
    used_images: UsedImages | None = None
    replicas: Sequence[RepositoryId] | Unread | None = None

    def watched() -> Iterator[PreviewPage]:
        nonlocal used_images, replicas
        for number, page in enumerate(pages):
            # The first page names the registry.
            if not number:
                replicas, used_images = lookout.at(page.preview.repository)
            yield page

    def on_image(image: PreviewedImage) -> None:
        recent_pulls.add(image)
        protected_images.add(image)
        if used_images is not None:
            used_images.add(image)
        if image_list is not None:
            image_list.write(image)

    summary = summarize_pages(watched(), inventory, on_image)
    on_actions(summary.actions)
    if image_list is not None and image_list.write_kept is not None and inventory is not None:
        image_list.write_kept(
            kept_images(
                summary.policy,
                inventory.images,
                summary.__contains__,
                summary.previewed_at,
                expires=lambda digest: summary.action_of(digest) == EXPIRE,
            )
        )
    found = find(summary, inventory, recent_pulls, used_images, protected_images, replicas=replicas, is_whole=is_whole)
    found += lookout.of_policy(summary.repository_name, summary.policy, summary.previewed_at, inventory)
    if inventory is not None and is_whole:
        found += quota_findings(inventory, summary.expiring_image_count, lookout.image_quota, summary.previewed_at)
    freed = freed_bytes_of(summary, inventory) if freed_bytes_of is not None and inventory is not None else None
    return summary_xcom(
        summary,
        freed=freed,
        inventory=inventory,
        findings=by_severity(found),
        images_uri=None if image_list is None else image_list.images_uri,
    )
