"""A recommended policy, with the space it frees, the pulls it would have missed, and the images that limit it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_ecr_preview.core.parameters.times import MAX_DAYS
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.protection.rules import ImageProtection
from airflow_provider_ecr_preview.core.recommendation.case import Case, RepositoryFacts
from airflow_provider_ecr_preview.core.recommendation.explanation import RuleProposal, explained
from airflow_provider_ecr_preview.core.recommendation.horizon import lost_images
from airflow_provider_ecr_preview.core.recommendation.keeping import KeptImage, RecommendationSettings
from airflow_provider_ecr_preview.core.recommendation.replay import MissedPull, missed_pulls
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.core.values import known_sum

REPLAY_DAYS = 90
MAX_COSTS = 3
"""The number of images for which the search is repeated, to find the cost of keeping them."""


@dataclass(frozen=True)
class CostlyImage:
    """An image that no pattern distinguishes from images that may go, so only a number keeps it, and the cost of that.

    :param repository_name: the repository.
    :param kept: the image, and why it must be kept.
    :param cost_bytes: the additional bytes that the best policy would free if the image need not be kept.
    """

    repository_name: str
    kept: KeptImage
    cost_bytes: int


@dataclass(frozen=True)
class Recommendation:
    """A recommended policy.

    :param repository_names: the repositories that it is for.
    :param settings: the settings that say which images it must keep.
    :param policy: the policy; None if no rule can free anything.
    :param rules: its rules in their order.
    :param total_images: how many images the repositories have.
    :param kept_images: how many of them must be kept.
    :param freed_images: how many the policy expires now, by simulation.
    :param freed_bytes: their bytes, an upper bound because layers are shared; None if a size is unknown.
    :param lost: the required images that the policy affects within ``safe_days`` and ``safe_pushes``, by simulation;
        always empty.
    :param costly: the images that reduce the space it frees, the most costly first.
    :param missed: the recorded pulls that it would have missed in the past.
    """

    repository_names: tuple[str, ...]
    settings: RecommendationSettings
    policy: LifecyclePolicy | None
    rules: tuple[RuleProposal, ...]
    total_images: int
    kept_images: int
    freed_images: int
    freed_bytes: int | None
    lost: tuple[KeptImage, ...]
    costly: tuple[CostlyImage, ...] = ()
    missed: tuple[MissedPull, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The policy in ECR's grammar."""
        return document_of(self.rules)


def document_of(rules: Iterable[RuleProposal]) -> dict[str, Any]:
    """Return rules as a policy in ECR's grammar."""
    return {"rules": [rule.as_rule(priority) for priority, rule in enumerate(rules, 1)]}


def recommend(
    repositories: Sequence[RepositoryFacts],
    now: datetime,
    settings: RecommendationSettings | None = None,
    *,
    replay_days: float = REPLAY_DAYS,
    with_costs: bool = True,
) -> Recommendation:
    """Return the policy that keeps every required image and frees the most; the same input gives the same policy.

    :param repositories: the repositories that share the policy.
    :param now: the time (aware).
    :param settings: the settings that say which images must be kept.
    :param replay_days: the number of past days whose recorded pulls are checked.
    :param with_costs: whether to repeat the search without the images that raise the numbers.
    """
    case = Case.of(repositories, settings or RecommendationSettings(), now)
    rules = tuple(explained(case.best_rules(), case))
    nothing = Recommendation(
        repository_names=tuple(facts.name for facts in repositories),
        settings=case.settings,
        policy=None,
        rules=(),
        total_images=sum(len(facts.images) for facts in repositories),
        kept_images=len(case.kept_images),
        freed_images=0,
        freed_bytes=0,
        lost=(),
    )
    if not rules:
        return nothing
    policy = LifecyclePolicy.parse(document_of(rules))
    freed = freed_images(policy, repositories, now)
    days, pushes = case.settings.safe_days, case.settings.safe_pushes
    return replace(
        nothing,
        policy=policy,
        rules=rules,
        freed_images=len(freed),
        freed_bytes=known_sum(image.image_size_in_bytes for image in freed),
        lost=tuple(
            image
            for facts, kept in zip(repositories, case.kept, strict=True)
            for image in lost_images(policy, facts.images, kept, now, days=days, pushes=pushes)
        ),
        costly=tuple(_costly(rules, case)) if with_costs else (),
        missed=tuple(
            pull
            for facts in repositories
            for pull in missed_pulls(policy.rules, facts.standard_images, now, replay_days)
        ),
    )


def alternatives(
    repositories: Sequence[RepositoryFacts], now: datetime, settings: RecommendationSettings
) -> dict[str, Recommendation]:
    """Return a more cautious and a bolder policy, which keep images pulled in three times, or a third of, the days.

    :param repositories: the repositories.
    :param now: the time (aware).
    :param settings: the settings of the recommended policy.
    """
    days = settings.protection.recently_pulled_days
    return {
        name: recommend(
            repositories,
            now,
            replace(settings, protection=_pulled_within(settings.protection, within)),
            with_costs=False,
        )
        for name, within in (("cautious", days * 3), ("bold", float(round(days / 3))))
    }


def pulls_at_risk(
    policy: LifecyclePolicy | None, repositories: Iterable[RepositoryFacts], now: datetime, days: float = REPLAY_DAYS
) -> int:
    """Return how many of the images that a policy affects were pulled within some days.

    :param policy: the policy; None for none.
    :param repositories: the repositories.
    :param now: the time (aware).
    :param days: the days.
    """
    since = now - timedelta(days=days)
    freed = [] if policy is None else freed_images(policy, repositories, now)
    return sum(image.last_recorded_pull_time is not None and image.last_recorded_pull_time >= since for image in freed)


def freed_images(
    policy: LifecyclePolicy, repositories: Iterable[RepositoryFacts], now: datetime
) -> list[RepositoryImage]:
    """Return the images that a policy affects now, by simulation.

    :param policy: the policy.
    :param repositories: the repositories.
    :param now: the time (aware).
    """
    return [
        verdict.image for facts in repositories for verdict in policy.evaluate(facts.images, now) if verdict.is_taken
    ]


def _pulled_within(protection: ImageProtection, days: float) -> ImageProtection:
    return replace(protection, recently_pulled_days=min(days, MAX_DAYS))


def _costly(rules: Sequence[RuleProposal], case: Case) -> list[CostlyImage]:
    """Return the images without which the best policy would free more."""
    bindings = {
        rule.binding.image.image_digest: (rule.binding, rule.binding_repository or case.repositories[0].name)
        for rule in rules
        if rule.binding is not None
    }
    freed_bytes = sum(rule.freed_bytes for rule in rules)
    costly = []
    for digest, (binding, name) in list(bindings.items())[:MAX_COSTS]:
        cost = sum(rule.gain.freed_bytes for rule in case.without(digest).best_rules()) - freed_bytes
        if cost > 0:
            costly.append(CostlyImage(name, binding, cost))
    return sorted(costly, key=lambda image: (-image.cost_bytes, image.kept.image.image_digest))
