"""Lifecycle policies of a Terraform or OpenTofu plan or state, as ``terraform show -json`` writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_ecr_preview.core.files.found import FoundPolicy

_POLICY_ATTRIBUTES: Mapping[str, str] = {
    "aws_ecr_lifecycle_policy": "policy",
    "aws_ecr_repository_creation_template": "lifecycle_policy",
}
"""The attribute that holds a lifecycle policy, by the type of the resource."""

_UNKNOWN = "Terraform knows the policy only after it applies the plan, because it depends on another resource."


def is_terraform(document: Mapping[str, Any]) -> bool:
    """Return whether a decoded JSON document is a Terraform plan or state."""
    return "format_version" in document and "terraform_version" in document


def policies_of_terraform(path: str, document: Mapping[str, Any]) -> list[FoundPolicy]:
    """Return the lifecycle policies of a state, or of a plan together with the policies they replace.

    Nothing else in the document is read, because plans contain secrets.

    :param path: the file.
    :param document: the plan or state, decoded.
    """
    changes = document.get("resource_changes")
    if isinstance(changes, list):
        return list(_planned(path, changes))
    values = document.get("values")
    return list(_stored(path, values.get("root_module") if isinstance(values, Mapping) else None))


def _planned(path: str, changes: Sequence[Any]) -> Iterator[FoundPolicy]:
    for resource in changes:
        attribute = _attribute_of(resource)
        change = resource.get("change") if attribute else None
        if attribute is None or not isinstance(change, Mapping):
            continue
        before, after, unknown = (_object(change.get(key)) for key in ("before", "after", "after_unknown"))
        # A resource that Terraform forgets stays unchanged in AWS.
        if "forget" in _list(change.get("actions")):
            after = before
        is_unknown = bool(unknown.get(attribute))
        yield FoundPolicy(
            path=path,
            address=str(resource.get("address") or ""),
            repository_name=_repository(after) or _repository(before),
            text=None if is_unknown else _text(after.get(attribute)),
            unknown=_UNKNOWN if is_unknown else None,
            former_text=_text(before.get(attribute)),
            has_former=True,
        )


def _stored(path: str, module: object) -> Iterator[FoundPolicy]:
    if not isinstance(module, Mapping):
        return
    for resource in _list(module.get("resources")):
        attribute = _attribute_of(resource)
        if attribute is None:
            continue
        values = _object(resource.get("values"))
        if (text := _text(values.get(attribute))) is not None:
            yield FoundPolicy(
                path=path,
                address=str(resource.get("address") or ""),
                repository_name=_repository(values),
                text=text,
            )
    for child in _list(module.get("child_modules")):
        yield from _stored(path, child)


def _attribute_of(resource: object) -> str | None:
    """Return the attribute that holds the policy, or None for a data source or a resource without one."""
    if not isinstance(resource, Mapping) or resource.get("mode") == "data":
        return None
    return _POLICY_ATTRIBUTES.get(str(resource.get("type")))


def _repository(values: Mapping[str, Any]) -> str | None:
    name = values.get("repository")
    return name if isinstance(name, str) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
