"""What is in the local ECR, and the means to put it there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ecr.models import ECRBackend, ecr_backends

from airflow_provider_ecr_preview.core.lint.policy import PolicySource
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.local.clock import Clock
from airflow_provider_ecr_preview.local.images import (
    IMAGE_MANIFEST,
    MANIFEST_LIST,
    LocalImage,
    digest_of,
    image_manifest,
    list_manifest,
    referrer_manifest,
)
from airflow_provider_ecr_preview.local.previews import Preview
from airflow_provider_ecr_preview.local.replication import replicate_push
from airflow_provider_ecr_preview.local.repositories import LocalRepository

DEFAULT_REGION = "us-east-1"


DEFAULT_SIZE = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ManifestList:
    """What :meth:`Registry.push_manifest_list` pushed.

    :param image_digest: digest of the manifest list.
    :param children: digests of its images, in the order of the platforms.
    """

    image_digest: str
    children: tuple[str, ...]


class Registry:
    """Repositories and images, with the clocks that their ages and previews follow.

    :param now: the time in the registry, which then stands still; None for the real time.
    :param preview_seconds: how long a preview stays IN_PROGRESS, or a function of the repository's name that says so.
    :param preview_life_seconds: how long a preview's results can be read before it is EXPIRED; None for ever.
    :param token_life_seconds: the age at which a page token of a preview is refused; None for never.
    :param restore_seconds: how long an image that is restored from the archive stays ACTIVATING.
    """

    def __init__(
        self,
        *,
        now: datetime | None = None,
        preview_seconds: float | Callable[[str], float] = 0.0,
        preview_life_seconds: float | None = None,
        token_life_seconds: float | None = None,
        restore_seconds: float = 0.0,
    ) -> None:
        self.clock = Clock(now)
        self.preview_seconds = preview_seconds
        self.preview_life_seconds = preview_life_seconds
        self.token_life_seconds = token_life_seconds
        self.restore_seconds = restore_seconds
        self._times = (preview_seconds, preview_life_seconds, token_life_seconds, restore_seconds)
        self.lock = threading.RLock()
        """Held while an operation runs, because moto's own structures are not made for threads."""

    @property
    def now(self) -> datetime:
        """The time in the registry. Setting it makes it stand still there."""
        return self.clock.now()

    @now.setter
    def now(self, now: datetime) -> None:
        self.clock.set(now)

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move the registry's time and the running clock of previews forward, so that no test needs to sleep."""
        self.clock.advance(timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))

    def reset_times(self) -> None:
        """Set the clocks and all times back to what they were at the beginning."""
        self.clock.reset()
        self.preview_seconds, self.preview_life_seconds, self.token_life_seconds, self.restore_seconds = self._times

    def backend(self, region_name: str = DEFAULT_REGION, account_id: str = DEFAULT_ACCOUNT_ID) -> ECRBackend:
        """Return moto's own store of one Region of one account."""
        return ecr_backends[account_id][region_name]

    def repository(
        self, repository: str, *, region_name: str = DEFAULT_REGION, account_id: str = DEFAULT_ACCOUNT_ID
    ) -> LocalRepository:
        """Return a repository.

        :raises LookupError: if there is none of this name.
        """
        found = self.backend(region_name, account_id).repositories.get(repository)
        if found is None:
            raise LookupError(f"There is no repository {repository!r} in {region_name} of account {account_id}.")
        return cast("LocalRepository", found)

    def create_repository(
        self,
        repository: str,
        *,
        policy: PolicySource | None = None,
        created_days_ago: float = 0,
        tags: Mapping[str, str] | None = None,
        tag_mutability: str = "MUTABLE",
        region_name: str = DEFAULT_REGION,
        account_id: str = DEFAULT_ACCOUNT_ID,
    ) -> str:
        """Create a repository and return its name.

        :param repository: the name.
        :param policy: its lifecycle policy, as JSON text or dict; None for no policy.
        :param created_days_ago: its age.
        :param tags: resource tags.
        :param tag_mutability: ``MUTABLE`` or ``IMMUTABLE``.
        :param region_name: the Region.
        :param account_id: the registry.
        """
        with self.lock:
            created = self.backend(region_name, account_id).create_repository(
                repository_name=repository,
                registry_id=None,
                encryption_config={},
                image_scan_config=None,
                image_tag_mutability=tag_mutability,
                tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
            )
            created.created_at = self._ago(created_days_ago).replace(tzinfo=None)
        if policy is not None:
            self.put_policy(repository, policy, region_name=region_name, account_id=account_id)
        return repository

    def put_policy(
        self,
        repository: str,
        policy: PolicySource,
        *,
        region_name: str = DEFAULT_REGION,
        account_id: str = DEFAULT_ACCOUNT_ID,
    ) -> None:
        """Apply a lifecycle policy.

        :raises InvalidLifecyclePolicyError: if ECR would refuse it.
        """
        found = self.repository(repository, region_name=region_name, account_id=account_id)
        found.lifecycle_policy = LifecyclePolicy.parse(policy).text

    def start_preview(
        self,
        repository: str,
        policy: PolicySource,
        *,
        seconds: float | None = None,
        region_name: str = DEFAULT_REGION,
        account_id: str = DEFAULT_ACCOUNT_ID,
    ) -> None:
        """Start a preview as another caller would, in place of the one that is there, also when that still runs.

        :param repository: the repository.
        :param policy: the policy.
        :param seconds: how long it stays IN_PROGRESS; None for ``preview_seconds``.
        :param region_name: the Region.
        :param account_id: the registry.
        :raises InvalidLifecyclePolicyError: if ECR would refuse the policy.
        """
        found = self.repository(repository, region_name=region_name, account_id=account_id)
        with self.lock:
            self.replace_preview(found, LifecyclePolicy.parse(policy), seconds=seconds)

    def replace_preview(
        self, repository: LocalRepository, policy: LifecyclePolicy, *, seconds: float | None = None
    ) -> Preview:
        """Evaluate a policy over a repository as it is now, and make that its preview."""
        if seconds is None:
            of_name = self.preview_seconds
            seconds = of_name(repository.name) if callable(of_name) else of_name
        repository.preview = Preview(
            policy,
            repository.as_rules_see_it(),
            self.now,
            self.clock,
            seconds=seconds,
            life_seconds=self.preview_life_seconds,
        )
        return repository.preview

    def push(
        self,
        repository: str,
        *,
        tags: Sequence[str] = (),
        pushed_days_ago: float = 0,
        size: int = DEFAULT_SIZE,
        last_pull_days_ago: float | None = None,
        archived_days_ago: float | None = None,
        restored_days_ago: float | None = None,
        artifact_media_type: str | None = None,
        subject: str | None = None,
        manifest: str | None = None,
        manifest_media_type: str = IMAGE_MANIFEST,
        region_name: str = DEFAULT_REGION,
        account_id: str = DEFAULT_ACCOUNT_ID,
    ) -> str:
        """Push an image and return its digest. A tag that another image has moves to the new one.

        :param repository: the repository.
        :param tags: its tags; none for an untagged image.
        :param pushed_days_ago: when it was pushed.
        :param size: compressed size in bytes.
        :param last_pull_days_ago: when it was pulled last; None for never.
        :param archived_days_ago: when it was archived; None for never.
        :param restored_days_ago: when it was restored from the archive; None for never.
        :param artifact_media_type: media type of an artifact, such as a signature.
        :param subject: digest of the image that it belongs to, as a signature or an SBOM does.
        :param manifest: text of the manifest; None to have one made up.
        :param manifest_media_type: media type of the manifest.
        :param region_name: the Region.
        :param account_id: the registry.
        """
        found = self.repository(repository, region_name=region_name, account_id=account_id)
        with self.lock:
            self._untag(found, tags)
            image = self._image(
                found,
                tags,
                self._ago(pushed_days_ago),
                size,
                manifest=manifest,
                manifest_media_type=manifest_media_type,
                subject=None if subject is None else found.find({"imageDigest": subject}),
            )
            image.artifact_media_type = artifact_media_type or image.artifact_media_type
            if last_pull_days_ago is not None:
                image.pull(self._ago(last_pull_days_ago))
            if archived_days_ago is not None:
                image.archive(self._ago(archived_days_ago))
            if restored_days_ago is not None:
                image.restore(self._ago(restored_days_ago))
            found.images.append(image)
            replicate_push(self, found, [image])
        return image.get_image_digest()

    def push_many(
        self,
        repository: str,
        count: int,
        *,
        tags: Callable[[int], Sequence[str]] = lambda index: (f"build-{index}",),
        newest_days_ago: float = 0,
        oldest_days_ago: float = 365,
        size: int = DEFAULT_SIZE,
        region_name: str = DEFAULT_REGION,
        account_id: str = DEFAULT_ACCOUNT_ID,
    ) -> list[str]:
        """Push many images, evenly over time and the oldest first, and return their digests.

        :param repository: the repository.
        :param count: number of images.
        :param tags: the tags of the image with this index, counted from 0 for the oldest; every tag only once.
        :param newest_days_ago: age of the newest.
        :param oldest_days_ago: age of the oldest.
        :param size: compressed size of each, in bytes.
        :param region_name: the Region.
        :param account_id: the registry.
        """
        found = self.repository(repository, region_name=region_name, account_id=account_id)
        oldest = self._ago(oldest_days_ago)
        step = (self._ago(newest_days_ago) - oldest) / max(count - 1, 1)
        with self.lock:
            images = [self._image(found, tags(index), oldest + index * step, size) for index in range(count)]
            found.images.extend(images)
            replicate_push(self, found, images)
        return [image.get_image_digest() for image in images]

    def push_manifest_list(
        self,
        repository: str,
        *,
        tags: Sequence[str] = (),
        platforms: Sequence[str] = ("linux/amd64", "linux/arm64"),
        pushed_days_ago: float = 0,
        size: int = DEFAULT_SIZE,
        last_pull_days_ago: float | None = None,
        region_name: str = DEFAULT_REGION,
        account_id: str = DEFAULT_ACCOUNT_ID,
    ) -> ManifestList:
        """Push a manifest list with an untagged image for every platform.

        :param repository: the repository.
        :param tags: tags of the list.
        :param platforms: operating system and architecture of each image.
        :param pushed_days_ago: when all of it was pushed.
        :param size: compressed size of each image, in bytes.
        :param last_pull_days_ago: when the list and its first image were pulled last; None for never.
        :param region_name: the Region.
        :param account_id: the registry.
        """
        found = self.repository(repository, region_name=region_name, account_id=account_id)
        children = [
            self.push(
                repository,
                pushed_days_ago=pushed_days_ago,
                size=size,
                last_pull_days_ago=None if position else last_pull_days_ago,
                region_name=region_name,
                account_id=account_id,
            )
            for position in range(len(platforms))
        ]
        images = [found.find({"imageDigest": digest}) for digest in children]
        digest = self.push(
            repository,
            tags=tags,
            pushed_days_ago=pushed_days_ago,
            size=size,
            last_pull_days_ago=last_pull_days_ago,
            manifest=list_manifest(zip(images, platforms, strict=True)),
            manifest_media_type=MANIFEST_LIST,
            region_name=region_name,
            account_id=account_id,
        )
        return ManifestList(digest, tuple(children))

    def _image(
        self,
        repository: LocalRepository,
        tags: Sequence[str],
        pushed_at: datetime,
        size: int,
        *,
        manifest: str | None = None,
        manifest_media_type: str = IMAGE_MANIFEST,
        subject: LocalImage | None = None,
    ) -> LocalImage:
        if manifest is None:
            repository.pushes += 1
            manifest = image_manifest(f"{repository.arn} {repository.pushes}", size)
        if subject is not None:
            manifest = referrer_manifest(manifest, subject)
        image = LocalImage(
            repository.registry_id,
            tags[-1] if tags else None,
            manifest,
            repository.name,
            manifest_media_type,
            digest_of(manifest),
            clock=self.clock,
        )
        image.image_tags = list(tags)
        image.image_pushed_at = pushed_at.timestamp()  # type: ignore[assignment]  # moto has whole seconds only
        image.size = size
        return image

    def _untag(self, repository: LocalRepository, tags: Iterable[str]) -> None:
        for tag in tags:
            for image in repository.local_images:
                if tag in image.image_tags:
                    image.remove_tag(tag)

    def _ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)
