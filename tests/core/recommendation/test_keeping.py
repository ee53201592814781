"""What has to be kept, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.protection.rules import ImageProtection
from airflow_provider_ecr_preview.core.recommendation.keeping import (
    KeepReason,
    KeptImage,
    RecommendationSettings,
    images_to_keep,
)
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from tests.support.builders import NOW, digest, stored

OLD = NOW - timedelta(days=200)
NOTHING = ImageProtection(protected_tags=(), min_age_days=0, recently_pulled_days=0, newest_images_kept=0)


def image(number: int, *tags: str, **fields: Any) -> RepositoryImage:
    return replace(stored(number), image_tags=tags, image_pushed_at=OLD - timedelta(hours=number), **fields)


def reasons(*images: RepositoryImage, in_use: tuple[str, ...] = (), **fields: Any) -> dict[int, KeepReason]:
    of = RecommendationSettings(**{"keep_releases": 0, "protection": NOTHING, **fields})
    kept = images_to_keep(images, in_use, of, NOW)
    return {int(of.image.image_digest[-4:], 16): of.reason for of in kept}


def test_nothing_has_to_be_kept_without_a_reason() -> None:
    assert reasons(image(1, "v1"), image(2)) == {}


def test_what_is_in_use_is_kept() -> None:
    assert reasons(image(1), image(2), in_use=(digest(2), digest(9))) == {2: KeepReason.IN_USE}


@pytest.mark.parametrize(
    ("protection", "reason"),
    [
        ({"recently_pulled_days": 30}, KeepReason.RECENTLY_PULLED),
        ({"min_age_days": 201}, KeepReason.RECENTLY_PUSHED),
        ({"newest_images_kept": 1}, KeepReason.NEWEST),
        ({"protected_tags": ("prod",)}, KeepReason.PROTECTED_TAG),
    ],
)
def test_what_the_protection_names_is_kept(protection: dict[str, Any], reason: KeepReason) -> None:
    pulled = image(1, "prod", last_recorded_pull_time=NOW - timedelta(days=29))
    other = image(50, "v1")
    assert reasons(pulled, other, protection=replace(NOTHING, **protection))[1] is reason


def test_the_newest_of_each_release_family_are_kept() -> None:
    images = [image(number, f"v{number}") for number in range(3)] + [
        image(10 + number, f"rel-{number}") for number in range(3)
    ]
    assert set(reasons(*images, keep_releases=2)) == {0, 1, 10, 11}


def test_without_a_release_family_the_newest_tagged_images_are_kept() -> None:
    assert set(reasons(image(1), image(2, "build-1"), image(3, "build-2"), keep_releases=1)) == {2}
    assert reasons(image(1), keep_releases=3) == {}


def test_releases_of_the_same_time_are_all_kept() -> None:
    first, second = image(1, "v1"), replace(image(2, "v2"), image_pushed_at=OLD - timedelta(hours=1))
    assert set(reasons(first, second, image(3, "v3"), keep_releases=1)) == {1, 2}


def test_what_belongs_to_a_kept_image_is_kept() -> None:
    signature = image(2, subject_manifest_digest=digest(1))
    of_the_signature = image(3, subject_manifest_digest=digest(2))
    other = image(4, subject_manifest_digest=digest(9))
    found = reasons(image(1), signature, of_the_signature, other, in_use=(digest(1),))
    assert found == {1: KeepReason.IN_USE, 2: KeepReason.REFERRER, 3: KeepReason.REFERRER}


def test_an_image_in_use_survives_whatever_tags_move() -> None:
    states = KeptImage(image(1, "v1", "prod", "latest"), KeepReason.IN_USE).states()
    assert set(states) == {("v1", "prod", "latest"), ("v1", "latest"), ("v1", "prod"), ("v1",)}


def test_of_many_tags_that_move_none_one_or_all_do() -> None:
    states = list(KeptImage(image(1, *"abcde"), KeepReason.IN_USE).states())
    assert [len(state) for state in states] == [5, 4, 4, 4, 4, 4, 0]


def test_what_a_tag_protects_is_kept_as_long_as_it_has_the_tag() -> None:
    states = KeptImage(image(1, "prod", "dev"), KeepReason.PROTECTED_TAG, ImageProtection()).states()
    assert set(states) == {("prod", "dev"), ("prod",)}


@pytest.mark.parametrize(
    "fields", [{"keep_releases": -1}, {"safe_days": 0}, {"safe_pushes": 0}, {"max_rules": 0}, {"max_rules": 11}]
)
def test_a_number_out_of_range_is_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=rf"^{next(iter(fields))} is .*\. Use "):
        RecommendationSettings(**fields)  # type: ignore[arg-type]
