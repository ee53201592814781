"""Lifecycle policies and their rules, as the JSON of ECR and as the core reads them."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy

EXPIRE = {"type": "expire"}
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}


def rule(
    priority: Any = 1, action: object = EXPIRE, *, description: str | None = None, **selection: Any
) -> dict[str, Any]:
    """Return a rule; unless its selection says otherwise, it expires all images but the newest."""
    default = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}
    described = {} if description is None else {"description": description}
    return {"rulePriority": priority, **described, "selection": {**default, **selection}, "action": action}


def tagged(priority: int, *patterns: str, **selection: Any) -> dict[str, Any]:
    """Return a rule that selects images by patterns of their tags."""
    return rule(priority, tagStatus="tagged", tagPatternList=list(patterns), **selection)


def keep(count: int, tag_status: str = "any", description: str | None = None) -> dict[str, Any]:
    """Return a policy that expires all images but the newest ``count``."""
    return {"rules": [rule(1, description=description, tagStatus=tag_status, countNumber=count)]}


def policy(*rules: dict[str, Any]) -> LifecyclePolicy:
    """Return a policy of these rules as the core reads it; without a rule, one that keeps the newest image."""
    return LifecyclePolicy.from_service(json.dumps({"rules": list(rules or (rule(),))}))
