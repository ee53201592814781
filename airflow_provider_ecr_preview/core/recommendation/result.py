"""Recommendations under the XCom contract."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from airflow_provider_ecr_preview.core.recommendation.case import RepositoryFacts
from airflow_provider_ecr_preview.core.recommendation.keeping import RecommendationSettings
from airflow_provider_ecr_preview.core.recommendation.proposal import (
    REPLAY_DAYS,
    Recommendation,
    alternatives,
    pulls_at_risk,
    recommend,
)
from airflow_provider_ecr_preview.core.values import fitted
from airflow_provider_ecr_preview.core.xcom.audit import MAX_LISTED, FailedRepository
from airflow_provider_ecr_preview.core.xcom.recommendation import (
    MAX_RECOMMENDATION_BYTES,
    RECOMMENDATION_SCHEMA,
    AlternativePolicy,
    CostlyImageXCom,
    MissedPullXCom,
    RecommendationXCom,
    RecommendedPolicy,
    RecommendedRule,
)

_MAX_MISSED = 10
_MAX_TAGS = 3


@dataclass(frozen=True)
class RecommendationRequest:
    """The parameters of a recommendation, except the repositories.

    :param settings: the settings that say which images a policy must keep.
    :param now: the time (aware).
    :param replay_days: the number of past days whose recorded pulls are checked.
    :param in_use_is_known: whether the images in use are known.
    """

    settings: RecommendationSettings
    now: datetime
    replay_days: float = REPLAY_DAYS
    in_use_is_known: bool = False


def recommended_policy(
    repositories: Sequence[RepositoryFacts], request: RecommendationRequest
) -> tuple[Recommendation, RecommendedPolicy]:
    """Return the policy that repositories share, also in the form of the XCom contract.

    :param repositories: the repositories.
    :param request: the parameters.
    """
    found = recommend(repositories, request.now, request.settings, replay_days=request.replay_days)
    others = alternatives(repositories, request.now, request.settings)
    value = RecommendedPolicy(
        repository_names=list(found.repository_names),
        repository_count=len(found.repository_names),
        lifecycle_policy_text=text_of_policy(found),
        policy_fingerprint=found.policy.fingerprint if found.policy else None,
        total_image_count=found.total_images,
        kept_image_count=found.kept_images,
        lost_image_count=len(found.lost),
        expiring_image_count=found.freed_images,
        expiring_bytes_upper_bound=found.freed_bytes,
        pulled_image_count=pulls_at_risk(found.policy, repositories, request.now, request.replay_days),
        rules=_rules(found),
        costly_images=[
            CostlyImageXCom(
                repository_name=costly.repository_name,
                image_digest=costly.kept.image.image_digest,
                image_tags=list(costly.kept.image.image_tags[:_MAX_TAGS]),
                reason=costly.kept.reason.value,
                cost_bytes=costly.cost_bytes,
            )
            for costly in found.costly
        ],
        missed_pull_count=len(found.missed),
        missed_pulls=[
            MissedPullXCom(
                image_digest=missed.image.image_digest,
                image_tags=list(missed.image.image_tags[:_MAX_TAGS]),
                pulled_at=missed.pulled_at.astimezone(UTC).isoformat(),
                rule_priority=missed.rule_priority,
            )
            for missed in found.missed[:_MAX_MISSED]
        ],
        alternatives=[
            AlternativePolicy(
                name=name,
                recently_pulled_days=other.settings.protection.recently_pulled_days,
                lifecycle_policy_text=text_of_policy(other),
                expiring_image_count=other.freed_images,
                expiring_bytes_upper_bound=other.freed_bytes,
                pulled_image_count=pulls_at_risk(other.policy, repositories, request.now, request.replay_days),
            )
            for name, other in others.items()
        ],
        proven_repository_count=None,
    )
    return found, value


def text_of_policy(found: Recommendation) -> str | None:
    """Return the text of a recommended policy; None if there is none."""
    return None if found.policy is None else json.dumps(found.document)


def recommendation_xcom(
    policies: Sequence[RecommendedPolicy],
    request: RecommendationRequest,
    failures: Sequence[FailedRepository] = (),
    *,
    unproven: Collection[str] = (),
) -> RecommendationXCom:
    """Return recommendations under the XCom contract, in at most 48 KiB.

    :param policies: the policies, each with all of its repositories.
    :param request: the parameters.
    :param failures: the repositories for which there is none, or for which ECR does not agree.
    :param unproven: the repositories of the policies for which ECR does not agree; their policies are not handed on.
    """
    value = RecommendationXCom(
        schema=RECOMMENDATION_SCHEMA,
        recommended_at=request.now.astimezone(UTC).isoformat(),
        in_use_is_known=request.in_use_is_known,
        keep_releases=request.settings.keep_releases,
        safe_days=request.settings.safe_days,
        safe_pushes=request.settings.safe_pushes,
        recently_pulled_days=request.settings.protection.recently_pulled_days,
        replay_days=request.replay_days,
        repository_count=sum(policy["repository_count"] for policy in policies) + len(failures) - len(unproven),
        failed_count=len(failures),
        policy_count=len(policies),
        policies=list(policies),
        lifecycle_policies=_policies_by_name(policies, unproven),
        failures=list(failures),
    )
    return fitted(value, MAX_RECOMMENDATION_BYTES, _LIMITS, _cut_to)


def _policies_by_name(policies: Iterable[RecommendedPolicy], without: Collection[str]) -> dict[str, str]:
    return {
        name: text
        for policy in policies
        if (text := policy["lifecycle_policy_text"]) is not None
        for name in policy["repository_names"]
        if name not in without
    }


def _rules(found: Recommendation) -> list[RecommendedRule]:
    return [
        RecommendedRule(
            priority=priority,
            family=rule.selector.kind.value,
            selector=str(rule.selector),
            count_type=rule.count_type,
            count_number=rule.count_number,
            kept_image_count=rule.decided_images - rule.freed_images,
            expiring_image_count=rule.freed_images,
            expiring_bytes=rule.freed_bytes,
            explanation=rule.sentence(priority),
        )
        for priority, rule in enumerate(found.rules, 1)
    ]


class _Limits(NamedTuple):
    """The maximum length of each list."""

    policies: int
    names: int
    details: int
    by_name: bool


_LIMITS = (
    _Limits(1_000, 1_000, _MAX_MISSED, by_name=True),
    _Limits(MAX_LISTED, 20, 3, by_name=True),
    _Limits(20, 5, 1, by_name=True),
    _Limits(20, 20, 3, by_name=False),
    _Limits(10, 5, 1, by_name=False),
    _Limits(3, 1, 0, by_name=False),
    _Limits(0, 0, 0, by_name=False),
)


def _cut_to(value: RecommendationXCom, limits: _Limits) -> RecommendationXCom:
    return {
        **value,
        "policies": [_policy_cut_to(policy, limits) for policy in value["policies"][: limits.policies]],
        "lifecycle_policies": value["lifecycle_policies"] if limits.by_name else None,
        "failures": value["failures"][: limits.names],
    }


def _policy_cut_to(policy: RecommendedPolicy, limits: _Limits) -> RecommendedPolicy:
    return {
        **policy,
        "repository_names": policy["repository_names"][: limits.names],
        "costly_images": policy["costly_images"][: limits.details],
        "missed_pulls": policy["missed_pulls"][: limits.details],
        "alternatives": policy["alternatives"][: limits.details],
    }
