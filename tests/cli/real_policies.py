"""Twenty lifecycle policies as public repositories have them: what they say, in few words, with the codes of their findings."""

from __future__ import annotations

import json
from typing import Any

UNTAGGED = "untagged"
ANY = "any"


def _rule(priority: int, images: str | list[str], number: Any, unit: str | None, key: str) -> dict[str, Any]:
    selection: dict[str, Any] = {"tagStatus": images if isinstance(images, str) else "tagged"}
    if isinstance(images, list):
        selection[key] = images
    selection["countType"] = "sinceImagePushed" if unit else "imageCountMoreThan"
    if unit:
        selection["countUnit"] = unit
    return {
        "rulePriority": priority,
        "selection": {**selection, "countNumber": number},
        "action": {"type": "expire"},
    }


def _policy(*rules: tuple[str | list[str], Any, str | None], key: str = "tagPrefixList", step: int = 1) -> str:
    return json.dumps({"rules": [_rule(step * number, *rule, key) for number, rule in enumerate(rules, 1)]}, indent=2)


PATTERNS = "tagPatternList"

REAL_POLICIES: tuple[tuple[str, list[str]], ...] = (
    (_policy((ANY, 3, None)), []),
    (_policy((ANY, 5, None)), []),
    (_policy((ANY, 100, None)), []),
    (_policy((UNTAGGED, 14, "days")), []),
    (_policy((["v"], 30, None)), []),
    (_policy((UNTAGGED, 7, "days"), (["v"], 15, None)), []),
    (_policy((["v"], 20, None), (UNTAGGED, 7, "days")), []),
    (_policy((["branch"], 1000, None), (["main"], 100, None)), []),
    (_policy((["release-"], 30, None), (["purge-"], 7, "days"), (UNTAGGED, 7, "days")), []),
    (_policy((["master-"], 10, None), (UNTAGGED, 3, "days")), []),
    (_policy((["latest"], 1, None), (ANY, 2, None)), []),
    (_policy((UNTAGGED, 1, "days"), (["staging-"], 5, None)), []),
    (_policy((["*"], 3, None), key=PATTERNS), []),
    (_policy((UNTAGGED, 7, "days"), (["*"], 90, "days"), key=PATTERNS), []),
    (_policy((["prod-*"], 3, None), (["staging-*"], 3, None), (ANY, 10, None), key=PATTERNS), []),
    (_policy((["prod*"], 14, "days"), key=PATTERNS), []),
    # Two prefixes that no tag needs to have both.
    (_policy((["latest", "main"], 10, None), (UNTAGGED, 1, "days")), ["and_patterns"]),
    (_policy((["prod-", "release-"], 90, "days"), (UNTAGGED, 5, None)), ["and_patterns"]),
    # The number was left out.
    (_policy((["v"], "", None)).replace('""', ""), ["not_json"]),
    (_policy((UNTAGGED, 1, "day")), ["count_unit_invalid"]),
)
