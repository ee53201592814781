from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.kept import KEEP, kept_images
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from tests.support.builders import NOW, digest, stored
from tests.support.policies import policy, rule, tagged

UNTAGGED = rule(2, tagStatus="untagged", countType="sinceImagePushed", countUnit="days", countNumber=1)


def kept(of: LifecyclePolicy, images: list[RepositoryImage], affected: set[str] | None = None) -> dict[str, str]:
    """Return why each image is kept, after a preview that lists what the policy takes."""
    taken = {verdict.image.image_digest for verdict in of.evaluate(images, NOW) if verdict.is_taken}
    listed = taken if affected is None else affected
    found = kept_images(of, images, listed.__contains__, NOW)
    return {image.image.image_digest: image.reason for image in found}


def test_an_image_that_stays_has_the_rule_that_keeps_it_and_the_rules_it_is_shielded_from() -> None:
    of = policy(tagged(1, "v*"), rule(2))
    [image] = kept_images(of, [stored(5, "v1"), stored(3, "latest")], {digest(3)}.__contains__, NOW)
    assert image.as_dict() == {
        "image_digest": digest(5),
        "image_tags": ["v1"],
        "image_pushed_at": (NOW - timedelta(hours=5)).isoformat(),
        "action": KEEP,
        "applied_rule_priority": 1,
        "storage_class": "STANDARD",
        "image_size_in_bytes": None,
        "last_recorded_pull_time": None,
        "image_manifest_media_type": None,
        "artifact_media_type": None,
        "reason": "within_count",
        "explanation": "Kept by rule 1 (v*): among the newest 1. Shielded from rule 2.",
        "shielded_from": [2],
        "next_action": None,
        "next_action_at": None,
    }


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (stored(1, "v1"), "within_count"),
        (RepositoryImage(digest(1), (), NOW), "within_days"),
        (stored(1, "latest"), "no_rule"),
    ],
)
def test_the_reason_is_that_of_the_rule_which_decides(image: RepositoryImage, reason: str) -> None:
    assert kept(policy(tagged(1, "v*"), UNTAGGED), [image]) == {digest(1): reason}


def test_ecr_has_the_last_word_about_an_image_that_a_rule_asks_for() -> None:
    images = [stored(1), stored(2), stored(3)]
    assert kept(policy(), images, affected={digest(2)}) == {digest(1): "within_count", digest(3): "not_in_preview"}
    [_, held] = kept_images(policy(), images, {digest(2)}.__contains__, NOW)
    assert held.explanation.startswith("Kept, although rule 1 selects it: the preview does not list it.")


def test_an_image_that_the_preview_lists_is_not_kept_whatever_we_think() -> None:
    assert kept(policy(), [stored(1)], affected={digest(1)}) == {}


def test_a_policy_that_cannot_be_evaluated_here_hides_no_image() -> None:
    unknown = {"tagStatus": "any", "countType": "sinceImageAdmired", "countNumber": 1}
    images = [stored(1), stored(2)]
    found = [*kept_images(policy(rule(**unknown)), images, {digest(2)}.__contains__, NOW)]
    assert [(kept_image.image, kept_image.reason, kept_image.applied_rule_priority) for kept_image in found] == [
        (images[0], "not_evaluated", None)
    ]
    assert "sinceImageAdmired" in found[0].explanation


@pytest.mark.parametrize("keep_images", [True, False])
def test_an_inventory_holds_the_images_where_their_reason_is_wanted(keep_images: bool) -> None:
    inventory = RepositoryInventory(keep_images=keep_images)
    inventory.update([stored(1), stored(2), stored(1)])
    assert inventory.total_image_count == 2
    assert inventory.images == ([stored(1), stored(2)] if keep_images else [])
    assert inventory.detail(digest(2)) is not None


IMAGES = st.lists(st.lists(st.sampled_from(["v1", "v2", "latest"]), max_size=2, unique=True), max_size=12)


@given(tags=IMAGES, affected=st.sets(st.integers(0, 12)))
def test_every_image_is_either_affected_or_kept(tags: list[list[str]], affected: set[int]) -> None:
    images = [
        RepositoryImage(digest(number), tuple(its), NOW - timedelta(days=number)) for number, its in enumerate(tags)
    ]
    listed = {digest(number) for number in affected}
    found = [*kept_images(policy(tagged(1, "v*"), UNTAGGED), images, listed.__contains__, NOW)]
    assert [kept_image.image for kept_image in found] == [image for image in images if image.image_digest not in listed]
    for kept_image in found:
        assert kept_image.explanation.startswith("Kept")
        json.dumps(kept_image.as_dict())


def test_what_belongs_to_an_image_that_expires_goes_with_it() -> None:
    images = [
        stored(1, "v1"),
        stored(2, subject_manifest_digest=digest(1)),
        stored(3, subject_manifest_digest=digest(2)),
        stored(4, f"{digest(1).replace(':', '-')}.sig"),
        stored(5, subject_manifest_digest=digest(9)),
    ]
    of, gone = policy(tagged(1, "v*")), {digest(1)}
    found = {
        image.image.image_digest: image
        for image in kept_images(of, images, gone.__contains__, NOW, expires=gone.__contains__)
    }
    reasons = {of: image.reason for of, image in found.items()}
    assert reasons[digest(2)] == reasons[digest(3)] == "goes_with_subject"
    # ECR goes by the manifest, and does not know cosign's tags.
    assert "goes_with_subject" not in (reasons[digest(4)], reasons[digest(5)])
    assert f"belongs to {digest(1)}, which expires" in found[digest(3)].explanation
