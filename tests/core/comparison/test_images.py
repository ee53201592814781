from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.comparison.effects import PolicyEffect, compare_effects
from airflow_provider_ecr_preview.core.comparison.images import compared_images
from airflow_provider_ecr_preview.core.xcom.audit import RepositoryRef
from tests.support.builders import NOW, REGION, REGISTRY_ID, archiving, digest, previewed

REF = RepositoryRef(registry_id=REGISTRY_ID, region_name=REGION, repository_name="payments/api")


def effect(expired: set[int], archived: set[int] | None = None) -> PolicyEffect:
    of = PolicyEffect("f" * 64, is_listed=True)
    for number in sorted(expired):
        of.add(previewed(number, image_tags=(f"v{number}",), image_size_in_bytes=100 + number))
    for number in sorted(archived or ()):
        of.add(archiving(number))
    return of


def test_each_image_is_listed_with_its_tags_date_and_size_and_what_becomes_of_it() -> None:
    (line,) = compared_images(REF, {"applied": effect({1}), "candidate": effect({1, 2})})
    assert line == {
        **REF,
        "policy": "candidate",
        "change": "newly_affected",
        "image_digest": digest(2),
        "image_tags": ["v2"],
        "image_pushed_at": previewed(2).image_pushed_at.astimezone().astimezone(NOW.tzinfo).isoformat(),
        "image_size_in_bytes": 102,
        "action": "EXPIRE",
        "first_action": None,
    }


def test_an_image_that_only_the_first_policy_takes_has_the_details_that_are_known_there() -> None:
    (line,) = compared_images(REF, {"applied": effect({1}), "candidate": effect(set())})
    assert (line["change"], line["image_tags"], line["action"], line["first_action"]) == (
        "no_longer_affected",
        ["v1"],
        None,
        "EXPIRE",
    )


def test_another_action_is_a_change_of_its_own() -> None:
    (line,) = compared_images(REF, {"applied": effect({1}), "candidate": effect(set(), {1})})
    assert (line["change"], line["action"], line["first_action"]) == ("action_changed", "TRANSITION", "EXPIRE")


def test_tags_and_dates_are_held_only_where_the_images_are_listed() -> None:
    of = PolicyEffect("f" * 64)
    of.add(previewed(1, image_tags=("v1",)))
    (image,) = of.taken.values()
    assert (image.image_tags, image.image_pushed_at) == ((), None)


@given(*[st.sets(st.integers(0, 8)) for _ in range(4)])
def test_the_lines_add_up_to_the_counts(first: set[int], second: set[int], archived: set[int], also: set[int]) -> None:
    effects = {"applied": effect(first, archived - first), "candidate": effect(second, also - second)}
    compared = compare_effects(REF, effects)["policies"][1]
    lines = list(compared_images(REF, effects))
    counts = [
        sum(line["change"] == change for line in lines)
        for change in ("newly_affected", "no_longer_affected", "action_changed")
    ]
    assert counts == [
        compared["newly_affected_image_count"],
        compared["no_longer_affected_image_count"],
        compared["action_changed_image_count"],
    ]
