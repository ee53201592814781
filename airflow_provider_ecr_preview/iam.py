"""The IAM actions that each operator needs, as data, and the policies of the roles that run them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_PREVIEW = ("ecr:StartLifecyclePolicyPreview", "ecr:GetLifecyclePolicyPreview", "ecr:GetLifecyclePolicy")


_EVIDENCE = (*_PREVIEW, "ecr:DescribeImages", "ecr:DescribeRegistry")


_PULLS = ("ecr:GetRegistryPolicy", "ecr:GetRepositoryPolicy")


IN_USE_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "ecs": (
        "ecs:DescribeServiceDeployments",
        "ecs:DescribeServiceRevisions",
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "ecs:DescribeTasks",
        "ecs:ListClusters",
        "ecs:ListServiceDeployments",
        "ecs:ListServices",
        "ecs:ListTaskDefinitions",
        "ecs:ListTasks",
    ),
    "eks": ("eks:DescribeCluster", "eks:ListClusters"),
    "lambda": ("lambda:GetFunction", "lambda:ListFunctions", "lambda:ListVersionsByFunction"),
    "batch": ("batch:DescribeJobDefinitions",),
    "sagemaker": (
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeInferenceComponent",
        "sagemaker:DescribeModel",
        "sagemaker:ListEndpoints",
        "sagemaker:ListInferenceComponents",
        "sagemaker:ListModels",
    ),
    "apprunner": ("apprunner:DescribeService", "apprunner:ListServices"),
    "codebuild": ("codebuild:BatchGetProjects", "codebuild:ListProjects"),
}
"""The actions of each source that ``EcrCollectImagesInUseOperator`` reads by default."""


FURTHER_IN_USE_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "ecs_daemons": (
        "ecs:DescribeDaemon",
        "ecs:DescribeDaemonDeployments",
        "ecs:DescribeDaemonRevisions",
        "ecs:DescribeDaemonTaskDefinition",
        "ecs:ListClusters",
        "ecs:ListDaemonDeployments",
        "ecs:ListDaemonTaskDefinitions",
        "ecs:ListDaemons",
    ),
    "emr_serverless": (
        "emr-serverless:GetApplication",
        "emr-serverless:GetJobRun",
        "emr-serverless:ListApplications",
        "emr-serverless:ListJobRuns",
    ),
    "airflow": ("batch:DescribeJobDefinitions", "ecs:DescribeTaskDefinition"),
}
"""The actions of sources that are read only if the DAG names them; no role has them by default."""


IAM_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "EcrListRepositoriesOperator": ("ecr:DescribeRepositories", "ecr:ListTagsForResource", "ecr:GetLifecyclePolicy"),
    "EcrStartLifecyclePolicyPreviewOperator": _PREVIEW,
    "EcrLifecyclePolicyPreviewSensor": ("ecr:GetLifecyclePolicyPreview",),
    "EcrSummarizeLifecyclePolicyPreviewOperator": (
        "ecr:GetLifecyclePolicyPreview",
        "ecr:DescribeImages",
        "ecr:DescribeRegistry",
    ),
    "EcrAuditLifecyclePoliciesOperator": _EVIDENCE,
    "EcrCompareLifecyclePoliciesOperator": (*_PREVIEW, "ecr:DescribeImages"),
    "EcrRecommendLifecyclePolicyOperator": (
        "ecr:DescribeImages",
        "ecr:GetLifecyclePolicyPreview",
        "ecr:StartLifecyclePolicyPreview",
    ),
    "EcrCollectImagesInUseOperator": tuple(sorted(action for actions in IN_USE_ACTIONS.values() for action in actions)),
    "EcrPutLifecyclePolicyOperator": (*_EVIDENCE, *_PULLS, "ecr:PutLifecyclePolicy"),
    "EcrRestoreLifecyclePolicyOperator": (*_PREVIEW, "ecr:DeleteLifecyclePolicy", "ecr:PutLifecyclePolicy"),
    "EcrReconcileLifecycleOperator": ("cloudtrail:LookupEvents", "ecr:DescribeImages"),
    "EcrDeletePreviewedImagesOperator": (
        *_EVIDENCE,
        *_PULLS,
        "ecr:BatchDeleteImage",
        "ecr:UpdateImageStorageClass",
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
        "EcrCompareLifecyclePoliciesOperator",
        "EcrRecommendLifecyclePolicyOperator",
        "EcrCollectImagesInUseOperator",
        "EcrReconcileLifecycleOperator",
    ),
    "approver": ("EcrPutLifecyclePolicyOperator", "EcrRestoreLifecyclePolicyOperator"),
    "cleaner": ("EcrDeletePreviewedImagesOperator",),
}
"""The operators of each role: one role reads, one applies policies, and one deletes images."""


READS_ENVIRONMENT_VARIABLES: Mapping[str, str] = {
    "apprunner:DescribeService": "those of services",
    "batch:DescribeJobDefinitions": "those of job definitions",
    "codebuild:BatchGetProjects": "those of projects; values of the type PLAINTEXT are shown",
    "ecs:DescribeDaemonTaskDefinition": "those of daemon task definitions",
    "ecs:DescribeTaskDefinition": "those of task definitions; of secrets the names alone",
    "ecs:DescribeTasks": "those that a task was started with in addition to its definition",
    "emr-serverless:GetApplication": "those in the runtime configuration of applications",
    "emr-serverless:GetJobRun": "those in the configuration and the Spark parameters of runs",
    "lambda:GetFunction": "those of functions, and the address of the code of functions that are no images",
    "lambda:ListFunctions": "those of functions",
    "lambda:ListVersionsByFunction": "those of functions",
    "sagemaker:DescribeInferenceComponent": "those of containers",
    "sagemaker:DescribeModel": "those of containers",
}
"""The actions of ``EcrCollectImagesInUseOperator`` whose responses contain environment variables, which may hold secrets.

The operator looks for images in them and keeps nothing else. In Kubernetes, ``list`` of pods and workloads contains them too.
"""


_OF_THE_REGISTRY = frozenset({"ecr:DescribeRegistry", "ecr:DescribeRepositories", "ecr:GetRegistryPolicy"})
"""Actions on the registry or on all of its repositories."""


def role_actions(role: str) -> list[str]:
    """Return the IAM actions of a role, sorted.

    :param role: ``auditor``, ``approver`` or ``cleaner``.
    """
    return sorted({action for operator in ROLES[role] for action in IAM_ACTIONS[operator]})


def role_policy(role: str, resource: str = "arn:aws:ecr:*:123456789012:repository/*") -> dict[str, Any]:
    """Return the IAM policy of a role.

    :param role: ``auditor``, ``approver`` or ``cleaner``.
    :param resource: the ARN of the repositories.
    """
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
