"""A lifecycle policy, offline."""

from airflow_provider_ecr_preview.core.lint.finding import PolicyFinding
from airflow_provider_ecr_preview.core.lint.policy import PolicySource, lint_policy
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.evaluation import Verdict
from airflow_provider_ecr_preview.core.policy.rule import Rule
from airflow_provider_ecr_preview.core.repository import RepositoryImage

__all__ = ["LifecyclePolicy", "PolicyFinding", "PolicySource", "RepositoryImage", "Rule", "Verdict", "lint_policy"]
