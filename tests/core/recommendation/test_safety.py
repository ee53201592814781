"""What has to be kept survives a recommended policy, now and after every day and push that was promised."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.lint.policy import lint_policy
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.recommendation.case import Case, RepositoryFacts
from airflow_provider_ecr_preview.core.recommendation.keeping import KeepReason, RecommendationSettings
from airflow_provider_ecr_preview.core.recommendation.model import COUNT, DAYS, signature_of
from airflow_provider_ecr_preview.core.recommendation.proposal import recommend
from airflow_provider_ecr_preview.core.recommendation.tag_families import family_of
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from tests.core.recommendation.registries import NOW, push, random_repository

SEEDS = st.integers(0, 10_000)
SETTINGS = st.builds(
    RecommendationSettings,
    keep_releases=st.integers(0, 8),
    safe_days=st.integers(1, 30),
    safe_pushes=st.integers(1, 15),
    max_rules=st.integers(1, 6),
)


def lost(
    policy: LifecyclePolicy,
    images: list[RepositoryImage],
    facts: RepositoryFacts,
    of: RecommendationSettings,
    days: float,
) -> list[str]:
    """Return what has to be kept and the policy takes; what only a tag protects counts as long as it has such a tag."""
    kept = {image.image.image_digest: image for image in Case.of([facts], of, NOW).kept_images}
    return [
        verdict.image.image_digest
        for verdict in policy.evaluate(images, NOW + timedelta(days=days))
        if verdict.is_taken
        and (image := kept.get(verdict.image.image_digest)) is not None
        and (image.reason is not KeepReason.PROTECTED_TAG or of.protection.has_protected_tag(verdict.image.image_tags))
    ]


def pushed_tags(chance: random.Random, facts: RepositoryFacts) -> list[str | None]:
    """Return a tag of every kind that the repository has, as it would be pushed next."""
    tags: set[str | None] = {None}
    for image in facts.images:
        for tag in image.image_tags:
            pattern = family_of(tag)[1] or "*"
            tags.add(pattern.replace("*", str(chance.randrange(10**6))))
    return sorted(tags, key=str)


@settings(max_examples=30)
@given(SEEDS, SETTINGS, st.randoms(use_true_random=False))
def test_what_has_to_be_kept_survives_days_and_pushes(
    seed: int, of: RecommendationSettings, chance: random.Random
) -> None:
    facts = random_repository(seed, 40)
    found = recommend([facts], NOW, of, with_costs=False)
    if found.policy is None:
        return
    assert found.lost == ()
    kinds = pushed_tags(chance, facts)
    of_one_kind = [chance.choice(kinds)] * of.safe_pushes
    mixed = [chance.choice(kinds) for _ in range(of.safe_pushes)]
    for tags in (of_one_kind, mixed):
        images = list(facts.images)
        assert lost(found.policy, images, facts, of, 0) == []
        for serial, tag in enumerate(tags):
            # Days pass as the pushes go on, the last one on the last day.
            days = of.safe_days * (serial + 1) / len(tags)
            fresh = tag if tag is None or not any(character.isdigit() for character in tag) else f"{tag}{serial}"
            images = push(images, fresh, serial, NOW + timedelta(days=days) - timedelta(seconds=1))
            assert lost(found.policy, images, facts, of, days) == []


@settings(max_examples=30)
@given(SEEDS, SETTINGS)
def test_a_recommended_policy_lints_clean_and_frees_what_it_says(seed: int, of: RecommendationSettings) -> None:
    facts = random_repository(seed)
    found = recommend([facts], NOW, of)
    if found.policy is None:
        assert (found.rules, found.freed_images) == ((), 0)
        return
    assert lint_policy(found.document) == []
    assert len(found.rules) <= of.max_rules
    taken = [verdict for verdict in found.policy.evaluate(facts.images, NOW) if verdict.is_taken]
    # What the search counted, what the result says, and what the evaluator finds.
    assert sum(rule.freed_images for rule in found.rules) == found.freed_images == len(taken)
    assert sum(rule.freed_bytes for rule in found.rules) == found.freed_bytes
    least = {COUNT: of.safe_pushes, DAYS: of.safe_days}
    assert all(rule.count_number >= least[rule.count_type] for rule in found.rules)


@settings(max_examples=10)
@given(SEEDS, st.randoms(use_true_random=False))
def test_the_order_of_the_images_changes_nothing(seed: int, chance: random.Random) -> None:
    facts = random_repository(seed)
    shuffled = list(facts.images)
    chance.shuffle(shuffled)
    first, second = (
        recommend([RepositoryFacts("api", images, facts.in_use)], NOW) for images in (facts.images, shuffled)
    )
    assert first.document == second.document
    assert [image.cost_bytes for image in first.costly] == [image.cost_bytes for image in second.costly]


@settings(max_examples=30)
@given(SEEDS)
def test_no_smaller_number_keeps_everything(seed: int) -> None:
    facts = random_repository(seed, 30)
    of = RecommendationSettings(safe_days=5, safe_pushes=3)
    case = Case.of([facts], of, NOW)
    (model,) = case.models
    for number, selector in enumerate(case.selectors):
        needs = [image for image in case.kept_images for tags in image.states() if selector.matches(tags)]
        days = model.least_days(number, 0)
        ages = [(NOW - image.image.image_pushed_at) / timedelta(days=1) + of.safe_days for image in needs]
        assert all(age <= days for age in ages)
        assert days == of.safe_days or any(age > days - 1 for age in ages)
        assert (model.least_count(number, 0) == of.safe_pushes) <= (not needs)


def test_several_repositories_share_a_policy_that_keeps_what_each_has_to_keep() -> None:
    repositories = [random_repository(seed) for seed in (1, 2, 3)]
    found = recommend(repositories, NOW)
    assert found.policy is not None
    assert found.lost == ()
    assert found.repository_names == tuple(facts.name for facts in repositories)
    assert sum(rule.freed_images for rule in found.rules) == found.freed_images
    assert {rule.binding_repository for rule in found.rules} <= {*found.repository_names, None}
    alone = [recommend([facts], NOW) for facts in repositories]
    assert (found.freed_bytes or 0) <= sum(recommendation.freed_bytes or 0 for recommendation in alone)


@pytest.mark.parametrize("tags", [(), ("v1",), ("v1", "latest")])
def test_a_signature_has_one_bit_for_each_selector(tags: tuple[str, ...]) -> None:
    selectors = Case.of([random_repository(2)], RecommendationSettings(), NOW).selectors
    signature = signature_of(tags, selectors)
    assert [bool(signature >> number & 1) for number in range(len(selectors))] == [
        selector.matches(tags) for selector in selectors
    ]
