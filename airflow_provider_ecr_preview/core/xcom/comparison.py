"""The XCom of a comparison of policies."""

from __future__ import annotations

from typing import Literal, TypedDict, final

from airflow_provider_ecr_preview.core.xcom.audit import FailedRepository, RepositoryRef
from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary

COMPARISON_SCHEMA = "ecr-lifecycle-comparison/1"


ComparisonMethod = Literal["preview", "simulation", "both"]


class PolicyDifference(TypedDict):
    """What one policy affects, and how that differs from the first of the compared policies.

    Bytes are upper bounds, and null if a size is not known.
    """

    policy: str
    expiring_image_count: int
    archiving_image_count: int
    expiring_bytes_upper_bound: int | None
    newly_affected_image_count: int
    newly_affected_bytes_upper_bound: int | None
    no_longer_affected_image_count: int
    no_longer_affected_bytes_upper_bound: int | None
    action_changed_image_count: int


class ComparedPolicy(PolicyDifference):
    """One policy in one repository.

    :param policy_fingerprint: null if the repository has no applied policy; nothing is affected then.
    """

    policy_fingerprint: str | None
    newly_affected_image_digests: list[str]
    no_longer_affected_image_digests: list[str]
    findings: list[FindingSummary]


class PolicyTotals(PolicyDifference):
    """One policy over all repositories.

    :param findings: the number of repositories with each finding, by its code.
    """

    findings: dict[str, int]


@final
class ComparedRepository(RepositoryRef):
    """The effect of each policy on one repository."""

    policies: list[ComparedPolicy]


class ComparisonXCom(TypedDict):
    """``return_value`` of the comparing operator, in at most 48 KiB.

    The lists are cut; the counts are complete.

    :param method: whether ECR previewed the policies, or they were simulated.
    :param results_uri: the file with every image that the policies treat differently.
    """

    schema: str
    compared_at: str
    method: ComparisonMethod
    repository_count: int
    failed_count: int
    differing_repository_count: int
    policies: list[PolicyTotals]
    repositories: list[ComparedRepository]
    errors: dict[str, int]
    failures: list[FailedRepository]
    results_uri: str | None
