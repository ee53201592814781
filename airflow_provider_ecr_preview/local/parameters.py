"""Check the parameters of a request against botocore's model of ECR, for clients that check nothing themselves."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from moto.core.utils import get_service_model
from moto.ecr.exceptions import InvalidParameterException

from airflow_provider_ecr_preview.local.paging import invalid

_REGISTRY_ID = re.compile("[0-9]{12}")

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "blob": str,
    "boolean": bool,
    "double": (int, float),
    "float": (int, float),
    "integer": int,
    "list": list,
    "long": int,
    "map": dict,
    "string": str,
    "structure": dict,
    "timestamp": (int, float),
}


NEWER_THAN_BOTOCORE = frozenset({"deleteReplication"})
"""Members that ECR knows, and the installed botocore may not know yet."""

CHECKED_BY_MOTO = frozenset({"CreateRepository.imageTagMutability", "PutImageTagMutability.imageTagMutability"})
"""Members whose values moto checks itself, in its own words."""


def checked(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters without those that are null, which count as missing, and without unknown ones.

    :param operation: the operation.
    :param parameters: the parameters that the caller sent.
    :raises InvalidParameterException: if one has the wrong type or a value that ECR does not have, or a required one is
        missing.
    """
    shape: Any = get_service_model("ecr").operation_model(operation).input_shape
    return {} if shape is None else _structure(shape, parameters, operation)


def _checked(shape: Any, value: Any, where: str) -> Any:
    kind = shape.type_name
    if not _is_of(kind, value):
        raise _wrong(where, f"Member must be of type {kind}, not {type(value).__name__}")
    if kind == "structure":
        return _structure(shape, value, where)
    if kind == "list":
        return [_checked(shape.member, member, f"{where}.{number}") for number, member in enumerate(value, 1)]
    if kind == "map":
        return {key: _checked(shape.value, member, f"{where}.{key}") for key, member in value.items()}
    if kind == "blob" and not _is_base64(value):
        raise _wrong(where, "Member must be encoded in Base64")
    if kind == "string":
        _check_text(shape, value, where)
    return value


def _is_of(kind: str, value: object) -> bool:
    # Python counts True as a number.
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def _structure(shape: Any, value: Mapping[str, Any], where: str) -> dict[str, Any]:
    given = {name: member for name, member in value.items() if member is not None}
    for name in shape.required_members:
        if name not in given:
            raise _wrong(f"{where}.{name}", "Member must not be null")
    members = shape.members
    return {
        name: _checked(members[name], member, f"{where}.{name}") if name in members else member
        for name, member in given.items()
        if name in members or name in NEWER_THAN_BOTOCORE
    }


def _check_text(shape: Any, value: str, where: str) -> None:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _wrong(where, "Member must be valid Unicode text") from None
    if shape.name == "RegistryId" and not _REGISTRY_ID.fullmatch(value):
        raise _wrong(where, f"must satisfy regular expression '{_REGISTRY_ID.pattern}'")
    enum = getattr(shape, "enum", None)
    if enum and value not in enum and where not in CHECKED_BY_MOTO:
        raise _wrong(where, f"Member must satisfy enum value set: [{', '.join(enum)}]")


def _wrong(where: str, constraint: str) -> InvalidParameterException:
    # The path starts with the operation, which the message of ECR does not name.
    return invalid(where.partition(".")[2], constraint)
