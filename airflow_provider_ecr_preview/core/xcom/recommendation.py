"""The XCom of recommended policies."""

from __future__ import annotations

from typing import NotRequired, TypedDict, final

from airflow_provider_ecr_preview.core.xcom.audit import FailedRepository

RECOMMENDATION_SCHEMA = "ecr-lifecycle-recommendation/1"


MAX_RECOMMENDATION_BYTES = 48 * 1024
"""Upper bound of a recommendation in XCom."""


@final
class RecommendedRule(TypedDict):
    """One rule of a recommended policy, and its effect today.

    :param expiring_bytes: a size that is not known counts as 0.
    """

    priority: int
    family: str
    selector: str
    count_type: str
    count_number: int
    kept_image_count: int
    expiring_image_count: int
    expiring_bytes: int
    explanation: str


@final
class CostlyImageXCom(TypedDict):
    """An image that only a higher number of kept images can keep, and how many more bytes the best policy would free without it."""

    repository_name: str
    image_digest: str
    image_tags: list[str]
    reason: str
    cost_bytes: int


@final
class MissedPullXCom(TypedDict):
    """A recorded pull that would have failed if the policy had always been applied."""

    image_digest: str
    image_tags: list[str]
    pulled_at: str
    rule_priority: int


@final
class AlternativePolicy(TypedDict):
    """A more cautious or a bolder policy.

    :param pulled_image_count: images pulled within ``replay_days`` that the policy would expire now.
    """

    name: str
    recently_pulled_days: float
    lifecycle_policy_text: str | None
    expiring_image_count: int
    expiring_bytes_upper_bound: int | None
    pulled_image_count: int


@final
class RecommendedPolicy(TypedDict):
    """One recommended policy and the repositories that share it.

    :param lifecycle_policy_text: null if no rule can free anything.
    :param lost_image_count: images that must be kept and that the policy would affect within ``safe_days`` and
        ``safe_pushes``, by simulation; always 0.
    :param expiring_image_count: by simulation.
    :param proven_repository_count: repositories where ECR's preview affects no image that the simulation keeps;
        null if ECR did not preview the policy.
    :param proven_expiring_image_count: expiring images in ECR's preview. It can be lower than the simulation: ECR
        keeps images that a manifest list refers to, and DescribeImages does not say which these are.
    """

    repository_names: list[str]
    repository_count: int
    lifecycle_policy_text: str | None
    policy_fingerprint: str | None
    total_image_count: int
    kept_image_count: int
    lost_image_count: int
    expiring_image_count: int
    expiring_bytes_upper_bound: int | None
    pulled_image_count: int
    rules: list[RecommendedRule]
    costly_images: list[CostlyImageXCom]
    missed_pull_count: int
    missed_pulls: list[MissedPullXCom]
    alternatives: list[AlternativePolicy]
    proven_repository_count: int | None
    proven_expiring_image_count: NotRequired[int | None]
    proven_expiring_bytes_upper_bound: NotRequired[int | None]


@final
class RecommendationXCom(TypedDict):
    """``return_value`` of the recommending operator, in at most 48 KiB.

    The lists are cut; the counts are complete.

    :param lifecycle_policies: the recommended policy of every repository that has one, except if ECR's preview
        contradicts it; null if they do not fit. Pass it to ``lifecycle_policies`` or ``candidates`` of other
        operators.
    :param in_use_is_known: whether the operator was given the images in use.
    """

    schema: str
    recommended_at: str
    in_use_is_known: bool
    keep_releases: int
    safe_days: int
    safe_pushes: int
    recently_pulled_days: float
    replay_days: float
    repository_count: int
    failed_count: int
    policy_count: int
    policies: list[RecommendedPolicy]
    lifecycle_policies: dict[str, str] | None
    failures: list[FailedRepository]
