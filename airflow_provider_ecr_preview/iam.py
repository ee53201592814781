"""The IAM actions that each operator needs, as data, and the policies of the roles that run them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_PREVIEW = ("ecr:StartLifecyclePolicyPreview", "ecr:GetLifecyclePolicyPreview", "ecr:GetLifecyclePolicy")
_EVIDENCE = (*_PREVIEW, "ecr:DescribeImages")

IAM_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "EcrListRepositoriesOperator": ("ecr:DescribeRepositories", "ecr:ListTagsForResource", "ecr:GetLifecyclePolicy"),
    "EcrStartLifecyclePolicyPreviewOperator": _PREVIEW,
    "EcrLifecyclePolicyPreviewSensor": ("ecr:GetLifecyclePolicyPreview",),
    "EcrSummarizeLifecyclePolicyPreviewOperator": ("ecr:GetLifecyclePolicyPreview", "ecr:DescribeImages"),
    "EcrAuditLifecyclePoliciesOperator": _EVIDENCE,
    "EcrReconcileLifecycleOperator": ("cloudtrail:LookupEvents", "ecr:DescribeImages"),
    "EcrDeletePreviewedImagesOperator": (*_EVIDENCE, "ecr:BatchDeleteImage", "ecr:UpdateImageStorageClass"),
    "EcrPutLifecyclePolicyOperator": (*_EVIDENCE, "ecr:PutLifecyclePolicy"),
    "EcrRestoreLifecyclePolicyOperator": (
        "ecr:GetLifecyclePolicy",
        "ecr:PutLifecyclePolicy",
        "ecr:DeleteLifecyclePolicy",
    ),
}
"""The actions that each operator may call, by the name of its class; some only with certain parameters."""

ROLES: Mapping[str, tuple[str, ...]] = {
    "auditor": (
        "EcrListRepositoriesOperator",
        "EcrStartLifecyclePolicyPreviewOperator",
        "EcrLifecyclePolicyPreviewSensor",
        "EcrSummarizeLifecyclePolicyPreviewOperator",
        "EcrAuditLifecyclePoliciesOperator",
        "EcrReconcileLifecycleOperator",
    ),
    "approver": ("EcrPutLifecyclePolicyOperator", "EcrRestoreLifecyclePolicyOperator"),
    "cleaner": ("EcrDeletePreviewedImagesOperator",),
}
"""The operators of each role: one that looks, one that applies policies, one that deletes images."""

_WITHOUT_RESOURCE = ("cloudtrail:LookupEvents", "ecr:DescribeRepositories")
"""Actions that IAM cannot limit to repositories, or that ask about all of them."""


def role_actions(role: str) -> list[str]:
    """Return the IAM actions of a role, sorted.

    :param role: ``auditor``, ``approver`` or ``cleaner``.
    """
    return sorted({action for operator in ROLES[role] for action in IAM_ACTIONS[operator]})


def role_policy(role: str, resource: str = "arn:aws:ecr:*:123456789012:repository/*") -> dict[str, Any]:
    """Return the IAM policy of a role.

    :param role: ``auditor``, ``approver`` or ``cleaner``.
    :param resource: the repositories that it is for.
    """
    actions = role_actions(role)
    statements = [
        {
            "Sid": role.capitalize(),
            "Effect": "Allow",
            "Action": [action for action in actions if action not in _WITHOUT_RESOURCE],
            "Resource": resource,
        }
    ]
    if without := [action for action in actions if action in _WITHOUT_RESOURCE]:
        sid = f"{role.capitalize()}OfTheWholeRegistry"
        statements.append({"Sid": sid, "Effect": "Allow", "Action": without, "Resource": "*"})
    return {"Version": "2012-10-17", "Statement": statements}


def role_policies_markdown() -> str:
    """Return the policies of all roles as they stand in the README."""
    sections = []
    for role, operators in ROLES.items():
        names = ", ".join(f"`{operator}`" for operator in operators)
        policy = json.dumps(role_policy(role), indent=2)
        sections.append(f"**{role.capitalize()}**: {names}\n\n```json\n{policy}\n```\n")
    return "\n".join(sections)
