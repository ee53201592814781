"""Delete images as moto does, but never one that a manifest list in use names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moto.ecr.models import ECRBackend

from airflow_provider_ecr_preview.local.images import LocalImage
from airflow_provider_ecr_preview.local.repositories import ImageIndex, LocalRepository


def delete_images(
    backend: ECRBackend, repository: LocalRepository, image_ids: Sequence[Mapping[str, str]]
) -> dict[str, list[Any]]:
    """Delete images or tags one by one, and return the answer of BatchDeleteImage.

    One call can delete a manifest list and its images if the list comes first.

    :param backend: moto's store.
    :param repository: the repository.
    :param image_ids: digests, tags or both.
    """
    images, index = repository.local_images, repository.index
    gone: set[str] = set()
    answer: dict[str, list[Any]] = {"imageIds": [], "failures": []}
    try:
        for image_id in image_ids:
            image = _meant(image_id, images, index, gone)
            if image is not None and (failure := _failure(image_id, image, index, gone)):
                answer["failures"].append({"imageId": image_id, **failure})
                continue
            # moto searches all images for every id; passing only the matching one gives the same result, faster.
            repository.images = [] if image is None else [image]
            result = backend.batch_delete_image(repository.name, repository.registry_id, [dict(image_id)])
            answer["failures"] += result["failures"]
            answer["imageIds"] += [
                {"imageDigest": deleted.image_digest, "imageTag": deleted.image_tag} for deleted in result["imageIds"]
            ]
            if image is None or repository.images:
                continue
            gone.add(image.get_image_digest())
            if not result["imageIds"]:
                # moto returns the tags that it deleted, and so nothing for an untagged image.
                answer["imageIds"].append({"imageDigest": image.get_image_digest()})
    finally:
        repository.images = [image for image in images if image.get_image_digest() not in gone]
        repository.deleted_digests |= gone
    return answer


def delete_referrers(backend: ECRBackend, repository: LocalRepository) -> None:
    """Delete the referrers of deleted images, and in turn their referrers, as ECR does within a day.

    :param backend: moto's store.
    :param repository: the repository.
    """
    while True:
        gone = repository.deleted_digests - repository.index.by_digest.keys()
        digests = [
            image.get_image_digest() for image in repository.local_images if image.subject_manifest_digest in gone
        ]
        if not delete_images(backend, repository, [{"imageDigest": digest} for digest in digests])["imageIds"]:
            return


def _meant(
    image_id: Mapping[str, str], images: Sequence[LocalImage], index: ImageIndex, gone: set[str]
) -> LocalImage | None:
    if digest := image_id.get("imageDigest"):
        return None if digest in gone else index.by_digest.get(digest)
    tag = image_id.get("imageTag")
    return next((image for image in images if tag in image.image_tags and image.get_image_digest() not in gone), None)


def _failure(
    image_id: Mapping[str, str], image: LocalImage, index: ImageIndex, gone: set[str]
) -> dict[str, str] | None:
    """Return the code and the reason why the image cannot be deleted by this id, or None."""
    tag = image_id.get("imageTag")
    if "imageDigest" not in image_id and len(image.image_tags) > 1:
        return None
    if "imageDigest" in image_id and tag is not None and tag not in image.image_tags:
        return {
            "failureCode": "ImageTagDoesNotMatchDigest",
            "failureReason": "Requested tag does not belong to requested digest",
        }
    lists = [digest for digest in index.lists_holding(image.get_image_digest()) if digest not in gone]
    if not lists:
        return None
    return {
        "failureCode": "ImageReferencedByManifestList",
        "failureReason": f"Requested image referenced by manifest list: [{', '.join(lists)}]",
    }
