"""Recommendations in XCom, and which repositories share one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.recommendation.case import RepositoryFacts
from airflow_provider_ecr_preview.core.recommendation.keeping import RecommendationSettings
from airflow_provider_ecr_preview.core.recommendation.result import (
    RecommendationRequest,
    recommendation_xcom,
    recommended_policy,
)
from airflow_provider_ecr_preview.core.recommendation.shapes import grouped, shape_of
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.core.values import json_size
from airflow_provider_ecr_preview.core.xcom.audit import FailedRepository
from airflow_provider_ecr_preview.core.xcom.recommendation import MAX_RECOMMENDATION_BYTES, RECOMMENDATION_SCHEMA
from tests.core.recommendation.registries import random_repository
from tests.support.builders import NOW, digest, stored

REQUEST = RecommendationRequest(RecommendationSettings(), NOW)


def releases(name: str, count: int, first: int = 1) -> RepositoryFacts:
    images = [
        RepositoryImage(
            digest(first + number), (f"v{number}",), NOW - timedelta(days=10 * number + 1), image_size_in_bytes=1
        )
        for number in range(count)
    ]
    return RepositoryFacts(name, images)


def test_a_policy_is_pushed_with_what_it_does() -> None:
    pulled = NOW - timedelta(days=80)
    facts = releases("api", 40)
    images = [*facts.images[:-1], replace(facts.images[-1], last_recorded_pull_time=pulled)]
    used = images[20].image_digest
    found, policy = recommended_policy([RepositoryFacts("api", images, frozenset({used}))], REQUEST)
    assert found.policy is not None
    assert policy["policy_fingerprint"] == found.policy.fingerprint
    assert LifecyclePolicy.parse(policy["lifecycle_policy_text"] or "").fingerprint == found.policy.fingerprint
    assert (policy["total_image_count"], policy["lost_image_count"], policy["proven_repository_count"]) == (40, 0, None)
    (rule,) = policy["rules"]
    assert rule["kept_image_count"] + rule["expiring_image_count"] == 40
    assert (rule["family"], rule["selector"], rule["expiring_image_count"]) == ("release", "v*", found.freed_images)
    (costly,) = policy["costly_images"]
    assert (costly["image_digest"], costly["image_tags"], costly["reason"]) == (used, ["v20"], "in use")
    (missed,) = policy["missed_pulls"]
    assert (missed["image_tags"], missed["pulled_at"], missed["rule_priority"]) == (["v39"], pulled.isoformat(), 1)
    assert (policy["missed_pull_count"], policy["pulled_image_count"]) == (1, 1)
    assert [alternative["name"] for alternative in policy["alternatives"]] == ["cautious", "bold"]
    assert [alternative["recently_pulled_days"] for alternative in policy["alternatives"]] == [90, 10]


def test_a_repository_for_which_there_is_no_policy_is_in_no_mapping() -> None:
    _, policy = recommended_policy([RepositoryFacts("none", [])], REQUEST)
    _, other = recommended_policy([releases("api", 40)], REQUEST)
    failure = FailedRepository(registry_id=None, region_name=None, repository_name="gone", error="E", message="m")
    value = recommendation_xcom([policy, other], REQUEST, [failure])
    assert (policy["lifecycle_policy_text"], policy["policy_fingerprint"]) == (None, None)
    assert value["schema"] == RECOMMENDATION_SCHEMA
    assert recommendation_xcom([other], REQUEST, [failure], unproven={"api"})["lifecycle_policies"] == {}
    assert value["lifecycle_policies"] == {"api": other["lifecycle_policy_text"]}
    assert (value["repository_count"], value["failed_count"], value["policy_count"]) == (3, 1, 2)


def test_a_recommendation_for_many_repositories_fits_and_keeps_its_counts() -> None:
    whole = [recommended_policy([random_repository(seed)], REQUEST)[1] for seed in range(8)]
    small = recommendation_xcom(whole, REQUEST)
    assert json.loads(json.dumps(small)) == small
    many = [
        {**policy, "repository_names": [f"team/{n}" for n in range(500)], "repository_count": 500} for policy in whole
    ]
    for policies in (whole, whole * 4, many, many * 10):
        value = recommendation_xcom(policies, REQUEST)  # type: ignore[arg-type]
        assert json_size(value) <= MAX_RECOMMENDATION_BYTES
        assert value["policy_count"] == len(policies)
    # What would be a part of the mapping is no mapping.
    assert value["lifecycle_policies"] is None


def test_repositories_with_the_same_families_share_a_policy() -> None:
    groups = grouped([releases("b", 3), RepositoryFacts("c", []), releases("a", 4, 100)])
    assert [[facts.name for facts in group] for group in groups] == [["a", "b"], ["c"]]


def test_the_shape_of_a_repository_says_which_families_it_has() -> None:
    tags = [("v1",), ("v2",), ("pr-1",), ("latest",), ("1a2b3c4d",), ("2a2b3c4d",), (), ()]
    images = [replace(stored(number), image_tags=of) for number, of in enumerate(tags)]
    assert shape_of(RepositoryFacts("api", images)) == (("v*",), True, True)
    assert shape_of(RepositoryFacts("api", images[:5])) == (("v*",), False, False)
