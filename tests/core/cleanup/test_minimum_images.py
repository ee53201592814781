"""Which images have to be left is the same for every run, whatever else it does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.cleanup.minimum_images import floor_of, guards_of, missing_guards
from airflow_provider_ecr_preview.core.protection.rules import ImageProtection
from airflow_provider_ecr_preview.core.referrers import can_be_run
from airflow_provider_ecr_preview.core.repository import RepositoryImage

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def image(name: str, days_ago: float, **changes: object) -> RepositoryImage:
    return replace(RepositoryImage(f"sha256:{name}", (), NOW - timedelta(days=days_ago)), **changes)  # type: ignore[arg-type]


def names(images: list[RepositoryImage]) -> list[str]:
    return [image.image_digest.removeprefix("sha256:") for image in images]


NEW, OLD = image("new", 1), image("old", 9)
ARCHIVED = image("archived", 0.1, storage_class="ARCHIVE")
SIGNATURE = image("signature", 0.2, image_tags=(f"sha256-{'a' * 64}.sig",))

images = st.lists(
    st.builds(
        lambda name, days, tagged, archived: image(
            name, days, image_tags=(name,) if tagged else (), storage_class="ARCHIVE" if archived else "STANDARD"
        ),
        st.sampled_from("abcdefgh"),
        st.integers(0, 3),
        st.booleans(),
        st.booleans(),
    ),
    unique_by=lambda image: image.image_digest,
    max_size=8,
)


def test_the_newest_that_can_be_run_has_to_be_left() -> None:
    assert names(floor_of([OLD, SIGNATURE, NEW, ARCHIVED], 0)) == ["new"]
    assert names(floor_of([OLD, SIGNATURE, NEW, ARCHIVED], 2)) == ["new", "old"]
    assert names(floor_of([OLD, SIGNATURE, NEW, ARCHIVED], 9)) == ["new", "old"]


def test_where_there_are_lists_untagged_images_are_the_last_to_be_chosen() -> None:
    index = image("index", 5, image_manifest_media_type="application/vnd.oci.image.index.v1+json")
    tagged = image("tagged", 7, image_tags=("v1",))
    assert names(floor_of([OLD, index, NEW, tagged, image("part", 3)], 5)) == ["new", "index", "tagged", "part", "old"]
    assert names(floor_of([OLD, NEW, tagged, image("part", 3)], 3)) == ["new", "part", "tagged"]


def test_where_none_can_be_run_the_newest_of_all_has_to_be_left() -> None:
    assert names(floor_of([SIGNATURE, ARCHIVED], 3)) == ["archived"]
    assert floor_of([], 3) == []


@given(images, st.integers(0, 3), st.randoms(use_true_random=False))
def test_every_run_makes_the_same_choice_in_whatever_order_it_reads_the_images(
    inventory: list[RepositoryImage], count: int, order: object
) -> None:
    shuffled = list(inventory)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert floor_of(shuffled, count) == floor_of(inventory, count)


def test_a_guard_that_is_gone_archived_or_untagged_is_missing() -> None:
    tagged = image("tagged", 2, image_tags=("v1",))
    guards = guards_of([OLD, NEW, tagged, ARCHIVED], minimum_images_left=1, newest_images_kept=1)
    assert names(guards) == ["new", "tagged"]
    there = {guard.image_digest: guard for guard in guards}
    assert missing_guards(guards, there) == []
    assert missing_guards(guards, {}) == ["sha256:new", "sha256:tagged"]
    assert missing_guards(guards, {**there, "sha256:new": replace(NEW, storage_class="ARCHIVE")}) == ["sha256:new"]
    assert missing_guards(guards, {**there, "sha256:tagged": replace(tagged, image_tags=())}) == ["sha256:tagged"]
    older = replace(NEW, image_pushed_at=NEW.image_pushed_at - timedelta(days=5))
    assert missing_guards(guards, {**there, "sha256:new": older}) == ["sha256:new"]


@given(images, images, st.integers(0, 3), st.integers(0, 2))
def test_while_all_guards_are_there_no_other_old_image_has_to_stay(
    before: list[RepositoryImage], others: list[RepositoryImage], left: int, kept: int
) -> None:
    guards = guards_of(before, minimum_images_left=left, newest_images_kept=kept)
    # Others push and delete: what is there now are the guards, and some of the rest.
    stays = {guard.image_digest for guard in guards} | {other.image_digest for other in others}
    pushed = [image(f"{other.image_digest}-new", -1, image_tags=other.image_tags) for other in others]
    now = [image for image in before if image.image_digest in stays] + pushed
    assert not missing_guards(guards, {image.image_digest: image for image in now})
    was_spared = ImageProtection(newest_images_kept=kept).newest(before) | {
        floor.image_digest for floor in floor_of(before, left)
    }
    has_to_stay = ImageProtection(newest_images_kept=kept).newest(now) | {
        floor.image_digest for floor in floor_of(now, left)
    }
    old = {image.image_digest for image in before if can_be_run(image)}
    assert has_to_stay & old <= was_spared
