"""Tell runnable images from referrers: signatures, SBOMs, attestations.

ECR calls an image that belongs to another image a *referrer*, and the other image its *subject*. Notation and other OCI
tools name the subject in the manifest, which DescribeImages returns as ``subjectManifestDigest``. cosign names it in a
tag: ``sha256-<digest of the subject>.sig``.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import datetime
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_ecr_preview.core.ecr_values import STANDARD

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.repository import RepositoryImage


K = TypeVar("K", bound=Hashable)


INDEX_MEDIA_TYPES = frozenset(
    {
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.index.v1+json",
    }
)


# cosign can put a prefix before its tags; then only their endings distinguish them from other tags.
_REFERRER_TAG = re.compile(r"(?:sha256-([0-9a-f]{64})(?:\..*)?|.*sha256-([0-9a-f]{64})\.(?:sig|att|sbom))", re.DOTALL)


class ImageKind(Enum):
    """The kind of an image, which decides whether it can be run."""

    LIST = "list"
    """A manifest list."""
    TAGGED = "tagged"
    UNTAGGED = "untagged"
    """Can be run by its digest; it may be a part of a manifest list."""
    REFERRER = "referrer"
    """Belongs to another image, and cannot be run."""
    ARCHIVED = "archived"
    """Cannot be run until it is restored."""

    @property
    def can_be_run(self) -> bool:
        """Whether an image of this kind can be run now."""
        return self not in (ImageKind.REFERRER, ImageKind.ARCHIVED)

    @classmethod
    def of(cls, image: RepositoryImage) -> ImageKind:
        """Return the kind of an image. A Helm chart counts as an image."""
        if image.storage_class != STANDARD:
            return cls.ARCHIVED
        if subject_digests(image):
            return cls.REFERRER
        if is_index(image):
            return cls.LIST
        return cls.TAGGED if image.image_tags else cls.UNTAGGED


class Fate(IntEnum):
    """The fate of an image: the higher, the less is left of it."""

    STAYS = 0
    ARCHIVED = 1
    GONE = 2

    @classmethod
    def now(cls, image: RepositoryImage) -> Fate:
        """Return the current fate of an image that exists."""
        return cls.STAYS if image.storage_class == STANDARD else cls.ARCHIVED


def is_index(image: RepositoryImage) -> bool:
    """Return whether an image is a manifest list. ECR deletes it before the images that it names, never after them."""
    return image.image_manifest_media_type in INDEX_MEDIA_TYPES


def subject_digests(image: RepositoryImage) -> tuple[str, ...]:
    """Return the digests of the subjects of an image; empty if it is not a referrer.

    One SBOM can belong to several images, each of which gives it a tag.

    :param image: the image.
    """
    # Look for the text first: for most tags this avoids the slower regular expression.
    tags = [tag for tag in image.image_tags if "sha256-" in tag]
    if image.subject_manifest_digest is None and not tags:
        return ()
    by_tag = [f"sha256:{match[1] or match[2]}" for tag in tags if (match := _REFERRER_TAG.fullmatch(tag))]
    named = dict.fromkeys([*filter(None, [image.subject_manifest_digest]), *by_tag])
    # Tools that copy an image by its digest turn that digest into a tag, which names the image itself.
    return tuple(digest for digest in named if digest != image.image_digest)


def subjects_above(image: RepositoryImage, images: Mapping[str, RepositoryImage]) -> set[str]:
    """Return the digests of the images with which ECR deletes an image: its subject, the subject of that, and so on.

    ECR goes by the manifest alone. It does not follow the tags of cosign.

    :param image: the image.
    :param images: the images of the repository by digest.
    """
    found: set[str] = set()
    of: RepositoryImage | None = image
    while of is not None and of.subject_manifest_digest is not None and of.subject_manifest_digest not in found:
        found.add(of.subject_manifest_digest)
        of = images.get(of.subject_manifest_digest)
    return found


def can_be_run(image: RepositoryImage) -> bool:
    """Return whether an image can be run now: it is neither archived nor a referrer.

    :param image: the image.
    """
    return ImageKind.of(image).can_be_run


def left_to_run(images: Iterable[RepositoryImage], goes: Callable[[str], bool]) -> list[RepositoryImage]:
    """Return the images that count as runnable once others are gone.

    :param images: every image of the repository.
    :param goes: returns whether the image with a digest is deleted or archived.
    """
    by_digest = {image.image_digest: image for image in images}
    kinds = ((digest, ImageKind.of(image)) for digest, image in by_digest.items())
    return [by_digest[digest] for digest in left_of_kinds(kinds, goes, newest_to_run(by_digest.values()))]


def newest_to_run(images: Iterable[RepositoryImage]) -> str | None:
    """Return the digest of the newest runnable image; None if there is none.

    :param images: every image of the repository.
    """
    newest = max(filter(can_be_run, images), key=lambda image: (last_change(image), image.image_digest), default=None)
    return None if newest is None else newest.image_digest


def left_of_kinds(kinds: Iterable[tuple[K, ImageKind]], goes: Callable[[K], bool], newest: K | None) -> list[K]:
    """Return which images count as runnable once others are gone.

    DescribeImages does not say which images a manifest list names. If lists go, an untagged image that stays may be
    part of one, and can then no longer be pulled by a tag. Such an image does not count, unless it is the newest
    one in the repository.

    :param kinds: every image of the repository, with its kind.
    :param goes: returns whether an image is deleted or archived.
    :param newest: the newest runnable image.
    """
    named: list[K] = []
    untagged: list[K] = []
    lists_go = False
    for key, kind in kinds:
        if not kind.can_be_run:
            continue
        if goes(key):
            lists_go = lists_go or kind is ImageKind.LIST
        else:
            (untagged if kind is ImageKind.UNTAGGED else named).append(key)
    return named + [key for key in untagged if not lists_go or key == newest]


def last_change(image: RepositoryImage) -> datetime:
    """Return the time that makes one image newer than another: its push, or a later restore from the archive."""
    return max(image.image_pushed_at, image.ordered_at)


def removal_levels(
    images: Iterable[RepositoryImage],
    target: Callable[[str], Fate | None],
    present: Callable[[str], Fate],
    *,
    with_subjects: bool = True,
) -> dict[str, int]:
    """Return which images may go without breaking what stays, each with its place in the order.

    A referrer may go only as far as its subject, and after it: the image at level 0, its SBOM at level 1, the signature
    of the SBOM at level 2. An image that manifest lists are known to name may go once all of them are gone or
    archived. Images that depend on each other in a circle stay.

    :param images: the images that are to go.
    :param target: returns the planned fate of the image with a digest; None if it is not to go.
    :param present: returns the current fate of an image that is not to go; :attr:`Fate.GONE` if it does not exist.
    :param with_subjects: whether subjects hold their referrers.
    :return: the levels of the images that may go, by digest. An image that is missing must stay.
    """
    levels: dict[str, int] = {}
    waiting: dict[str, int] = {}
    dependents: dict[str, list[str]] = {}
    for image in images:
        own = target(image.image_digest)
        if own is None:
            continue
        needed = dict.fromkeys(image.referenced_by, Fate.ARCHIVED)
        if with_subjects:
            needed |= dict.fromkeys(subject_digests(image), own)
        goals = {digest: target(digest) for digest in needed}
        if any((present(digest) if goal is None else goal) < needed[digest] for digest, goal in goals.items()):
            continue
        going = [digest for digest, goal in goals.items() if goal is not None]
        for digest in going:
            dependents.setdefault(digest, []).append(image.image_digest)
        if going:
            waiting[image.image_digest] = len(going)
        else:
            levels[image.image_digest] = 0
    ready = deque(levels)
    while ready:
        gone = ready.popleft()
        for digest in dependents.get(gone, ()):
            waiting[digest] -= 1
            if not waiting[digest]:
                levels[digest] = levels[gone] + 1
                ready.append(digest)
    return levels
