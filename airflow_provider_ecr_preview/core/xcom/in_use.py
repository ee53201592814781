"""The XCom of the images in use."""

from __future__ import annotations

from typing import Any, TypedDict

IN_USE_SCHEMA = "ecr-images-in-use/1"


MAX_IN_USE_BYTES = 48 * 1024
"""Upper bound of what is pushed to XCom; more goes to ``in_use_uri``."""


class ImageInUse(TypedDict):
    """One image in use, with the first five who use it; either its digest or its tag is null.

    Registry, Region and repository are empty where only a digest is known, which then counts in every repository.
    """

    registry_id: str
    region_name: str
    repository_name: str
    image_digest: str | None
    image_tag: str | None
    used_by: list[list[str]]


class ImagesInUseXCom(TypedDict):
    """``return_value`` of the collecting operator, in at most 48 KiB; ``images`` is null where it is at ``in_use_uri``.

    ``scope`` holds the Regions that were read, by account. ``sources`` and ``unread`` may be cut; their counts are not.
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
