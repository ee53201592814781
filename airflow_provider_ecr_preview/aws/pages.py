"""Read ECR's pages: the images of a preview and the images of a repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_provider_ecr_preview.aws.arguments import MAX_IMAGE_IDS
from airflow_provider_ecr_preview.aws.errors import CallSite, translated
from airflow_provider_ecr_preview.core.preview.pages import PreviewPage
from airflow_provider_ecr_preview.core.repository import RepositoryImage

DESCRIBE_IMAGES_PAGE_SIZE = 1000


_UNPAGED: Mapping[str, Any] = {"max_items": None, "page_size": None, "starting_token": None}


def preview_pages(
    client: Any, site: CallSite, request: Mapping[str, Any], paging: Mapping[str, Any] = _UNPAGED
) -> Iterator[PreviewPage]:
    """Yield the pages of a preview, unchecked.

    With ``max_items``, each page is yielded one call late, because the paginator knows the token only after the last
    page.

    :param client: a boto3 client of ECR.
    :param site: the repository.
    :param request: the parameters of the call.
    :param paging: ``max_items``, ``page_size`` and ``starting_token``.
    """
    config = {
        "MaxItems": paging["max_items"],
        "PageSize": paging["page_size"],
        "StartingToken": paging["starting_token"],
    }
    with translated(site):
        iterator = client.get_paginator("get_lifecycle_policy_preview").paginate(
            **request, PaginationConfig={name: value for name, value in config.items() if value is not None}
        )
    responses = iter(iterator)
    with_token = paging["starting_token"] is not None
    late: PreviewPage | None = None
    while (response := _next(site, responses, with_token=with_token)) is not None:
        page = site.parsed(PreviewPage.from_response, response)
        if paging["max_items"] is None:
            yield page
        else:
            if late is not None:
                yield late
            late = page
        with_token = "nextToken" in response
    if late is not None:
        yield replace(late, next_token=iterator.resume_token)


def preview_pages_of_images(
    client: Any, site: CallSite, request: Mapping[str, Any], image_ids: Sequence[Mapping[str, str]]
) -> Iterator[PreviewPage]:
    """Yield a page for every 100 named images. Each image appears once, even if several tags name it.

    :param client: a boto3 client of ECR.
    :param site: the repository.
    :param request: the parameters of the call.
    :param image_ids: the images, by digest or tag.
    """
    listed: set[str] = set()
    for start in range(0, len(image_ids), MAX_IMAGE_IDS):
        named = {**request, "imageIds": list(image_ids[start : start + MAX_IMAGE_IDS])}
        for page in preview_pages(client, site, named):
            yield replace(page, images=[image for image in page.images if image.image_digest not in listed])
            listed.update(image.image_digest for image in page.images)


def repository_images(client: Any, site: CallSite, request: Mapping[str, Any]) -> Iterator[RepositoryImage]:
    """Yield the images of a repository, 1,000 per call.

    :param client: a boto3 client of ECR.
    :param site: the repository.
    :param request: the parameters of DescribeImages.
    """
    with translated(site):
        paginator = client.get_paginator("describe_images")
    pages = iter(paginator.paginate(**request, PaginationConfig={"PageSize": DESCRIBE_IMAGES_PAGE_SIZE}))
    with_token = False
    while (response := _next(site, pages, with_token=with_token)) is not None:
        with_token = True
        yield from site.parsed(images_of, response)


def images_of(response: Mapping[str, Any], _: str = "") -> list[RepositoryImage]:
    """Return the images that a response of DescribeImages lists.

    :param response: the response.
    """
    return [*map(RepositoryImage.from_response, response["imageDetails"])]


def tags_of(response: Mapping[str, Any], _: str = "") -> dict[str, str]:
    """Return the tags that a response of ListTagsForResource lists, by key.

    :param response: the response.
    """
    return {tag["Key"]: tag.get("Value", "") for tag in response["tags"]}


def _next(site: CallSite, responses: Iterator[dict[str, Any]], *, with_token: bool = False) -> dict[str, Any] | None:
    with translated(site, with_token=with_token):
        return next(responses, None)
