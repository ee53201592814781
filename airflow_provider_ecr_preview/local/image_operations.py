"""The operations of ECR on images: put, get, list, describe, delete, archive and scan them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import ImageNotFoundException

from airflow_provider_ecr_preview.local.bus_events import send_image_action, send_storage_class_change
from airflow_provider_ecr_preview.local.deletion import delete_images
from airflow_provider_ecr_preview.local.images import LocalImage
from airflow_provider_ecr_preview.local.paging import invalid, page_after
from airflow_provider_ecr_preview.local.pushing import put_image as put
from airflow_provider_ecr_preview.local.replication import replicating_deletions
from airflow_provider_ecr_preview.local.repositories import LocalRepository
from airflow_provider_ecr_preview.local.request import IMAGE_STATUSES, TAG_STATUSES, Request

MAX_PER_PAGE = 1_000


MAX_TAGS_OF_AN_IMAGE = 1_000


_DIGEST = re.compile(r"[0-9a-zA-Z_+.-]+:[0-9a-fA-F]{64}")


def put_image(request: Request) -> dict[str, Any]:
    """Put an image into a repository, or add a tag to an existing one."""
    parameters = request.parameters
    request.check_repository_name()
    create_on_push(request)
    repository, tag = request.repository, parameters.get("imageTag")
    image = put(
        request.registry,
        repository,
        _text_of(parameters, "imageManifest"),
        tags=[] if tag is None else [str(tag)],
        pushed_at=request.registry.now,
        media_type=parameters.get("imageManifestMediaType"),
        digest=parameters.get("imageDigest"),
    )
    return {"image": _image(image, tag)}


def batch_get_image(request: Request) -> dict[str, Any]:
    """Return manifests, and record a pull of each, unless the caller is excluded. An archived image is not returned."""
    request.check_image_ids()
    repository, image_ids = request.repository, _image_ids(request)
    answer: dict[str, list[Any]] = {"images": [], "failures": []}
    settings = request.registry.settings_of(request.backend.region_name, request.backend.account_id)
    # Looking up a caller needs moto's IAM and STS, so do it only if anyone is excluded.
    is_recorded = not settings.pull_time_exclusions or settings.records_pulls_of(request.principals)
    for image_id in image_ids:
        image, failure = _found(repository, image_id)
        if image is None:
            answer["failures"].append({"imageId": image_id, **failure})
            continue
        if is_recorded:
            image.pull(request.registry.now)
        answer["images"].append(_image(image, image_id.get("imageTag")))
    return answer


def list_images(request: Request) -> dict[str, Any]:
    """Return one page of a repository's image ids: one for every tag, and one for an untagged image."""
    is_wanted = _filter(request)
    entries = [
        (image.serial * MAX_TAGS_OF_AN_IMAGE + number, image, tag)
        for image in request.repository.local_images
        for number, tag in enumerate(image.image_tags or [None])
    ]
    page, token = page_after(
        entries,
        request.parameters,
        largest=MAX_PER_PAGE,
        serial=lambda entry: entry[0],
        wanted=lambda entry: is_wanted(entry[1]),
    )
    image_ids = [
        {"imageDigest": image.get_image_digest(), **({"imageTag": tag} if tag else {})} for _, image, tag in page
    ]
    return {"imageIds": image_ids} | ({"nextToken": token} if token else {})


def describe_images(request: Request) -> dict[str, Any]:
    """Return one page of a repository's images, or the named images."""
    parameters = request.parameters
    request.check_image_ids()
    is_wanted = _filter(request)
    repository = request.repository
    if image_ids := parameters.get("imageIds"):
        if "maxResults" in parameters or "nextToken" in parameters:
            raise invalid("imageIds", "imageIds cannot be combined with maxResults or nextToken")
        found = {image.serial: image for image in map(repository.find, image_ids)}
        return {"imageDetails": [image.describe(repository.size_of(image)) for image in found.values()]}
    images, token = page_after(
        repository.local_images,
        parameters,
        largest=MAX_PER_PAGE,
        serial=lambda image: image.serial,
        wanted=is_wanted,
    )
    answer: dict[str, Any] = {"imageDetails": [image.describe(repository.size_of(image)) for image in images]}
    return answer | ({"nextToken": token} if token else {})


def batch_delete_image(request: Request) -> dict[str, Any]:
    """Delete images, or only their tags."""
    request.check_image_ids()
    image_ids = _image_ids(request)
    with replicating_deletions(request.registry, request.repository):
        answer = delete_images(request.backend, request.repository, image_ids)
    send_image_action(request.repository, "DELETE", answer["imageIds"])
    return answer


