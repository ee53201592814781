"""The registries to begin with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.images import MANIFEST_LIST
from airflow_provider_ecr_preview.local.repositories import LocalRepository
from airflow_provider_ecr_preview.local.seeds import REGISTRIES, seed_registry

NOW = datetime(2026, 11, 23, tzinfo=UTC)
REGIONS = ("us-east-1", "eu-west-1")


def content(ecr: LocalEcr) -> dict[tuple[str, str], list[dict[str, Any]]]:
    return {
        (region, name): [image.describe(image.size) for image in repository.images]  # type: ignore[attr-defined]
        for region in REGIONS
        for name, repository in ecr.backend(region).repositories.items()
    }


@pytest.fixture
def seeded(local_ecr: LocalEcr) -> Iterator[LocalEcr]:
    local_ecr.now = NOW
    seed_registry(local_ecr, "team", 1)
    return local_ecr


def verdicts(ecr: LocalEcr, name: str) -> list[Any]:
    repository = ecr.repository(name)
    policy = LifecyclePolicy.from_service(repository.lifecycle_policy or "")
    return policy.evaluate(repository.as_rules_see_it(), ecr.now)


def test_the_same_seed_gives_the_same_and_another_another(local_ecr: LocalEcr) -> None:
    contents = []
    for seed in (1, 1, 2):
        local_ecr.reset()
        local_ecr.now = NOW
        seed_registry(local_ecr, "small", seed)
        contents.append(content(local_ecr))
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]
    assert contents[0].keys() == contents[2].keys()


def test_an_unknown_name_is_an_error(local_ecr: LocalEcr) -> None:
    with pytest.raises(ValueError, match="small, team"):
        seed_registry(local_ecr, "large", 1)


def test_every_policy_is_one_that_ecr_takes() -> None:
    for seeded in [*REGISTRIES["team"], *REGISTRIES["small"]]:
        if seeded.policy is not None:
            LifecyclePolicy.parse(seeded.policy)


def test_a_small_one_has_a_handful(local_ecr: LocalEcr) -> None:
    seed_registry(local_ecr, "small", 1)
    assert 5 <= len(local_ecr.client().describe_repositories()["repositories"]) <= 7


def test_a_team_has_dozens_over_two_regions(seeded: LocalEcr) -> None:
    counts = {region: len(seeded.backend(region).repositories) for region in REGIONS}
    assert min(counts.values()) >= 10
    assert sum(counts.values()) >= 40


def test_a_team_has_what_teams_have(seeded: LocalEcr) -> None:
    repositories: list[LocalRepository] = list(seeded.backend().repositories.values())  # type: ignore[arg-type]
    sizes = {repository.name: len(repository.images) for repository in repositories}
    images = [image for repository in repositories for image in repository.local_images]
    tags = [tag for image in images for tag in image.image_tags]
    assert any(size == 0 for size in sizes.values())
    assert any(size > 2_000 for size in sizes.values())
    assert any(repository.lifecycle_policy is None for repository in repositories)
    for prefix in ("main-", "pr-", "v1.", "latest"):
        assert any(tag.startswith(prefix) for tag in tags)
    assert any(image.image_manifest_media_type == MANIFEST_LIST for image in images)
    assert any(image.artifact_media_type for image in images)
    assert {"ACTIVE", "ARCHIVED"} == {image.status for image in images}
    assert any(image.last_activated_at for image in images)
    assert any(not image.image_tags for image in images)


def test_a_paused_service_would_be_emptied(seeded: LocalEcr) -> None:
    assert all(verdict.is_taken for verdict in verdicts(seeded, "data/nightly-report"))


def test_a_rule_is_dead(seeded: LocalEcr) -> None:
    found = verdicts(seeded, "web/search")
    assert not any(verdict.rule and verdict.rule.priority == 1 for verdict in found)


def test_a_rule_has_several_patterns_where_its_author_means_or(seeded: LocalEcr) -> None:
    found = verdicts(seeded, "web/storefront")
    assert not any(verdict.rule and verdict.rule.priority == 1 for verdict in found)
    tags = [tag for verdict in found for tag in verdict.image.image_tags]
    assert any(tag.startswith("main-") for tag in tags)
    assert any(tag.startswith("pr-") for tag in tags)


def test_an_untagged_image_that_runs_would_expire(seeded: LocalEcr) -> None:
    running = [
        verdict
        for verdict in verdicts(seeded, "payments/webhooks")
        if verdict.is_taken and (seeded.now - verdict.image.last_used_at).days < 1
    ]
    assert running
    assert not running[0].image.image_tags


def test_every_image_has_a_digest_of_its_own(seeded: LocalEcr) -> None:
    digests = [detail["imageDigest"] for details in content(seeded).values() for detail in details]
    assert len(set(digests)) == len(digests)
