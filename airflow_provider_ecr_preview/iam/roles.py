"""The IAM policies of the roles that run the operators, and the same as Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_ecr_preview.iam.actions import (
    FURTHER_IN_USE_ACTIONS,
    IAM_ACTIONS,
    IN_USE_ACTIONS,
    READS_ENVIRONMENT_VARIABLES,
)

ROLES: Mapping[str, tuple[str, ...]] = {
    "auditor": (
        "EcrListRepositoriesOperator",
        "EcrStartLifecyclePolicyPreviewOperator",
        "EcrLifecyclePolicyPreviewSensor",
        "EcrSummarizeLifecyclePolicyPreviewOperator",
        "EcrAuditLifecyclePoliciesOperator",
        "EcrCompareLifecyclePoliciesOperator",
        "EcrRecommendLifecyclePolicyOperator",
        "EcrCollectImagesInUseOperator",
        "EcrReconcileLifecycleOperator",
    ),
    "approver": ("EcrPutLifecyclePolicyOperator", "EcrRestoreLifecyclePolicyOperator"),
    "cleaner": ("EcrDeletePreviewedImagesOperator",),
    "watcher": ("EcrLifecyclePolicyEventTrigger",),
}
"""The operators of each role: one reads, one applies policies, one deletes images, and one reads the queue of changes."""


_REPOSITORIES = "arn:aws:ecr:*:123456789012:repository/*"


_QUEUE = "arn:aws:sqs:*:123456789012:ecr-policy-changes"


_OF_THE_REGISTRY = frozenset(
    {
        "ecr:DescribePullThroughCacheRules",
        "ecr:DescribeRegistry",
        "ecr:DescribeRepositories",
        "ecr:DescribeRepositoryCreationTemplates",
        "ecr:GetRegistryPolicy",
        "ecr:ListPullTimeUpdateExclusions",
    }
)
"""Actions on the registry or on all of its repositories."""


def role_actions(role: str) -> list[str]:
    """Return the IAM actions of a role, sorted.

    :param role: ``auditor``, ``approver``, ``cleaner`` or ``watcher``.
    """
    return sorted({action for operator in ROLES[role] for action in IAM_ACTIONS[operator]})


def role_policy(role: str, resource: str | None = None) -> dict[str, Any]:
    """Return the IAM policy of a role.

    :param role: ``auditor``, ``approver``, ``cleaner`` or ``watcher``.
    :param resource: the ARN of the repositories, or of the queue of the watcher; None for an example.
    """
    resource = resource or (_QUEUE if role == "watcher" else _REPOSITORIES)
    actions = role_actions(role)
    statements = [
        {
            "Sid": role.capitalize(),
            "Effect": "Allow",
            "Action": [action for action in actions if not _is_without_resource(action)],
            "Resource": resource,
        }
    ]
    if without := [action for action in actions if _is_without_resource(action)]:
        sid = f"{role.capitalize()}OfTheWholeRegistry"
        statements.append({"Sid": sid, "Effect": "Allow", "Action": without, "Resource": "*"})
    return {"Version": "2012-10-17", "Statement": statements}


def role_policies_markdown() -> str:
    """Return the policies of all roles as Markdown, as docs/reference/iam.md has them."""
    sections = []
    for role, operators in ROLES.items():
        names = ", ".join(f"`{operator}`" for operator in operators)
        policy = json.dumps(role_policy(role), indent=2)
        sections.append(f"**{role.capitalize()}**: {names}\n\n```json\n{policy}\n```\n")
    return "\n".join(sections)


def in_use_actions_markdown() -> str:
    """Return the actions of every source of images in use as the guide has them, with those that show environment variables."""
    lines = ["| source | IAM actions | of these, show environment variables |", "|---|---|---|"]
    for source, actions in {**IN_USE_ACTIONS, **FURTHER_IN_USE_ACTIONS}.items():
        shown = [action for action in actions if action in READS_ENVIRONMENT_VARIABLES]
        named = ", ".join(f"`{action}` ({READS_ENVIRONMENT_VARIABLES[action]})" for action in shown)
        lines.append(f"| `{source}` | {', '.join(f'`{action}`' for action in actions)} | {named or 'none'} |")
    return "\n".join(lines) + "\n"


def _is_without_resource(action: str) -> bool:
    """Return whether an action cannot be limited to single repositories."""
    return not action.startswith("ecr:") or action in _OF_THE_REGISTRY
