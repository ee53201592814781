"""What a recommendation says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.protection.rules import ImageProtection
from airflow_provider_ecr_preview.core.recommendation.case import RepositoryFacts
from airflow_provider_ecr_preview.core.recommendation.horizon import lost_images
from airflow_provider_ecr_preview.core.recommendation.keeping import (
    KeepReason,
    KeptImage,
    RecommendationSettings,
    images_to_keep,
)
from airflow_provider_ecr_preview.core.recommendation.proposal import alternatives, pulls_at_risk, recommend
from airflow_provider_ecr_preview.core.recommendation.replay import missed_pulls
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from tests.core.recommendation.registries import random_repository
from tests.support.builders import NOW, digest
from tests.support.policies import policy as policy_of
from tests.support.policies import rule, tagged

SETTINGS = RecommendationSettings(keep_releases=2, safe_days=5, safe_pushes=3)


def image(number: int, *tags: str, days: float, pulled: float | None = None, **fields: Any) -> RepositoryImage:
    pulled_at = None if pulled is None else NOW - timedelta(days=pulled)
    return RepositoryImage(
        digest(number),
        tags,
        NOW - timedelta(days=days),
        pulled_at,
        image_size_in_bytes=fields.pop("size", 10),
        **fields,
    )


def releases(count: int) -> list[RepositoryImage]:
    return [image(number, f"v{number}", days=10 * number) for number in range(1, count + 1)]


def test_a_repository_without_images_gets_no_policy() -> None:
    found = recommend([RepositoryFacts("api", [])], NOW)
    assert (found.policy, found.rules, found.total_images, found.lost) == (None, (), 0, ())
    assert pulls_at_risk(found.policy, [], NOW) == 0


def test_releases_to_roll_back_to_set_the_number() -> None:
    found = recommend([RepositoryFacts("api", releases(12))], NOW, SETTINGS)
    (proposal,) = found.rules
    # The two newest releases, and three pushes: 5 by count; the older of them is 20 days old, and 5 days pass: 25 by days.
    assert (str(proposal.selector), proposal.count_number) == ("v*", 25)
    assert (found.freed_images, found.freed_bytes, found.kept_images) == (10, 100, 2)
    assert proposal.sentence(1) == (
        "Rule 1 (release, v*) keeps those of the last 25 days: 2 images stay, 10 would expire. Of those that stay: 2 (a release "
        "to roll back to). The number is this large because of v2 (a release to roll back to)."
    )
    assert found.document["rules"][0]["description"] == "release images (v*): keep 25 days"


def test_an_untagged_image_in_use_is_named_with_what_it_costs() -> None:
    untagged = [image(100 + number, days=20 + number) for number in range(10)]
    old = image(200, days=300, size=1)
    found = recommend([RepositoryFacts("api", [*untagged, old], frozenset({old.image_digest}))], NOW, SETTINGS)
    assert found.policy is None
    used = untagged[4]
    found = recommend([RepositoryFacts("api", untagged, frozenset({used.image_digest}))], NOW, SETTINGS)
    (costly,) = found.costly
    assert (costly.kept.image, costly.kept.reason, costly.repository_name) == (used, KeepReason.IN_USE, "api")
    assert costly.cost_bytes > 0
    assert "because of the untagged sha256:000000000000 (in use)." in found.rules[0].sentence(1)


def test_an_image_that_a_tag_protects_is_named_by_that_tag() -> None:
    images = [
        image(1, "build-1", "prod", days=60),
        *(image(number, f"build-{number}", days=number) for number in range(2, 90)),
    ]
    nothing = ImageProtection(min_age_days=0, recently_pulled_days=0, newest_images_kept=0)
    of = RecommendationSettings(keep_releases=0, safe_days=5, safe_pushes=3, protection=nothing, max_rules=1)
    found = recommend([RepositoryFacts("api", images)], NOW, of)
    assert "because of prod (has a protected tag)." in found.rules[0].sentence(1)
    guarded = recommend([RepositoryFacts("api", images)], NOW, replace(of, max_rules=2))
    assert [str(proposal.selector) for proposal in guarded.rules] == ["prod*", "build-*"]
    assert (guarded.freed_bytes or 0) > (found.freed_bytes or 0)
    assert guarded.rules[1].sentence(2).endswith(" 85 would expire.")


def test_archived_images_are_left_alone() -> None:
    archived = [image(100 + number, days=300, storage_class="archive") for number in range(5)]
    found = recommend([RepositoryFacts("api", [*releases(12), *archived])], NOW, SETTINGS)
    assert (found.total_images, found.freed_images) == (17, 10)


def test_images_of_unknown_size_are_counted() -> None:
    images = [replace(of, image_size_in_bytes=None) for of in releases(12)]
    found = recommend([RepositoryFacts("api", images)], NOW, SETTINGS)
    assert (found.freed_images, found.freed_bytes) == (10, None)


def test_alternatives_free_less_and_more() -> None:
    images = [image(number, f"v{number}", days=10 * number, pulled=10 * number - 5) for number in range(1, 30)]
    facts = [RepositoryFacts("api", images)]
    found = recommend(facts, NOW, SETTINGS)
    others = alternatives(facts, NOW, SETTINGS)
    freed = [of.freed_bytes or 0 for of in (others["cautious"], found, others["bold"])]
    assert freed[0] < freed[1] < freed[2]
    risks = [pulls_at_risk(of.policy, facts, NOW) for of in (others["cautious"], found, others["bold"])]
    assert risks == sorted(risks)
    assert risks[0] < risks[-1]


def test_several_repositories_say_which_of_them_sets_a_number() -> None:
    small = RepositoryFacts("small", releases(12)[4:])
    found = recommend([RepositoryFacts("api", releases(12)), small, RepositoryFacts("none", [])], NOW, SETTINGS)
    assert found.rules[0].binding_repository == "small"
    assert "because of v6 in small (a release to roll back to)." in found.rules[0].sentence(1)


def test_a_naive_policy_loses_what_a_recommended_one_keeps() -> None:
    lost = dict.fromkeys(("naive", "recommended"), 0)
    for seed in range(20):
        facts = random_repository(seed)
        kept = images_to_keep(facts.images, facts.in_use, SETTINGS, NOW)
        found = recommend([facts], NOW, SETTINGS).policy
        for name, policy in (("naive", policy_of(rule())), ("recommended", found)):
            if policy is not None:
                lost[name] += len(lost_images(policy, facts.images, kept, NOW, days=5, pushes=3))
    assert lost["recommended"] == 0
    assert lost["naive"] > 20


def test_a_tag_that_moves_leaves_an_image_in_use_to_other_rules() -> None:
    used = image(1, "prod", days=50)
    guard = LifecyclePolicy.from_service(policy_of(tagged(1, "prod")).text)
    both = policy_of(tagged(1, "prod"), {**rule(2), "selection": {**rule()["selection"], "tagStatus": "untagged"}})
    images = [used, image(2, days=1)]
    for kept, expected in (
        (KeptImage(used, KeepReason.IN_USE), 1),
        (KeptImage(used, KeepReason.PROTECTED_TAG, ImageProtection()), 0),
    ):
        assert len(lost_images(guard, images, [kept], NOW, days=1, pushes=1)) == 0
        assert len(lost_images(both, images, [kept], NOW, days=1, pushes=1)) == expected


def test_a_pull_that_the_policy_would_have_missed_is_named_with_its_day() -> None:
    images = [image(number, f"v{number}", days=number, pulled=0.5 if number == 8 else None) for number in range(1, 10)]
    (missed,) = missed_pulls(policy_of(tagged(3, "v*")).rules, images, NOW, 30)
    assert (missed.image, missed.pulled_at, missed.rule_priority) == (images[7], NOW - timedelta(days=0.5), 3)


def test_a_pull_counts_only_what_was_there_when_it_came() -> None:
    # Pulled a day after its push, when it was the newest; 20 days ago; never; by a tag that no rule selects; too long ago.
    images = [
        image(1, "v1", days=30, pulled=29),
        image(2, "v2", days=20, pulled=1),
        image(3, "v3", days=10),
        image(4, "other", days=40, pulled=1),
        image(5, "v5", days=90, pulled=60),
    ]
    by_count = tagged(1, "v*")
    by_days = {**by_count, "selection": {**by_count["selection"], "countType": "sinceImagePushed", "countNumber": 18}}
    assert [pull.image.image_digest for pull in missed_pulls(policy_of(by_count).rules, images, NOW, 30)] == [digest(2)]
    assert [pull.image.image_digest for pull in missed_pulls(policy_of(by_days).rules, images, NOW, 30)] == [digest(2)]
    archiving = {**by_count, "selection": {**by_count["selection"], "countType": "sinceImagePulled"}}
    assert missed_pulls(policy_of(archiving).rules, images, NOW, 30) == []


def test_the_past_of_a_recommended_policy_is_looked_at() -> None:
    images = [*releases(12), image(50, "v50", days=100, pulled=60)]
    found = recommend([RepositoryFacts("api", images)], NOW, SETTINGS)
    assert [(pull.image.image_digest, pull.rule_priority) for pull in found.missed] == [(digest(50), 1)]
