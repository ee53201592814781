"""The ECR operation that lists the artifacts of an image: signatures, SBOMs, attestations."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_ecr_preview.local.images import LocalImage, artifact_type_of
from airflow_provider_ecr_preview.local.paging import invalid, page_after
from airflow_provider_ecr_preview.local.repositories import LocalRepository
from airflow_provider_ecr_preview.local.request import IMAGE_STATUSES, Request

MAX_REFERRERS = 50


DEFAULT_REFERRERS = 20


MAX_ARTIFACT_TYPES = 5


def list_image_referrers(request: Request) -> dict[str, Any]:
    """Return one page of the artifacts that name an image as their subject; archived ones on request only."""
    request.check_repository_name()
    subject = (request.parameters.get("subjectId") or {}).get("imageDigest")
    if not isinstance(subject, str) or not subject:
        raise invalid("subjectId.imageDigest", "Member must not be null")
    status = request.one_of("artifactStatus", IMAGE_STATUSES, "ACTIVE")
    types = (request.parameters.get("filter") or {}).get("artifactTypes") or ()
    if len(types) > MAX_ARTIFACT_TYPES:
        raise invalid("filter.artifactTypes", f"Member must have length less than or equal to {MAX_ARTIFACT_TYPES}")
    repository = request.repository
    page, token = page_after(
        repository.local_images,
        request.parameters,
        largest=MAX_REFERRERS,
        default=DEFAULT_REFERRERS,
        serial=lambda image: image.serial,
        wanted=lambda image: (
            image.subject_manifest_digest == subject
            and status in ("ANY", image.status)
            and (not types or artifact_type_of(image) in types)
        ),
    )
    answer: dict[str, Any] = {"referrers": [_referrer(repository, image) for image in page]}
    return answer | ({"nextToken": token} if token else {})


def _referrer(repository: LocalRepository, image: LocalImage) -> dict[str, Any]:
    referrer = {
        "digest": image.get_image_digest(),
        "mediaType": image.image_manifest_media_type,
        "artifactType": artifact_type_of(image),
        "size": repository.size_of(image) or 0,
        "annotations": json.loads(image.image_manifest).get("annotations"),
        "artifactStatus": image.status,
    }
    return {key: value for key, value in referrer.items() if value is not None}
