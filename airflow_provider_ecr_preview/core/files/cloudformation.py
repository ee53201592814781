"""Lifecycle policies of a CloudFormation template, which is also what CDK writes into ``cdk.out``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_ecr_preview.core.files.found import FoundPolicy
from airflow_provider_ecr_preview.core.files.lines import key_line

_REPOSITORY = "AWS::ECR::Repository"
_CREATION_TEMPLATE = "AWS::ECR::RepositoryCreationTemplate"

_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]*)\}")

_UNKNOWN = "CloudFormation knows the policy only when it deploys the template, because it uses {}."


class _NotLiteralError(Exception):
    """Raised for a value that is only known at deployment; its argument is the function that is responsible."""


def is_cloudformation(document: Mapping[str, Any]) -> bool:
    """Return whether a decoded JSON or YAML document is a CloudFormation template."""
    return isinstance(document.get("Resources"), Mapping)


def policies_of_template(path: str, text: str, document: Mapping[str, Any]) -> list[FoundPolicy]:
    """Return the lifecycle policies of the repositories and repository creation templates in a template.

    :param path: the file.
    :param text: its text, for the line numbers.
    :param document: the template, decoded.
    """
    return list(_found(path, text, document["Resources"]))


def _found(path: str, text: str, resources: Mapping[str, Any]) -> Iterator[FoundPolicy]:
    for logical_id, resource in resources.items():
        if not isinstance(resource, Mapping) or not isinstance(properties := resource.get("Properties"), Mapping):
            continue
        written = _written_policy(resource.get("Type"), properties)
        if written is None:
            continue
        policy, unknown = None, None
        try:
            policy = _literal(written)
        except _NotLiteralError as error:
            unknown = _UNKNOWN.format(error)
        yield FoundPolicy(
            path=path,
            address=str(logical_id),
            repository_name=_name(resource.get("Type"), properties),
            text=policy,
            unknown=unknown,
            line=key_line(text, str(logical_id)),
        )


def _written_policy(kind: object, properties: Mapping[str, Any]) -> Any:
    policy = properties.get("LifecyclePolicy")
    if kind == _CREATION_TEMPLATE:
        return policy
    if kind == _REPOSITORY and isinstance(policy, Mapping):
        return policy.get("LifecyclePolicyText")
    return None


def _name(kind: object, properties: Mapping[str, Any]) -> str | None:
    if kind != _REPOSITORY or "RepositoryName" not in properties:
        return None
    try:
        return _literal(properties["RepositoryName"])
    except _NotLiteralError:
        return None


def _literal(value: Any) -> str:
    """Return a value that is known before deployment as text; a policy written as a mapping becomes JSON."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        raise _NotLiteralError("a value that is no text")
    if "rules" in value or len(value) != 1:
        return _as_json(value, "a function in the policy")
    ((function, argument),) = value.items()
    if function == "Fn::Sub" and isinstance(argument, str):
        return _without_placeholders(argument)
    if function == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:  # noqa: PLR2004  # separator, parts
        separator, parts = argument
        if isinstance(parts, list):
            return _literal(separator).join(map(_literal, parts))
    if function == "Fn::ToJsonString":
        return _as_json(argument, "a function within Fn::ToJsonString")
    raise _NotLiteralError(function)


def _as_json(value: Any, function: str) -> str:
    if not _has_no_function(value):
        raise _NotLiteralError(function)
    # YAML turns 2026-11-23 into a date, although text was meant.
    return json.dumps(value, default=str, skipkeys=True)


def _without_placeholders(text: str) -> str:
    for placeholder in _PLACEHOLDER.finditer(text):
        if not placeholder[1]:
            raise _NotLiteralError(f"Fn::Sub with ${{{placeholder[2]}}}")
    return _PLACEHOLDER.sub(r"${\2}", text)


def _has_no_function(value: Any) -> bool:
    if isinstance(value, Mapping):
        return not any(str(key) == "Ref" or str(key).startswith("Fn::") for key in value) and all(
            map(_has_no_function, value.values())
        )
    return not isinstance(value, list) or all(map(_has_no_function, value))
