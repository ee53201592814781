"""The XCom of recommended policies."""

from __future__ import annotations

from typing import NotRequired, TypedDict, final

from airflow_provider_ecr_preview.core.xcom.audit import FailedRepository

RECOMMENDATION_SCHEMA = "ecr-lifecycle-recommendation/1"


MAX_RECOMMENDATION_BYTES = 48 * 1024
"""Upper bound of a recommendation in XCom."""


@final
class RecommendedRule(TypedDict):
    """One rule of a recommended policy, with what it does now; sizes that are not known count as nothing here."""

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
    """An image that only a number can keep, and how many more bytes the best policy would free without it."""

    repository_name: str
    image_digest: str
    image_tags: list[str]
    reason: str
    cost_bytes: int


@final
class MissedPullXCom(TypedDict):
    """A recorded pull that would have found nothing, had the policy been applied all the time."""

    image_digest: str
    image_tags: list[str]
    pulled_at: str
    rule_priority: int


@final
class AlternativePolicy(TypedDict):
    """A more cautious or a bolder policy.

    ``pulled_image_count`` is how many images it would expire now that were pulled within ``replay_days``.
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

    ``lifecycle_policy_text`` is null where no rule can free anything. ``lost_image_count`` counts the images that have to be kept
    and that the policy affects within ``safe_days`` and ``safe_pushes``, by simulation; it is 0. ``proven_repository_count`` counts the
    repositories for which ECR's own preview affects no image that the simulation keeps; null where ECR did not preview it.
    ``expiring_image_count`` is simulated. ``proven_expiring_image_count`` is the number in ECR's preview of these repositories. It can
    be lower: ECR keeps images that a manifest list names, and DescribeImages does not say which these are.
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
    """``return_value`` of the recommending operator, in at most 48 KiB. The lists are cut, their counts are not.

    ``lifecycle_policies`` holds the recommended policy of every repository that has one, except where ECR does not agree. It is for
    the parameters ``lifecycle_policies`` and ``candidates`` of other operators. It is null where it does not fit. ``in_use_is_known`` says whether what is in use was given.
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
