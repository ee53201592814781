from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow_provider_ecr_preview.core.cleanup.manifest_lists import lists_of_images_in_use
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from tests.support.builders import NOW, digest

INDEX = "application/vnd.oci.image.index.v1+json"


def pushed(number: int, minute: float, **fields: Any) -> RepositoryImage:
    return RepositoryImage(digest(number), (), NOW + timedelta(minutes=minute), **fields)


def listing(number: int, minute: float, **fields: Any) -> RepositoryImage:
    return pushed(number, minute, image_manifest_media_type=INDEX, **fields)


def lists_of(used: int, *images: RepositoryImage, **kwargs: Any) -> set[str]:
    return set(lists_of_images_in_use(images, lambda image: image.image_digest == digest(used), **kwargs))


def test_the_lists_that_are_known_to_name_an_image_in_use_are_found_at_any_depth() -> None:
    child = pushed(1, 0, referenced_by=(digest(2), digest(9)))
    inner, outer = listing(2, 600, referenced_by=(digest(3),)), listing(3, 1200)
    assert lists_of(1, child, inner, outer, listing(4, 1)) == {digest(2), digest(3)}


def test_lists_that_name_each_other_are_found_once() -> None:
    child = pushed(1, 0, referenced_by=(digest(2),))
    images = [child, listing(2, 1, referenced_by=(digest(3),)), listing(3, 1, referenced_by=(digest(2),))]
    assert lists_of(1, *images) == {digest(2), digest(3)}


def test_a_list_that_was_pushed_within_an_hour_after_an_image_in_use_counts() -> None:
    images = [pushed(1, 0), listing(2, -1), listing(3, 0), listing(4, 60), listing(5, 61), pushed(6, 1)]
    assert lists_of(1, *images) == {digest(3), digest(4)}
    assert lists_of(1, *images, by_push_time=False) == set()


def test_a_list_in_use_explains_itself() -> None:
    assert lists_of(1, listing(1, 0), listing(2, 1)) == set()


def test_what_belongs_to_an_image_in_use_is_in_no_list() -> None:
    assert lists_of(1, pushed(1, 0, subject_manifest_digest=digest(7)), listing(2, 1)) == set()


def test_without_lists_nothing_is_found() -> None:
    assert lists_of(1, pushed(1, 0)) == set()
