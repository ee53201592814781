"""One faulty policy for every code of ``lint_policy``: the examples of docs/reference/lint.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider_ecr_preview.core.lint.finding import PolicyFinding
from airflow_provider_ecr_preview.core.lint.policy import MAX_RULES, MAX_TEXT_LENGTH, PolicySource, lint_policy

_TAGGED = {"tagStatus": "tagged", "tagPatternList": ["v*"], "countType": "imageCountMoreThan", "countNumber": 10}
_ANY = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}
_OLD = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}
_ARCHIVED = {"storageClass": "archive", "countType": "sinceImageTransitioned", "countUnit": "days"}
_EXPIRE = {"type": "expire"}
_ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}


def _without(mapping: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}


def _rule(priority: Any = 1, selection: Any = None, action: Any = None, **more: Any) -> dict[str, Any]:
    return {"rulePriority": priority, "selection": selection or _OLD, "action": action or _EXPIRE, **more}


def _selecting(selection: dict[str, Any], action: Any = None) -> PolicySource:
    return {"rules": [_rule(selection=selection, action=action)]}


MISTAKES: tuple[PolicySource, ...] = (
    '{"rules": [',
    '{"rules": [], "rules": [' + " " * 80 + "]}",
    "[]" + " " * 100,
    '{"rules": []}',
    " " * (MAX_TEXT_LENGTH + 1) + '{"rules": []}',
    {"rules": "none"},
    {"rules": [_rule(number, {**_TAGGED, "tagPatternList": [f"v{number}*"]}) for number in range(1, MAX_RULES + 2)]},
    {"rules": ["expire"]},
    {"rules": [_rule(0)]},
    {"rules": [_rule(description=7)]},
    {"rules": [_without(_rule(), "selection")]},
    {"rules": [_without(_rule(), "action")]},
    {"rules": [_rule(), _rule(1, _TAGGED)]},
    {"rules": [_rule(1, _TAGGED), _rule(2, _TAGGED)]},
    {
        "rules": [
            _rule(1, {**_TAGGED, "tagPatternList": ["v*", "a*"]}),
            _rule(2, {**_TAGGED, "tagPatternList": ["v*", "b*"]}),
        ]
    },
    {"rules": [_rule(1, _TAGGED), _rule(2, {**_TAGGED, "tagPatternList": ["v1*"]})]},
    {"rules": [_rule(1), _rule(2)]},
    {"rules": [_rule(1, _ANY), _rule(2, _ANY)]},
    {"rules": [_rule(1, _ANY), _rule(2, _TAGGED)]},
    _selecting({**_OLD, "tagPatterns": ["v*"]}),
    _selecting({**_OLD, "storageClass": None}),
    _selecting({**_OLD, "tagStatus": "some"}),
    _selecting(_without(_TAGGED, "tagPatternList")),
    _selecting({**_TAGGED, "tagPrefixList": ["v"]}),
    _selecting({**_OLD, "tagPatternList": ["v*"]}),
    _selecting({**_TAGGED, "tagPatternList": []}),
    _selecting({**_TAGGED, "tagPatternList": ["v*", "v*"]}),
    _selecting({**_TAGGED, "tagPatternList": ["v*", "*-rc"]}),
    _selecting({**_without(_TAGGED, "tagPatternList"), "tagPrefixList": ["v*"]}),
    _selecting({**_TAGGED, "tagPatternList": ["*a*b*c*d*"]}),
    _selecting({**_TAGGED, "tagPatternList": ["feature/*"]}),
    _selecting({**_OLD, "storageClass": "cold"}),
    _selecting({**_OLD, "countType": "sinceImageCreated"}),
    _selecting({**_OLD, "countNumber": 0}),
    _selecting({**_ANY, **_ARCHIVED, "countNumber": 30}),
    _selecting({**_ANY, "countUnit": "days"}),
    _selecting({**_OLD, "countUnit": "hours"}),
    _selecting(_without(_OLD, "countUnit")),
    _selecting(_OLD, {"type": "delete"}),
    _selecting(_OLD, {**_ARCHIVE, "type": "expire"}),
    _selecting(_OLD, {**_ARCHIVE, "targetStorageClass": "cold"}),
    _selecting(_OLD, {"type": "transition"}),
    _selecting({**_OLD, "countType": "sinceImagePulled"}),
    _selecting({**_ANY, **_ARCHIVED, "storageClass": "standard", "countNumber": 90}),
    _selecting({**_OLD, "storageClass": "archive"}),
)


def findings() -> Iterator[PolicyFinding]:
    """Yield an example of every finding, by code."""
    found: dict[str, PolicyFinding] = {}
    for policy in MISTAKES:
        for finding in lint_policy(policy):
            found.setdefault(finding.code, finding)
    yield from (finding for _, finding in sorted(found.items()))
