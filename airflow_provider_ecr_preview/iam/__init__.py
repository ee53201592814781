"""The IAM actions that each operator needs, as data, and the policies of the roles that run them."""

from airflow_provider_ecr_preview.iam.actions import (
    FURTHER_IN_USE_ACTIONS,
    IAM_ACTIONS,
    IN_USE_ACTIONS,
    READS_ENVIRONMENT_VARIABLES,
)
from airflow_provider_ecr_preview.iam.roles import (
    ROLES,
    in_use_actions_markdown,
    role_actions,
    role_policies_markdown,
    role_policy,
)

__all__ = [
    "FURTHER_IN_USE_ACTIONS",
    "IAM_ACTIONS",
    "IN_USE_ACTIONS",
    "READS_ENVIRONMENT_VARIABLES",
    "ROLES",
    "in_use_actions_markdown",
    "role_actions",
    "role_policies_markdown",
    "role_policy",
]
