"""Find the manifest lists of a repository that contain an image in use.

Only a manifest names the images of a list, and DescribeImages does not return it. If the relation is known
(``referenced_by``), it decides. If not, the time of the push does: a build pushes the images of a list, and the list
right after them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_ecr_preview.core.referrers import is_index, subject_digests

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.repository import RepositoryImage


SAME_BUILD = timedelta(hours=1)
"""A list pushed within this time after an image is assumed to be from the same build and to name the image."""


def lists_of_images_in_use(
    images: Sequence[RepositoryImage], is_in_use: Callable[[RepositoryImage], bool], *, by_push_time: bool = True
) -> frozenset[str]:
    """Return the digests of the manifest lists that name an image in use, or most likely name one.

    :param images: every image of the repository.
    :param is_in_use: returns whether an image is in use.
    :param by_push_time: whether to include lists pushed right after an image in use whose lists are unknown.
    """
    lists = [image for image in images if is_index(image)]
    if not lists:
        return frozenset()
    used = [image for image in images if not subject_digests(image) and is_in_use(image)]
    found = _known(images, used)
    if by_push_time:
        unexplained = [image for image in used if not image.referenced_by and not is_index(image)]
        found |= {of.image_digest for image in unexplained for of in lists if _is_of_same_build(image, of)}
    return frozenset(found)


def _known(images: Iterable[RepositoryImage], used: Iterable[RepositoryImage]) -> set[str]:
    """Return the lists that are known to name one of the images, and the lists that name those lists."""
    by_digest = {image.image_digest: image for image in images}
    found: set[str] = set()
    pending = list(used)
    while pending:
        for digest in pending.pop().referenced_by:
            if digest in by_digest and digest not in found:
                found.add(digest)
                pending.append(by_digest[digest])
    return found


def _is_of_same_build(image: RepositoryImage, of: RepositoryImage) -> bool:
    return timedelta(0) <= of.image_pushed_at - image.image_pushed_at <= SAME_BUILD
