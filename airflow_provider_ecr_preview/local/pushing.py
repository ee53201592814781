"""Put images into a repository, for both PutImage and ``push()``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import ImageAlreadyExistsException, InvalidParameterException

from airflow_provider_ecr_preview.local.bus_events import send_image_action, send_storage_class_change
from airflow_provider_ecr_preview.local.images import LocalImage, digest_of
from airflow_provider_ecr_preview.local.layers import check_layers
from airflow_provider_ecr_preview.local.manifests import check_manifest
from airflow_provider_ecr_preview.local.paging import invalid
from airflow_provider_ecr_preview.local.replication import Registries, replicate_push
from airflow_provider_ecr_preview.local.repositories import LocalRepository

MAX_MANIFEST_SIZE = 4_194_304


MAX_TAG_LENGTH = 300


_TAG = re.compile(r"[a-zA-Z0-9\-_.]+")


_DIGEST = re.compile(r"[a-zA-Z0-9\-_+.]+:[a-fA-F0-9]+")


def put_image(
    registries: Registries,
    repository: LocalRepository,
    manifest: str,
    *,
    tags: Sequence[str] = (),
    pushed_at: datetime,
    media_type: str | None = None,
    digest: str | None = None,
    size: int | None = None,
    artifact_media_type: str | None = None,
    is_generated: bool = False,
) -> LocalImage:
    """Put an image into a repository and return it. A tag that another image has moves to this one.

    The other image stays, without that tag. Pushing an archived image again restores it.

    :param registries: all registries; they replicate pushed images.
    :param repository: the repository.
    :param manifest: text of the manifest.
    :param tags: tags of the image.
    :param pushed_at: when the image arrives.
    :param media_type: media type of the manifest; None for the one that the manifest states.
    :param digest: the digest that the caller expects; None for any.
    :param size: compressed size in bytes; None for the sum that the manifest states.
    :param artifact_media_type: media type of an artifact; None for the one that the manifest states.
    :param is_generated: whether the local ECR made up the manifest, so that its layers were not uploaded.
    :raises ServiceException: if ECR would refuse the image; it carries ECR's code.
    """
    document = _document(manifest)
    media_type = media_type or document.get("mediaType")
    if not media_type:
        raise InvalidParameterException("image manifest mediatype not provided in manifest or parameter")
    for tag in tags:
        _check_tag(tag)
    actual = digest_of(manifest)
    _check_digest(digest, actual)
    _check_children(repository, document)
    if registries.check_layers and not is_generated:
        check_layers(repository, document)
    for tag in tags:
        if repository.is_immutable(tag):
            _check_free(repository, tag, repository.holder_of(tag), actual)
    image = repository.index.by_digest.get(actual)
    if image is None:
        image = _new_image(registries, repository, manifest, media_type, pushed_at)
        repository.add([image])
    elif image.status == "ARCHIVED":
        repository.restore(image, pushed_at)
        send_storage_class_change(repository, image)
    elif set(tags) <= set(image.image_tags):
        raise ImageAlreadyExistsException(repository.name, repository.registry_id, actual, tags[0] if tags else "null")
    image.size = size or image.size
    image.artifact_media_type = artifact_media_type or image.artifact_media_type
    repository.move_tags(tags, image)
    replicate_push(registries, repository, [image])
    send_image_action(repository, "PUSH", [{"imageDigest": actual, "imageTag": tag} for tag in tags or [""]])
    return image


def put_images(
    registries: Registries,
    repository: LocalRepository,
    pushes: Iterable[tuple[str, Sequence[str], datetime]],
    *,
    media_type: str,
    size: int,
) -> list[LocalImage]:
    """Put many new images into a repository and return them. Works like :func:`put_image`, but faster.

    :param registries: all registries; they replicate pushed images.
    :param repository: the repository.
    :param pushes: manifest, tags and time of every image; the manifests are new and name no other image.
    :param media_type: media type of the manifests.
    :param size: compressed size of each image in bytes.
    :raises ServiceException: if ECR would refuse an image; it carries ECR's code.
    """
    holders = {tag: image for image in repository.local_images for tag in image.image_tags}
    images = []
    for manifest, tags, pushed_at in pushes:
        image = _new_image(registries, repository, manifest, media_type, pushed_at)
        for tag in tags:
            _check_tag(tag)
            if (holder := holders.get(tag)) is not None and holder is not image:
                if repository.is_immutable(tag):
                    _check_free(repository, tag, holder, image.get_image_digest())
                holder.remove_tag(tag)
            holders[tag] = image
        # moto's image_tag is the last of the tags.
        image.image_tags, image.image_tag = list(tags), tags[-1] if tags else None  # type: ignore[assignment]
        image.size = size
        images.append(image)
    repository.add(images)
    replicate_push(registries, repository, images)
    return images


def _new_image(
    registries: Registries, repository: LocalRepository, manifest: str, media_type: str, pushed_at: datetime
) -> LocalImage:
    image = LocalImage(
        repository.registry_id,
        None,
        manifest,
        repository.name,
        media_type,
        digest_of(manifest),
        clock=registries.clock,
    )
    image.image_pushed_at = repository.moment(pushed_at)  # type: ignore[assignment]  # moto has whole seconds only
    return image


def _document(manifest: str) -> Mapping[str, Any]:
    if len(manifest) > MAX_MANIFEST_SIZE:
        raise invalid("imageManifest", f"Member must have length less than or equal to {MAX_MANIFEST_SIZE}")
    try:
        document = json.loads(manifest)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise invalid("ImageManifest", "Invalid JSON syntax")
    check_manifest(document)
    return document


def _check_tag(tag: str) -> None:
    if not _TAG.fullmatch(tag):
        raise invalid("imageTag", "must satisfy regular expression '[a-zA-Z0-9-_.]+'")
    if len(tag) > MAX_TAG_LENGTH:
        raise invalid("imageTag", f"Member must have length less than or equal to {MAX_TAG_LENGTH}")


def _check_digest(expected: str | None, actual: str) -> None:
    if expected is None or expected == actual:
        return
    if not _DIGEST.fullmatch(expected):
        raise invalid("imageDigest", "must satisfy regular expression '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'")
    raise ServiceException(
        "ImageDigestDoesNotMatchException",
        f"The provided digest '{expected}' does not match the digest '{actual}' of the image manifest",
    )


def _check_children(repository: LocalRepository, document: Mapping[str, Any]) -> None:
    children = document.get("manifests") or []
    missing = [child["digest"] for child in children if child["digest"] not in repository.index.by_digest]
    if missing:
        raise ServiceException(
            "ReferencedImagesNotFoundException",
            f"Images with digests '[{', '.join(missing)}]' required for pushing image into repository with name "
            f"'{repository.name}' in the registry with id '{repository.registry_id}' do not exist",
        )


def _check_free(repository: LocalRepository, tag: str, holder: LocalImage | None, digest: str) -> None:
    if holder is None or holder.get_image_digest() == digest:
        return
    raise ServiceException(
        "ImageTagAlreadyExistsException",
        f"The image tag '{tag}' already exists in the '{repository.name}' repository and cannot be overwritten "
        "because the tag is immutable.",
    )
