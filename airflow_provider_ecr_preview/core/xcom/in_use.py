"""The XCom of the images in use."""

from __future__ import annotations

from typing import Any, TypedDict

IN_USE_SCHEMA = "ecr-images-in-use/1"


MAX_IN_USE_BYTES = 48 * 1024
"""Upper bound of what is pushed to XCom; more goes to ``in_use_uri``."""


class ImageInUse(TypedDict):
    """One image in use.

    Either its digest or its tag is null. Registry, Region and repository are empty if only a digest is known; the
    image then counts in every repository.

    :param used_by: the first five users, each with its kind and name.
    """

    registry_id: str
    region_name: str
    repository_name: str
    image_digest: str | None
    image_tag: str | None
    used_by: list[list[str]]


class ImagesInUseXCom(TypedDict):
    """``return_value`` of the collecting operator, in at most 48 KiB.

    The lists may be cut; the counts are complete.

    :param scope: the Regions that were read, by account.
    :param images: null if they do not fit; ``in_use_uri`` then has them.
    """

    schema: str
    collected_at: str
    is_complete: bool
    scope: dict[str, list[str]]
    sources: list[dict[str, Any]]
    source_count: int
    unread: list[dict[str, Any]]
    unread_count: int
    image_count: int
    images: list[ImageInUse] | None
    in_use_uri: str | None
