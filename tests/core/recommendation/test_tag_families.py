"""What tags stand for, and which selectors are made of them."""

from __future__ import annotations

import pytest

from airflow_provider_ecr_preview.core.recommendation.tag_families import (
    ANY,
    MAX_SELECTORS,
    TAGGED,
    UNTAGGED,
    FamilyKind,
    Selector,
    family_of,
    selectors_of,
)
from tests.support.builders import stored


@pytest.mark.parametrize(
    ("tag", "kind", "pattern"),
    [
        ("v1.2.3", FamilyKind.RELEASE, "v*"),
        ("release-1.2", FamilyKind.RELEASE, "release-*"),
        ("api-1.2.3", FamilyKind.RELEASE, "api-*"),
        ("1.2.3", FamilyKind.RELEASE, "*.*.*"),
        ("2026.11", FamilyKind.RELEASE, "*.*"),
        ("pr-103-1a2b3c4", FamilyKind.PULL_REQUEST, "pr-*"),
        ("main-1a2b3c4", FamilyKind.BRANCH, "main-*"),
        ("alice_1a2b3c4", FamilyKind.BRANCH, "alice_*"),
        ("build-17", FamilyKind.OTHER, "build-*"),
        ("sha-1a2b3c4", FamilyKind.COMMIT, "sha-*"),
        ("1a2b3c4d", FamilyKind.COMMIT, None),
        ("17", FamilyKind.OTHER, None),
        ("17-prod", FamilyKind.ENVIRONMENT, "*-prod"),
        ("prod-17", FamilyKind.ENVIRONMENT, "prod-*"),
        ("latest", FamilyKind.ENVIRONMENT, "latest"),
        ("feature-login", FamilyKind.BRANCH, "feature-login"),
        (f"sha256-{'a' * 64}.sig", FamilyKind.SIGNATURE, "sha256-*"),
    ],
)
def test_the_family_of_a_tag_is_read_from_its_form(tag: str, kind: FamilyKind, pattern: str | None) -> None:
    assert family_of(tag) == (kind, pattern)
    if pattern is not None:
        assert Selector("tagged", pattern, kind).matches([tag])


def patterns(*images: object, **options: object) -> list[str]:
    return [selector.pattern for selector in selectors_of(images, **options)[:-3]]  # type: ignore[arg-type]


def test_the_general_selectors_stand_last() -> None:
    assert selectors_of([stored(1)], [])[-3:] == [TAGGED, UNTAGGED, ANY]


def test_a_family_gives_one_pattern_that_outlives_its_tags() -> None:
    images = [stored(number, f"pr-{number}-1a2b3c4") for number in range(1, 6)]
    assert patterns(*images, kept=[]) == ["pr-*"]


def test_a_tag_that_moves_is_of_use_as_a_guard_alone() -> None:
    image, other = stored(1, "prod", "v1.2"), stored(2, "v1.3")
    assert patterns(image, other, kept=[]) == ["v*"]
    assert patterns(image, other, kept=[image]) == ["v*", "prod"]


def test_a_protected_glob_is_a_pattern_where_ecr_has_it() -> None:
    images = [stored(1, "keep-me-1"), stored(2, "v1")]
    globs = ["keep-me*", "k??p*", "*", "*k*e*e*p*"]
    assert patterns(*images, kept=[], protected_tags=globs) == ["v*", "keep-*"]
    assert patterns(stored(3, "x-keep"), *images, kept=[], protected_tags=["*keep*"]) == ["v*", "*keep*", "keep-*"]


def test_second_words_tell_families_with_one_beginning() -> None:
    tags = [f"api-{word}-{number}" for word in ("prod", "dev") for number in range(3)]
    images = [stored(number, tag) for number, tag in enumerate(tags, 1)]
    assert patterns(*images, kept=[]) == ["api-*", "api-dev*", "api-prod*"]
    assert patterns(*images[:4], kept=[]) == ["api-*"]


def test_patterns_that_select_the_same_images_count_once() -> None:
    assert patterns(stored(1, "v1", "build-1"), stored(2, "v2", "build-2"), kept=[]) == ["v*"]


def test_many_families_are_cut_to_the_largest_and_to_guards() -> None:
    images = [
        stored(100 * family + number, f"{chr(97 + family)}x-{number}")
        for family in range(20)
        for number in range(20 - family)
    ]
    kept = [image for image in images if image.image_tags[0].startswith("tx")]
    found = [selector.pattern for selector in selectors_of(images, kept)]
    assert len(found) == MAX_SELECTORS
    assert {"ax-*", "bx-*", "tx-*"} <= set(found)
