"""Check the manifest of an image: refuse what ECR could not read, before it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ecr_preview.local.paging import invalid


def check_manifest(document: Mapping[str, Any]) -> None:
    """Refuse a manifest whose members have other types than the OCI specification says.

    :param document: the manifest.
    :raises InvalidParameterException: if one has.
    """
    for name in ("mediaType", "artifactType"):
        _check(document, name, str)
    _check(document, "annotations", dict)
    if not all(isinstance(text, str) for text in (document.get("annotations") or {}).values()):
        raise invalid("ImageManifest", "The annotations must be text")
    for name in ("config", "subject"):
        _check(document, name, dict)
        _check_descriptor(document.get(name) or {}, name)
    if document.get("subject") and not document["subject"].get("digest"):
        raise invalid("ImageManifest", "The subject needs a digest")
    for name in ("layers", "manifests"):
        _check(document, name, list)
        for descriptor in document.get(name) or ():
            if not isinstance(descriptor, dict):
                raise invalid("ImageManifest", f"The {name} must be objects")
            _check_descriptor(descriptor, name)
    if not all("digest" in child for child in document.get("manifests") or ()):
        raise invalid("ImageManifest", "The manifests of an image index need a digest each")


def _check_descriptor(descriptor: Mapping[str, Any], name: str) -> None:
    for member in ("digest", "mediaType"):
        _check(descriptor, member, str, f"{name}.{member}")
    _check(descriptor, "size", int, f"{name}.size")
    if (descriptor.get("size") or 0) < 0:
        raise invalid("ImageManifest", f"{name}.size must not be negative")


def _check(members: Mapping[str, Any], name: str, kind: type, where: str | None = None) -> None:
    value = members.get(name)
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise invalid("ImageManifest", f"{where or name} must be of type {kind.__name__}")
