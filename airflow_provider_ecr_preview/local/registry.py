"""The contents of the local ECR, and the methods to fill it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from moto.core.models import DEFAULT_ACCOUNT_ID

from airflow_provider_ecr_preview.local.images import (
    IMAGE_MANIFEST,
    MANIFEST_LIST,
    list_manifest,
    referrer_manifest,
)
from airflow_provider_ecr_preview.local.pushing import put_image, put_images
from airflow_provider_ecr_preview.local.repository_store import DEFAULT_REGION, RepositoryStore

__all__ = ["DEFAULT_REGION", "DEFAULT_SIZE", "ManifestList", "Registry"]

DEFAULT_SIZE = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ManifestList:
    """The manifest list that :meth:`Registry.push_manifest_list` pushed.

    :param image_digest: digest of the manifest list.
    :param children: digests of its images, in the order of the platforms.
    """

    image_digest: str
    children: tuple[str, ...]


class Registry(RepositoryStore):
    """Repositories and images, and the clocks that their ages and previews follow.

    :param settings: the parameters of :class:`~airflow_provider_ecr_preview.local.repository_store.RepositoryStore`.
    """

    def push(
        self,
        repository: str,
        *,
        tags: Sequence[str] = (),
        pushed_days_ago: float = 0,
        size: int = DEFAULT_SIZE,
        base_size: int = 0,
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
        """Push an image and return its digest, as PutImage does. A tag that another image has moves to the new one.

        :param repository: the repository.
        :param tags: its tags; none for an untagged image.
        :param pushed_days_ago: when it was pushed.
        :param size: compressed size in bytes.
        :param base_size: how much of it is a layer that all images of the repository with a base share, in bytes.
        :param last_pull_days_ago: when it was pulled last; None for never.
        :param archived_days_ago: when it was archived; None for never.
        :param restored_days_ago: when it was restored from the archive; None for never.
        :param artifact_media_type: media type of an artifact, such as a signature.
        :param subject: digest of the image that it belongs to, as a signature or an SBOM does.
        :param manifest: text of the manifest; None to generate one.
        :param manifest_media_type: media type of the manifest.
        :param region_name: the Region.
        :param account_id: the registry.
        :raises ServiceException: if ECR would refuse the image.
        """
        found = self.repository(repository, region_name=region_name, account_id=account_id)
        with self.lock:
            is_generated = manifest is None
            if manifest is None:
                manifest = found.next_manifest(size, base_size)
            if subject is not None:
                manifest = referrer_manifest(manifest, found.find({"imageDigest": subject}))
            image = put_image(
                self,
                found,
                manifest,
                tags=tags,
                pushed_at=self._ago(pushed_days_ago),
                media_type=manifest_media_type,
                size=size,
                artifact_media_type=artifact_media_type,
                is_generated=is_generated,
            )
            if last_pull_days_ago is not None:
                image.pull(self._ago(last_pull_days_ago))
            if archived_days_ago is not None:
                image.archive(self._ago(archived_days_ago))
            if restored_days_ago is not None:
                found.restore(image, self._ago(restored_days_ago))
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
        :param tags: the tags of the image with this index, counted from 0 for the oldest; each tag must be unique.
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
            images = put_images(
                self,
                found,
                ((found.next_manifest(size), tags(index), oldest + index * step) for index in range(count)),
                media_type=IMAGE_MANIFEST,
                size=size,
            )
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
        :param pushed_days_ago: when the list and its images were pushed.
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
