"""Read one complete preview and the repository's images, and summarize both."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import Any

from airflow_provider_ecr_preview.aws.pages import DESCRIBE_IMAGES_PAGE_SIZE, images_of
from airflow_provider_ecr_preview.core.exceptions import EcrPreviewError
from airflow_provider_ecr_preview.core.money.prices import Prices
from airflow_provider_ecr_preview.core.money.storage import Storage
from airflow_provider_ecr_preview.core.policy.rule import Rule
from airflow_provider_ecr_preview.core.preview.finding import Finding
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.layers import FreedBytes
from airflow_provider_ecr_preview.core.preview.measured import measured
from airflow_provider_ecr_preview.core.preview.pages import PageCheck, PreviewPage, PreviewStatus, checked
from airflow_provider_ecr_preview.core.preview.reading import ImageList, Lookout, read_preview
from airflow_provider_ecr_preview.core.preview.result import bounded
from airflow_provider_ecr_preview.core.preview.rule_costs import with_costs
from airflow_provider_ecr_preview.core.preview.summary import PreviewSummary
from airflow_provider_ecr_preview.core.repository import DigestKey
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom
from airflow_provider_ecr_preview.engine.fleet.calls import (
    BATCH_GET_IMAGE,
    DESCRIBE_IMAGES,
    GET_PREVIEW,
    PacedCalls,
    StoppedError,
)
from airflow_provider_ecr_preview.engine.fleet.schedule import RepositoryWork
from airflow_provider_ecr_preview.engine.manifests import MEDIA_TYPES, freed_by
from airflow_provider_ecr_preview.reports.manifests import ManifestCache

log = logging.getLogger(__name__)


PREVIEW_PAGE_SIZE = 100


ImageLists = Callable[[PreviewStatus], AbstractContextManager[ImageList]]


class PreviewReader:
    """Reads complete previews, one per calling thread.

    :param calls: makes the calls.
    :param enrich: whether to ask DescribeImages for all images, their sizes and last pulls.
    :param lookout: what to flag among the affected images.
    :param image_lists: opens the list that stores a repository's affected images. The block ends without error only if
        the preview was read to its end; otherwise the list is incomplete or of another preview, and must be discarded.
    :param on_page: called with the number of images on every page.
    :param read_manifests: whether to read the manifests, to know exactly what is freed.
    :param manifest_cache: keeps the manifests between audits; None for no cache.
    :param prices: the prices of stored images; None to measure no storage.
    :param owner_tag: the tag that names the owner of a repository; None to read no tags.
    """

    def __init__(
        self,
        calls: PacedCalls,
        *,
        enrich: bool = True,
        lookout: Lookout | None = None,
        image_lists: ImageLists | None = None,
        on_page: Callable[[int], object] = bool,
        read_manifests: bool = False,
        manifest_cache: ManifestCache | None = None,
        prices: Prices | None = None,
        owner_tag: str | None = None,
    ) -> None:
        self._calls = calls
        self._enrich = enrich
        self._lookout = lookout
        self._image_lists = image_lists
        self._on_page = on_page
        self._read_manifests = read_manifests
        self._manifest_cache = manifest_cache
        self._prices = prices
        self._owner_tag = owner_tag

    def read(
        self, work: RepositoryWork, first: PreviewPage, next_token: str | None
    ) -> tuple[PreviewSummaryXCom, Storage | None]:
        """Return the summary of a preview, and the stored images if they are measured.

        :param work: the repository.
        :param first: the first page, which is complete.
        :param next_token: token of the second page.
        :raises RepositoryError: if the pages cannot be read, or do not form one complete preview.
        """
        pages = checked(self._pages(work, first, next_token), PageCheck(work.policy_fingerprint))
        with self._image_lists(first.preview) if self._image_lists else nullcontext() as image_list:
            keep_images = self._is_simulated(work) or (image_list is not None and image_list.write_kept is not None)
            inventory = (
                self._inventory(work, first.preview.policy.rules, keep_images=keep_images) if self._enrich else None
            )
            actions: list[Mapping[DigestKey, str]] = []
            summary = read_preview(
                pages,
                inventory=inventory,
                lookout=self._lookout,
                image_list=image_list,
                freed_bytes_of=partial(self._freed, work) if self._read_manifests else None,
                on_actions=actions.append,
            )
            if inventory is None or self._prices is None:
                return summary, None
            priced = with_costs(summary["rules"], first.preview.policy.rules, self._prices, work.site.region_name)
            return bounded({**summary, "rules": priced}), measured(
                inventory,
                actions[0],
                prices=self._prices,
                region_name=work.site.region_name,
                is_applied=work.policy is None,
            )

    def stored(self, work: RepositoryWork) -> Storage | None:
        """Return the stored images of a repository without a policy, or None if they are not or cannot be measured.

        :param work: the repository.
        """
        if self._prices is None or not self._enrich:
            return None
        try:
            inventory = self._inventory(work, (), keep_images=False)
        except EcrPreviewError as error:
            if self._calls.credentials_error is not None:
                raise StoppedError from error
            log.warning("The stored images of %s are not measured: %s", work.site, error)
            return None
        return measured(inventory, {}, prices=self._prices, region_name=work.site.region_name, is_applied=True)

    def owner(self, work: RepositoryWork) -> str | None:
        """Return the owner of a repository: an empty text if it lacks the tag, None if its tags cannot be read.

        :param work: the repository.
        """
        if self._owner_tag is None:
            return None
        try:
            return self._calls.tags(work).get(self._owner_tag, "")
        except EcrPreviewError as error:
            if self._calls.credentials_error is not None:
                raise StoppedError from error
            log.warning("The owner of %s is not known: %s", work.site, error)
            return None

    def _is_simulated(self, work: RepositoryWork) -> bool:
        """Return whether the policy of a creation template is simulated on the images of a repository."""
        facts = None if self._lookout is None else self._lookout.registry_facts
        return facts is not None and facts.template_of(work.site.repository_name) is not None

    def found_without_policy(self, repository_name: str) -> list[Finding]:
        """Return what is found in a repository that has no policy, for example that one is expected.

        :param repository_name: the repository.
        """
        return [] if self._lookout is None else self._lookout.of_policy(repository_name, None, datetime.now(UTC))

    def _freed(self, work: RepositoryWork, summary: PreviewSummary, inventory: RepositoryInventory) -> FreedBytes:
        def batch_get_image(image_ids: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:
            return self._calls.call(work, BATCH_GET_IMAGE, imageIds=image_ids, acceptedMediaTypes=[*MEDIA_TYPES])

        return freed_by(summary, inventory, batch_get_image, self._manifest_cache)

    def _pages(self, work: RepositoryWork, first: PreviewPage, next_token: str | None) -> Iterator[PreviewPage]:
        self._on_page(len(first.images))
        yield first
        while next_token:
            response = self._calls.call(work, GET_PREVIEW, maxResults=PREVIEW_PAGE_SIZE, nextToken=next_token)
            next_token = response.get("nextToken")
            page = work.site.parsed(PreviewPage.from_response, response)
            self._on_page(len(page.images))
            yield page

    def _inventory(self, work: RepositoryWork, rules: Sequence[Rule], *, keep_images: bool) -> RepositoryInventory:
        inventory = RepositoryInventory(rules, keep_images=keep_images)
        next_token: str | None = None
        while True:
            response = self._calls.call(
                work,
                DESCRIBE_IMAGES,
                maxResults=DESCRIBE_IMAGES_PAGE_SIZE,
                filter={"imageStatus": "ANY"},
                nextToken=next_token,
            )
            inventory.update(work.site.parsed(images_of, response))
            if (next_token := response.get("nextToken")) is None:
                return inventory