def create_on_push(request: Request) -> None:
    """Create a missing repository on push, if a creation template says so."""
    backend, name = request.backend, request.parameters.get("repositoryName", "")
    if name not in backend.repositories:
        registry = request.registry
        registry.create_for("CREATE_ON_PUSH", name, region_name=backend.region_name, account_id=backend.account_id)


def update_image_storage_class(request: Request) -> dict[str, Any]:
    """Archive an image, or start to restore it."""
    registry, repository = request.registry, request.repository
    image = repository.find(request.parameters.get("imageId") or {})
    target = request.parameters.get("targetStorageClass")
    if target not in ("STANDARD", "ARCHIVE"):
        raise invalid("targetStorageClass", "Member must satisfy enum value set: [STANDARD, ARCHIVE]")
    if image.status != ("ACTIVE" if target == "ARCHIVE" else "ARCHIVED"):
        raise _not_supported(f"The image is {image.status}; its storage class cannot be changed to {target}")
    if target == "ARCHIVE":
        if repository.index.lists_holding(image.get_image_digest()):
            raise _not_supported("The image is referenced by a manifest list that is not archived")
        image.archive(registry.now)
    else:
        repository.restore(image, registry.now, registry.clock.monotonic() + registry.restore_seconds)
    send_storage_class_change(repository, image)
    status = image.status if target == "ARCHIVE" else "ACTIVATING"
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageId": {
            name: request.parameters["imageId"][name]
            for name in ("imageDigest", "imageTag")
            if name in request.parameters["imageId"]
        },
        "imageStatus": status,
    }


def refuse_scan_of_archived_image(request: Request) -> None:
    """Refuse to scan an image that is archived.

    :raises ServiceException: ``ImageArchivedException`` if it is.
    """
    image = request.repository.find(request.parameters.get("imageId") or {})
    if image.status != "ACTIVE":
        raise ServiceException(
            "ImageArchivedException",
            f"The image with digest '{image.get_image_digest()}' is {image.status}; restore it before you scan it",
        )


def _filter(request: Request) -> _Wanted:
    tag_status = request.one_of("tagStatus", TAG_STATUSES, "ANY")
    return _Wanted(tag_status, request.one_of("imageStatus", IMAGE_STATUSES, "ACTIVE"))


class _Wanted:
    def __init__(self, tag_status: str, image_status: str) -> None:
        self._tag_status, self._image_status = tag_status, image_status

    def __call__(self, image: LocalImage) -> bool:
        has_tag_status = self._tag_status == "ANY" or (self._tag_status == "TAGGED") is bool(image.image_tags)
        return has_tag_status and self._image_status in ("ANY", image.status)


def _image_ids(request: Request) -> list[dict[str, str]]:
    image_ids = request.parameters.get("imageIds")
    if not isinstance(image_ids, list) or not image_ids:
        raise invalid("imageIds", "Member must have length greater than or equal to 1")
    return image_ids


def _text_of(parameters: Mapping[str, Any], name: str) -> str:
    text = parameters.get(name)
    if not isinstance(text, str) or not text:
        raise invalid(name, "Member must have length greater than or equal to 1")
    return text


def _found(repository: LocalRepository, image_id: Mapping[str, str]) -> tuple[LocalImage | None, dict[str, str]]:
    """Return an image that can be pulled, or the code and reason of the failure."""
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    if not digest and not tag:
        return None, _failure("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null")
    if digest and not _DIGEST.fullmatch(digest):
        reason = "image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"
        return None, _failure("InvalidImageDigest", f"Invalid request parameters: {reason}")
    try:
        image = repository.find(image_id)
    except ImageNotFoundException:
        if digest and tag and digest in repository.index.by_digest:
            return None, _failure("ImageTagDoesNotMatchDigest", "Requested tag does not belong to requested digest")
        return None, _failure("ImageNotFound", "Requested image not found")
    if image.status != "ACTIVE":
        # Pulling it answers 404; AWS does not document the code of this failure.
        return None, _failure("ImageNotFound", f"Requested image is {image.status}; restore it before you pull it")
    return image, {}


def _failure(code: str, reason: str) -> dict[str, str]:
    return {"failureCode": code, "failureReason": reason}


def _image(image: LocalImage, tag: str | None) -> dict[str, Any]:
    tag = tag or image.image_tag
    return {
        "registryId": image.registry_id,
        "repositoryName": image.repository_name,
        "imageId": {"imageDigest": image.get_image_digest(), **({"imageTag": tag} if tag else {})},
        "imageManifest": image.image_manifest,
        "imageManifestMediaType": image.image_manifest_media_type,
    }


def _not_supported(message: str) -> ServiceException:
    return ServiceException("ImageStorageClassUpdateNotSupportedException", message)
