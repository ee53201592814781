"""The part of SARIF 2.1.0 that ``lint`` writes, as a JSON schema, from the sections of the OASIS specification.

It is stricter than the schema of OASIS: it knows no other members, so a member that is misspelt is an error.
"""

from __future__ import annotations

from typing import Any


def _object(required: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required.split(),
        "properties": members,
    }


def _list(items: Any, **limits: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **limits}


_TEXT = {"type": "string", "minLength": 1}
_URI_REFERENCE = {"type": "string", "format": "uri-reference", "pattern": r"^[A-Za-z0-9%/_.~!$&'()*+,;=:@-]+$"}
_MESSAGE = _object("text", text=_TEXT)  # sections 3.11 and 3.12
_RULE = _object("id", id=_TEXT, shortDescription=_MESSAGE)  # section 3.49
_DRIVER = _object(  # section 3.19
    "name",
    name=_TEXT,
    semanticVersion={"type": "string", "pattern": r"^\d+\.\d+\.\d+([-+].+)?$"},
    rules=_list(_RULE, uniqueItems=True),
)
_LOCATION = _object(  # sections 3.28, 3.29, 3.30 and 3.33
    "physicalLocation",
    physicalLocation=_object(
        "artifactLocation region",
        artifactLocation=_object("uri", uri=_URI_REFERENCE),
        region=_object("startLine", startLine={"type": "integer", "minimum": 1}),
    ),
    logicalLocations=_list(
        _object("fullyQualifiedName kind", fullyQualifiedName=_TEXT, kind={"const": "resource"}), minItems=1
    ),
)
_RESULT = _object(  # section 3.27
    "message ruleId level",
    message=_MESSAGE,
    ruleId=_TEXT,
    level={"enum": ["none", "note", "warning", "error"]},
    locations=_list(_LOCATION),
)
_RUN = _object(  # section 3.14
    "tool results",
    tool=_object("driver", driver=_DRIVER),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results=_list(_RESULT),
)

SARIF: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(  # section 3.13
        "version runs", **{"$schema": {"type": "string", "format": "uri"}}, version={"const": "2.1.0"}, runs=_list(_RUN)
    ),
}
