"""Look for the layers of an image before it is pushed, as ECR does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.exceptions import ServiceException

from airflow_provider_ecr_preview.local.repositories import LocalRepository


def check_layers(repository: LocalRepository, document: Mapping[str, Any]) -> None:
    """Refuse an image whose configuration or layers are not in the repository.

    Uploaded layers are, and those of images that are there already. A layer with ``urls`` lies elsewhere.

    :param repository: the repository.
    :param document: the manifest.
    :raises ServiceException: ``LayersNotFoundException`` if one is missing.
    """
    missing = [digest for digest in _digests(document) if digest not in repository.layers]
    if missing:
        # Reading all manifests takes long, so do it only where an upload is not the answer.
        known = {digest for image in repository.local_images for digest in _digests(json.loads(image.image_manifest))}
        missing = [digest for digest in missing if digest not in known]
    if missing:
        raise ServiceException(
            "LayersNotFoundException",
            f"Layers with digests '[{', '.join(missing)}]' required for pushing image into repository with name "
            f"'{repository.name}' in the registry with id '{repository.registry_id}' do not exist",
        )


def _digests(document: Mapping[str, Any]) -> Iterator[str]:
    descriptors = [document.get("config") or {}, *(document.get("layers") or ())]
    for descriptor in descriptors:
        if "digest" in descriptor and not descriptor.get("urls"):
            yield descriptor["digest"]
