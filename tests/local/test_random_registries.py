"""Random registries: previews agree with a second evaluator, and policy runs with their previews and events."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.images import IMAGE_MANIFEST, MANIFEST_LIST
from tests.support.independent_evaluator import StoredImage, evaluate
from tests.support.random_registries import RandomImage, random_images, random_policy

pytestmark = pytest.mark.changes_registry

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
REPOSITORY = "team/random"
ACTIONS = {"EXPIRE": "expire", "TRANSITION": "transition"}
REGISTRIES, ALL_REGISTRIES = 2_000, 50_000
RUNS, ALL_RUNS = 300, 3_000
PARTS = 4

Count = Callable[[str, Mapping[str, int]], None]


def push(ecr: LocalEcr, images: list[RandomImage]) -> list[str]:
    """Push images into a repository of their own and return their digests."""
    ecr.backend().repositories.clear()
    ecr.create_repository(REPOSITORY)
    digests: list[str] = []
    for number, image in enumerate(images):
        manifest: dict[str, Any] = {"schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "number": number}
        if image.children:
            manifest |= {
                "mediaType": MANIFEST_LIST,
                "manifests": [{"digest": digests[child]} for child in image.children],
            }
        if image.subject is not None:
            manifest["subject"] = {"digest": digests[image.subject]}
        digests.append(
            ecr.push(
                REPOSITORY,
                tags=image.tags,
                pushed_days_ago=image.pushed,
                last_pull_days_ago=image.pulled,
                archived_days_ago=image.archived,
                restored_days_ago=image.restored,
                manifest=json.dumps(manifest),
                manifest_media_type=manifest["mediaType"],
            )
        )
        if image.restoring:
            stored = ecr.repository(REPOSITORY).find({"imageDigest": digests[-1]})
            stored.active_after = ecr.clock.monotonic() + 1_000_000
            stored.changed()
    return digests


def status(image: RandomImage) -> str:
    if image.archived is None:
        return "ACTIVE"
    if image.restored is None:
        return "ARCHIVED"
    return "ACTIVATING" if image.restoring else "ACTIVE"


def stored_images(images: list[RandomImage], digests: list[str]) -> list[StoredImage]:
    """Return the images for the second evaluator."""
    tags_moved = {tag: number for number, image in enumerate(images) for tag in image.tags}

    def ago(days: float | None) -> datetime | None:
        return None if days is None else NOW - timedelta(days=days)

    return [
        StoredImage(
            digest=digests[number],
            pushed_at=NOW - timedelta(days=image.pushed),
            tags=tuple(tag for tag in image.tags if tags_moved[tag] == number),
            status=status(image),
            last_pulled_at=ago(image.pulled),
            last_archived_at=ago(image.archived),
            last_activated_at=ago(image.restored),
            children=tuple(digests[child] for child in image.children),
            subject=None if image.subject is None else digests[image.subject],
        )
        for number, image in enumerate(images)
    ]


def previewed(ecr: LocalEcr, policy: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    ecr.start_preview(REPOSITORY, policy)
    preview = ecr.repository(REPOSITORY).preview
    assert preview is not None
    return {
        result["imageDigest"]: (result["appliedRulePriority"], ACTIONS[result["action"]["type"]])
        for result in preview.get({})["previewResults"]
    }


def check_previews(ecr: LocalEcr, counted: Count, first: int, number: int) -> None:
    """Compare previews with the second evaluator, and count what was compared."""
    ecr.now = NOW
    counts: Counter[str] = Counter(registries=number)
    for seed in range(first, first + number):
        random = Random(seed)
        images, policy = random_images(random), random_policy(random)
        digests = push(ecr, images)
        expected = {
            digest: (outcome.priority, outcome.action)
            for digest, outcome in evaluate(policy, stored_images(images, digests), NOW).items()
        }
        assert previewed(ecr, policy) == expected, f"seed {seed}"
        counts["images"] += len(images)
        counts["manifest lists"] += sum(bool(image.children) for image in images)
        counts["referrers"] += sum(image.subject is not None for image in images)
        counts["images being restored"] += sum(image.restoring for image in images)
        counts["images that go"] += len(expected)
    counted("Random registries", counts)
    assert counts["images that go"] > number


def rule(priority: int, tag_status: str, *patterns: str, archive: bool = False) -> dict[str, Any]:
    selection = {"tagStatus": tag_status, "countType": "imageCountMoreThan", "countNumber": 1}
    if patterns:
        selection["tagPatternList"] = list(patterns)
    return {"rulePriority": priority, "selection": selection, "action": {"type": "transition" if archive else "expire"}}


@pytest.mark.parametrize(
    ("rules", "images", "expected"),
    [
        pytest.param(
            [rule(1, "tagged", "prod*"), rule(2, "tagged", "beta*")],
            {"A": ("beta-1", "prod-1"), "B": ("beta-2", "prod-2"), "C": ("beta-3",)},
            {"A": 1},
            id="priority",
        ),
        pytest.param(
            [rule(2, "tagged", "prod*"), rule(1, "tagged", "beta*")],
            {"A": ("beta-1", "prod-1"), "B": ("beta-2", "prod-2"), "C": ("beta-3",)},
            {"A": 1, "B": 1},
            id="priority swapped",
        ),
        pytest.param(
            [rule(1, "any")],
            {"A": ("alpha-1",), "B": ("beta-1",), "C": (), "D": ("alpha-2",)},
            {"A": 1, "B": 1, "C": 1},
            id="all images",
        ),
    ],
)
def test_the_second_evaluator_gets_the_examples_of_the_user_guide_right(
    rules: list[dict[str, Any]], images: dict[str, tuple[str, ...]], expected: dict[str, int]
) -> None:
    stored = [
        StoredImage(digest=name, pushed_at=NOW - timedelta(days=10 - number), tags=tags)
        for number, (name, tags) in enumerate(images.items())
    ]
    assert {digest: outcome.priority for digest, outcome in evaluate({"rules": rules}, stored, NOW).items()} == expected


@pytest.mark.parametrize(("status", "goes"), [("ACTIVE", set()), ("ARCHIVED", {"child"})])
def test_the_second_evaluator_lets_go_of_the_children_of_an_archived_list(status: str, goes: set[str]) -> None:
    named = StoredImage("child", pushed_at=NOW - timedelta(days=5))
    newer = StoredImage("newer", pushed_at=NOW)
    manifest_list = StoredImage(
        "list", pushed_at=NOW, tags=("v1",), status=status, last_archived_at=NOW, children=("child",)
    )
    policy = {"rules": [rule(1, "untagged", archive=True)]}
    assert evaluate(policy, [named, manifest_list, newer], NOW).keys() == goes


@pytest.mark.parametrize("part", range(PARTS))
def test_previews_agree_with_an_evaluator_written_from_the_documentation(
    local_ecr: LocalEcr, counted: Count, part: int
) -> None:
    number = REGISTRIES // PARTS
    check_previews(local_ecr, counted, part * number, number)


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(48))
def test_previews_agree_with_it_over_many_registries(local_ecr: LocalEcr, counted: Count, part: int) -> None:
    number = (ALL_REGISTRIES - REGISTRIES) // 48
    check_previews(local_ecr, counted, REGISTRIES + part * number, number)


def check_runs(ecr: LocalEcr, counted: Count, first: int, number: int) -> None:
    """Run policies, and count how many images were expired or archived, and how many failed."""
    counts: Counter[str] = Counter(runs=number)
    for seed in range(first, first + number):
        ecr.now = NOW
        random = Random(seed)
        images, policy = random_images(random), random_policy(random)
        digests = push(ecr, images)
        ecr.put_policy(REPOSITORY, policy)
        expected = previewed(ecr, policy)
        injected = {digest: "KmsError" for digest in expected if random.random() < 0.15}
        ecr.events.clear()
        ecr.run_lifecycle_policies(REPOSITORY, failing=injected)
        done, failed = listed(ecr)
        # The event lists what the preview shows, each image once.
        assert {**done, **{digest: priority for digest, (priority, _) in failed.items()}} == {
            digest: priority for digest, (priority, _) in expected.items()
        }, f"seed {seed}"
        assert not set(done) & set(failed)
        repository = ecr.repository(REPOSITORY)
        assert repository.last_evaluated_at == NOW
        left = {image.get_image_digest(): image for image in repository.local_images}
        for digest, (_, action) in expected.items():
            if digest in failed:
                reasons = {"KmsError"} if digest in injected else {"ImageReferencedByManifestList"}
                assert failed[digest][1] in reasons, f"seed {seed}"
            if digest in done and action == "expire":
                assert digest not in left, f"seed {seed}"
            elif digest in done and digest in left:
                assert left[digest].status == "ARCHIVED", f"seed {seed}"
        check_what_else_is_gone(images, digests, left, {digest for digest in done if expected[digest][1] == "expire"})
        counts["images expired or archived"] += len(done)
        counts["images that failed"] += len(failed)
        counts["of these for a list that stays"] += len(failed.keys() - injected.keys())
    counted("Random policy runs", counts)
    assert counts["images expired or archived"] > number // 2
    assert counts["of these for a list that stays"] > 0


def listed(ecr: LocalEcr) -> tuple[dict[str, int], dict[str, tuple[int, str]]]:
    """Return what the events say was done, and what failed with which code."""
    done: dict[str, int] = {}
    failed: dict[str, tuple[int, str]] = {}
    for event in ecr.events:
        assert not isinstance(event.record, str)
        if event.record["eventName"] != "PolicyExecutionEvent":
            continue
        details = event.record["serviceEventDetails"]
        for action in details["lifecycleEventImageActions"]:
            done[action["lifecycleEventImage"]["digest"]] = action["rulePriority"]
        for failure in details["lifecycleEventFailureDetails"]:
            failed[failure["lifecycleEventImage"]["digest"]] = (failure["rulePriority"], failure["failureCode"])
    return done, failed


def check_what_else_is_gone(
    images: list[RandomImage], digests: list[str], left: Mapping[str, Any], expired: set[str]
) -> None:
    """Check that what the run deleted otherwise belongs to a deleted image, and that all such images are deleted."""
    for number, image in enumerate(images):
        subject = None if image.subject is None else digests[image.subject]
        is_orphan = subject is not None and subject not in left
        if digests[number] not in left:
            assert digests[number] in expired or is_orphan
        elif is_orphan:
            lists = [digests[of] for of, other in enumerate(images) if number in other.children]
            assert any(of in left and left[of].status == "ACTIVE" for of in lists)


@pytest.mark.parametrize("part", range(2))
def test_preview_event_and_what_is_left_agree(local_ecr: LocalEcr, counted: Count, part: int) -> None:
    check_runs(local_ecr, counted, part * RUNS // 2, RUNS // 2)


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(10))
def test_preview_event_and_what_is_left_agree_in_many_runs(local_ecr: LocalEcr, counted: Count, part: int) -> None:
    number = ALL_RUNS // 10
    check_runs(local_ecr, counted, 1_000_000 + part * number, number)
