"""Check replies of the local ECR against botocore's model of ECR."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moto.core.utils import get_service_model  # noqa: TID253  # botocore's model, as moto reads it

from airflow_provider_ecr_preview.local.parameters import NEWER_THAN_BOTOCORE

COMMON_ERRORS = frozenset(
    {
        "AccessDeniedException",
        "InvalidSignatureException",
        "ThrottlingException",
        "SerializationException",
        "UnknownOperationException",
        "ValidationException",
    }
)
"""Errors that AWS documents for every operation, or sends before it looks at an operation."""

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "long": int,
    "double": (int, float),
    "float": (int, float),
    "boolean": bool,
    "blob": str,
    # JSON protocols send times in seconds.
    "timestamp": (int, float),
    "structure": dict,
    "list": list,
    "map": dict,
}


def wrong_reply(operation: str, status: int, body: bytes, outcome: str) -> list[str]:
    """Return how a reply breaks the model.

    :param operation: the operation.
    :param status: the HTTP status.
    :param body: the body.
    :param outcome: ``OK`` or the error code.
    """
    service = get_service_model("ecr")
    if operation not in service.operation_names:
        return []
    model = service.operation_model(operation)
    if outcome != "OK":
        codes = {shape.error_code for shape in model.error_shapes} | COMMON_ERRORS
        found = [] if outcome in codes else [f"{operation}: {outcome} is not an error of it"]
        is_server_error = outcome == "ServerException"
        return found + ([] if (status == 500) is is_server_error else [f"{operation}: {outcome} has status {status}"])
    if model.output_shape is None:
        return []
    return [f"{operation}: {what}" for what in _wrong(model.output_shape, json.loads(body or b"{}"), "reply")]


def _wrong(shape: Any, value: Any, where: str) -> Iterator[str]:
    if shape.type_name == "structure" and isinstance(value, dict):
        yield from _wrong_structure(shape, value, where)
    elif shape.type_name == "list" and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _wrong(shape.member, item, f"{where}[{number}]")
    elif shape.type_name == "map" and isinstance(value, dict):
        for key, item in value.items():
            yield from _wrong(shape.value, item, f"{where}[{key!r}]")
    elif not isinstance(value, _TYPES[shape.type_name]) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield f"{where} is {value!r}, not of type {shape.type_name}"
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{where} is {value!r}, not one of {shape.enum}"


def _wrong_structure(shape: Any, value: dict[str, Any], where: str) -> Iterator[str]:
    for name in value.keys() - shape.members.keys() - NEWER_THAN_BOTOCORE:
        yield f"{where}.{name} is not in the model"
    for name in shape.required_members:
        if name not in value:
            yield f"{where}.{name} is missing"
    for name in value.keys() & shape.members.keys():
        yield from _wrong(shape.members[name], value[name], f"{where}.{name}")
