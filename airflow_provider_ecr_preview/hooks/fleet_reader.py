"""Read one complete preview: its pages, the repository's images beside them, and the sum of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any, Protocol

from airflow_provider_ecr_preview.cleanup_evidence import RepositoryId
from airflow_provider_ecr_preview.findings import RECENTLY_PULLED_DAYS, UsedImages, find, recent_pulls_since
from airflow_provider_ecr_preview.hooks.fleet_schedule import RepositoryWork
from airflow_provider_ecr_preview.hooks.paced_calls import DESCRIBE_IMAGES, GET_PREVIEW, PacedCalls
from airflow_provider_ecr_preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.kept_images import KeptImage, kept_images
from airflow_provider_ecr_preview.pages import PageCheck, PreviewPage, PreviewStatus, checked, summarize_pages
from airflow_provider_ecr_preview.policy import LifecyclePolicy
from airflow_provider_ecr_preview.policy_evaluation import RepositoryImage
from airflow_provider_ecr_preview.preview import PreviewedImage
from airflow_provider_ecr_preview.xcom import PreviewSummaryXCom

PREVIEW_PAGE_SIZE = 100
DESCRIBE_IMAGES_PAGE_SIZE = 1000


UsedImagesOf = Callable[[RepositoryId], UsedImages | None]
"""Returns what collects the affected images of a repository that something runs; None if nobody asked."""


class ImageList(Protocol):
    """Where the affected images of one repository are written as they stream by."""

    @property
    def images_uri(self) -> str | None:
        """Where the list can be read when it is whole."""
        ...

    @property
    def write_kept(self) -> Callable[[Iterable[KeptImage]], object] | None:
        """Takes in the images that stay, all at once; None where nobody wants to know."""
        ...

    def write(self, image: PreviewedImage) -> object:
        """Take in one image."""
        ...


ImageLists = Callable[[PreviewStatus], AbstractContextManager[ImageList]]


class PreviewReader:
    """Reads complete previews, one in each thread that asks.

    :param calls: makes the calls.
    :param enrich: whether to ask DescribeImages for all images, their sizes and last pulls.
    :param recently_pulled_days: an affected image that was pulled within so many days is a finding.
    :param used_images: returns what collects the affected images of a repository that something runs.
    :param image_lists: opens the list of a repository's affected images. The block ends without error only when the
        preview was read to its end; a list of another preview, or of half of one, has to be given up.
    :param on_page: called with the number of images of every page.
    """

    def __init__(
        self,
        calls: PacedCalls,
        *,
        enrich: bool = True,
        recently_pulled_days: int = RECENTLY_PULLED_DAYS,
        used_images: UsedImagesOf | None = None,
        image_lists: ImageLists | None = None,
        on_page: Callable[[int], object] = bool,
    ) -> None:
        self._calls = calls
        self._enrich = enrich
        self._recently_pulled_days = recently_pulled_days
        self._used_images = used_images
        self._image_lists = image_lists
        self._on_page = on_page

    def read(self, work: RepositoryWork, first: PreviewPage, next_token: str | None) -> PreviewSummaryXCom:
        """Return the summary of a preview.

        :param work: the repository.
        :param first: the first page, which is complete.
        :param next_token: token of the second.
        :raises RepositoryError: if the pages cannot be read, or are not one whole preview.
        """
        recent_pulls = recent_pulls_since(datetime.now(UTC), self._recently_pulled_days)
        used_images = self._used_images(RepositoryId.of_preview(first.preview)) if self._used_images else None
        pages = checked(self._pages(work, first, next_token), PageCheck(work.policy_fingerprint))
        with self._image_lists(first.preview) if self._image_lists else nullcontext() as image_list:
            write_kept = image_list.write_kept if image_list is not None else None
            inventory = self._inventory(work, first.preview.policy, keep_images=write_kept is not None)

            def on_image(image: PreviewedImage) -> None:
                recent_pulls.add(image)
                if used_images is not None:
                    used_images.add(image)
                if image_list is not None:
                    image_list.write(image)

            summary = summarize_pages(pages, inventory, on_image)
            if write_kept is not None and inventory is not None:
                write_kept(kept_images(summary.policy, inventory.images, summary.__contains__, summary.previewed_at))
        return summary.as_xcom(
            inventory=inventory,
            findings=find(summary, inventory, recent_pulls, used_images),
            images_uri=image_list.images_uri if image_list is not None else None,
        )

    def _pages(self, work: RepositoryWork, first: PreviewPage, next_token: str | None) -> Iterator[PreviewPage]:
        self._on_page(len(first.images))
        yield first
        while next_token:
            response = self._calls.call(work, GET_PREVIEW, maxResults=PREVIEW_PAGE_SIZE, nextToken=next_token)
            next_token = response.get("nextToken")
            page = work.site.parsed(PreviewPage.from_response, response)
            self._on_page(len(page.images))
            yield page

    def _inventory(
        self, work: RepositoryWork, policy: LifecyclePolicy, *, keep_images: bool
    ) -> RepositoryInventory | None:
        if not self._enrich:
            return None
        inventory = RepositoryInventory(policy.rules, keep_images=keep_images)
        next_token: str | None = None
        while True:
            response = self._calls.call(
                work,
                DESCRIBE_IMAGES,
                maxResults=DESCRIBE_IMAGES_PAGE_SIZE,
                filter={"imageStatus": "ANY"},
                nextToken=next_token,
            )
            inventory.update(work.site.parsed(_images, response))
            if (next_token := response.get("nextToken")) is None:
                return inventory


def _images(response: Any, _: str) -> list[RepositoryImage]:
    return [*map(RepositoryImage.from_response, response["imageDetails"])]
