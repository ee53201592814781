"""Sum the layers that only expiring images use: the bytes that deleting them frees."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ecr_preview.core.repository import DigestKey, digest_key, digest_of

MAX_MANIFESTS = 10_000
"""The largest number of images of a repository whose manifests are read."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an image refers to.

    :param blobs: its configuration and layers, each with its size; none for a manifest list.
    :param children: the images that a manifest list names.
    :param subject: the image that it belongs to, as a signature does; None for an image of its own.
    """

    blobs: tuple[tuple[DigestKey, int], ...] = ()
    children: tuple[DigestKey, ...] = ()
    subject: DigestKey | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the manifest in plain JSON types."""
        return {
            "blobs": [[digest_of(key), size] for key, size in self.blobs],
            "children": [digest_of(key) for key in self.children],
            "subject": None if self.subject is None else digest_of(self.subject),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Manifest:
        """Return the manifest from :meth:`as_dict`.

        :raises ValueError: if it is anything else.
        """
        try:
            return cls(
                tuple((digest_key(digest), _size(size)) for digest, size in value["blobs"]),
                tuple(map(digest_key, value["children"])),
                None if value["subject"] is None else digest_key(value["subject"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is not a manifest ({error})") from error


def read_manifest(image_digest: str, text: str) -> Manifest:
    """Return what the manifest of an image refers to.

    :param image_digest: the digest of the image.
    :param text: ``imageManifest`` of BatchGetImage.
    :raises ValueError: if it is not the manifest of that image, or of a kind without sizes.
    """
    if image_digest.startswith("sha256:") and f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" != image_digest:
        raise ValueError("the manifest does not match the digest of the image")
    try:
        document = json.loads(text)
        subject = document.get("subject")
        blobs = [document["config"], *document["layers"]] if "layers" in document else []
        if not blobs and "manifests" not in document:
            raise ValueError("the manifest names neither layers nor images")
        return Manifest(
            tuple({digest_key(blob["digest"]): _size(blob["size"]) for blob in blobs}.items()),
            tuple(digest_key(child["digest"]) for child in document.get("manifests", ())),
            digest_key(subject["digest"]) if isinstance(subject, Mapping) else None,
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"the manifest lacks {error}") from error


def _size(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"a size, it has {value!r}")
    return value


@dataclass(frozen=True, slots=True)
class FreedBytes:
    """What the expiring images free.

    :param freed: the bytes of the layers that nothing that stays refers to; None if unknown.
    :param shared: the bytes of the layers that images that stay refer to as well; None if unknown.
    :param family_count: number of families among the expiring images: a manifest list, the images that it names, and
        the signatures of either count as one; None if unknown.
    :param message: why it is unknown, as a sentence; None if it is known.
    """

    freed: int | None
    shared: int | None
    family_count: int | None
    message: str | None = None

    @classmethod
    def unknown(cls, message: str) -> FreedBytes:
        """Return that nothing is known.

        :param message: why, as a sentence.
        """
        return cls(None, None, None, message)


def freed_bytes(
    digests: Iterable[DigestKey],
    manifest_of: Callable[[DigestKey], Manifest],
    expires: Callable[[DigestKey], bool],
    upper_bound: int | None,
) -> FreedBytes:
    """Return what the expiring images of a repository free.

    Memory is bounded by the number of different layers.

    :param digests: every image of the repository.
    :param manifest_of: returns the manifest of an image.
    :param expires: returns whether an image expires.
    :param upper_bound: the sum of the sizes that DescribeImages reports; the result is never above it.
    """
    sizes: dict[DigestKey, int] = {}
    kept: set[DigestKey] = set()
    going: dict[DigestKey, Manifest] = {}
    for digest in digests:
        manifest = manifest_of(digest)
        if expires(digest):
            going[digest] = manifest
            sizes.update(manifest.blobs)
        else:
            kept.update(key for key, _ in manifest.blobs)
    freed = sum(size for key, size in sizes.items() if key not in kept)
    shared = sum(size for key, size in sizes.items() if key in kept)
    return FreedBytes(freed if upper_bound is None else min(freed, upper_bound), shared, _family_count(going))


def _family_count(manifests: Mapping[DigestKey, Manifest]) -> int:
    """Return how many groups of images that belong together there are."""
    above: dict[DigestKey, DigestKey] = {digest: digest for digest in manifests}

    def top(digest: DigestKey) -> DigestKey:
        while above[digest] != digest:
            above[digest] = digest = above[above[digest]]
        return digest

    for digest, manifest in manifests.items():
        for relative in (*manifest.children, *((manifest.subject,) if manifest.subject is not None else ())):
            if relative in above:
                above[top(relative)] = top(digest)
    return sum(digest == parent for digest, parent in above.items())
