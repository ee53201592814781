"""Lifecycle policies as teams write them, mistakes included."""

from __future__ import annotations

from typing import Any


def _policy(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"rules": [{"rulePriority": priority, **rule} for priority, rule in enumerate(rules, start=1)]}


def _older_than(days: int, **selection: Any) -> dict[str, Any]:
    return {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days, **selection}


def _newest(count: int, **selection: Any) -> dict[str, Any]:
    return {"countType": "imageCountMoreThan", "countNumber": count, **selection}


def _expire(description: str, selection: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "selection": selection, "action": {"type": "expire"}}


def _archive(description: str, selection: dict[str, Any]) -> dict[str, Any]:
    action = {"type": "transition", "targetStorageClass": "archive"}
    return {"description": description, "selection": selection, "action": action}


_UNTAGGED = _expire("Untagged after two weeks", _older_than(14, tagStatus="untagged"))


UNTAGGED = _policy(_UNTAGGED)


UNTAGGED_AND_COUNT = _policy(_UNTAGGED, _expire("The newest 30 of the rest", _newest(30, tagStatus="any")))


KEEP_RELEASES = _policy(
    _expire("Guard: releases stay", _newest(9_999, tagStatus="tagged", tagPatternList=["v*"])),
    _expire("Pull requests after a week", _older_than(7, tagStatus="tagged", tagPrefixList=["pr-"])),
    _expire("Builds of main after a month", _older_than(30, tagStatus="tagged", tagPrefixList=["main-"])),
    _UNTAGGED,
)


KEEP_RECENT = _policy(_UNTAGGED, _expire("Builds after half a year", _older_than(180, tagStatus="any")))


THIRTY_DAYS = _policy(_expire("Nothing older than a month", _older_than(30, tagStatus="any")))
"""Empties a repository without a push for a month."""


DEAD_RULE = _policy(
    _expire("Keep ten releases", _newest(10, tagStatus="tagged", tagPrefixList=["release-"])),
    _UNTAGGED,
)
"""Releases have been called v1.2.3 for a long time."""


AND_PATTERNS = _policy(
    _expire("Builds and pull requests", _older_than(14, tagStatus="tagged", tagPatternList=["main-*", "pr-*"])),
    _UNTAGGED,
)
"""The author means "or", but ECR reads "and", and no image has both."""


ARCHIVE_UNUSED = _policy(
    _archive(
        "Archive images without a pull for three months",
        {"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 90},
    ),
    _expire(
        "Archived for a year",
        {
            "tagStatus": "any",
            "storageClass": "archive",
            "countType": "sinceImageTransitioned",
            "countUnit": "days",
            "countNumber": 365,
        },
    ),
)
