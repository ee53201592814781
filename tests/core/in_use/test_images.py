from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.in_use.images import MAX_USERS, ImagesInUse, ImageUser, UnreadSource
from airflow_provider_ecr_preview.core.in_use.reference import ImageReference
from airflow_provider_ecr_preview.core.xcom.in_use import MAX_IN_USE_BYTES
from tests.support.builders import NOW, REGION, REGISTRY_ID, digest

TASK = ImageUser("ECS task", "arn:aws:ecs:eu-west-1:123456789012:task/main/1")
READ = {
    "source": "ecs",
    "aws_conn_id": "aws_default",
    "account_id": REGISTRY_ID,
    "region_name": REGION,
    "reference_count": 1,
}


def reference(
    image_digest: str | None = None, image_tag: str | None = None, name: str = "payments/api"
) -> ImageReference:
    return ImageReference(REGISTRY_ID, REGION, name, image_digest, image_tag)


def in_use(*references: ImageReference, user: ImageUser = TASK) -> ImagesInUse:
    of = ImagesInUse(NOW)
    of.sources.append(READ)
    for reference in references:
        of.add(reference, user)
    return of


def test_a_digest_is_protected_whatever_its_tags() -> None:
    assert in_use(reference(digest(1))).protects(reference().repository, digest(1), []) == [TASK]
    assert in_use(reference(digest(1))).protects(reference().repository, digest(2), ["v1"]) == []


def test_a_tag_protects_what_it_points_to() -> None:
    assert in_use(reference(image_tag="v1")).protects(reference().repository, digest(7), ["other", "v1"]) == [TASK]


def test_a_tag_that_was_resolved_protects_both() -> None:
    of = in_use(reference(digest(1), "v1"))
    assert (
        of.protects(reference().repository, digest(1), [])
        == of.protects(reference().repository, digest(2), ["v1"])
        == [TASK]
    )
    assert of.protects(reference().repository, digest(1), ["v1"]) == [TASK]
    assert of.image_count == 2


def test_the_same_digest_in_another_repository_is_another_image() -> None:
    assert in_use(reference(digest(1))).protects(reference(name="payments/other").repository, digest(1), []) == []


def test_a_digest_without_a_repository_protects_it_in_every_repository() -> None:
    of = in_use(ImageReference("", "", "", digest(1)))
    assert of.protects(reference().repository, digest(1), []) == [TASK]
    assert of.protects(reference(name="payments/other").repository, digest(1), []) == [TASK]
    assert of.protects(reference().repository, digest(2), ["v1"]) == []


def test_a_source_that_could_not_be_read_protects_everything() -> None:
    of = in_use()
    assert of.is_complete
    of.unread.append(UnreadSource("lambda", "aws_default", REGION, "AccessDenied"))
    assert not of.is_complete
    (user,) = of.protects(reference().repository, digest(1), [])
    assert str(user) == "not known: lambda (aws_default, eu-west-1): AccessDenied"
    assert str(UnreadSource("airflow", None, None, "AccessDenied")) == "airflow: AccessDenied"


def test_without_sources_it_is_not_known_what_is_in_use() -> None:
    assert not ImagesInUse(NOW).is_complete


def test_of_many_users_the_first_are_named() -> None:
    of = in_use()
    for number in range(2 * MAX_USERS):
        of.add(reference(digest(1)), ImageUser("ECS task", str(number)))
    assert len(of.protects(reference().repository, digest(1), [])) == MAX_USERS


references = st.builds(
    reference,
    image_digest=st.integers(0, 5).map(digest),
    image_tag=st.one_of(st.none(), st.sampled_from(["v1", "v2"])),
    name=st.sampled_from(["a", "b"]),
) | st.integers(0, 5).map(lambda number: ImageReference("", "", "", digest(number)))


@given(st.lists(references), st.booleans())
def test_what_was_pushed_protects_what_was_collected(given: list[ImageReference], elsewhere: bool) -> None:
    of = in_use(*given)
    of.unread.append(UnreadSource("eks", None, None, "no way", REGISTRY_ID, ("'a' of pod b",), 7))
    value: dict[str, Any] = json.loads(json.dumps(of.as_xcom()))
    images = value["images"]
    if elsewhere:
        value |= {"images": None, "in_use_uri": "file:///in-use"}
    again = ImagesInUse.from_xcom(value, {"file:///in-use": images}.__getitem__)
    assert list(again.images()) == list(of.images())
    assert (again.unread, again.collected_at, again.scope) == (of.unread, of.collected_at, {(REGISTRY_ID, REGION)})


def test_more_than_fits_is_written_elsewhere() -> None:
    of = in_use(*(reference(digest(number)) for number in range(500)))
    with pytest.raises(ValueError, match=r"500 images in use do not fit into XCom\. Set in_use_path"):
        of.as_xcom()
    written: list[Any] = []

    def write(images: Iterator[Any]) -> str:
        written.extend(images)
        return "file:///in-use"

    value = of.as_xcom(write)
    assert len(json.dumps(value)) <= MAX_IN_USE_BYTES
    assert (value["images"], value["in_use_uri"], value["image_count"], len(written)) == (
        None,
        "file:///in-use",
        500,
        500,
    )


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"schema": "another/1"}, "must have the schema"),
        ({"images": None}, "in_use_uri cannot be read here"),
        ({"images": []}, "Only 0 of 1 images in use can be read"),
    ],
)
def test_what_is_not_whole_is_an_error_and_not_an_empty_list(change: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        ImagesInUse.from_xcom({**in_use(reference(digest(1))).as_xcom(), **change})


def test_many_sources_and_unread_ones_fit_too_and_all_count() -> None:
    of = ImagesInUse(NOW)
    regions = [f"eu-west-{number}" for number in range(40)]
    for region in regions:
        of.sources += [{**READ, "region_name": region}] * 7
        of.unread += [UnreadSource("ecs", "aws_default", region, "x" * 2000)] * 7
    value = of.as_xcom()
    assert len(json.dumps(value)) <= MAX_IN_USE_BYTES
    assert (value["source_count"], value["unread_count"]) == (280, 280)
    assert ImagesInUse.from_xcom(value).scope == {(REGISTRY_ID, region) for region in regions}
    of.add(reference(digest(1)), ImageUser("ECS task", "x" * MAX_IN_USE_BYTES))
    value = of.as_xcom(lambda _: "file:///in-use")
    assert (len(json.dumps(value)) <= MAX_IN_USE_BYTES, value["in_use_uri"]) == (True, "file:///in-use")


def test_what_an_earlier_release_collected_is_read_and_says_of_no_place_that_it_was_read() -> None:
    value: dict[str, Any] = {**in_use(reference(digest(1))).as_xcom()}
    for key in ("scope", "source_count", "unread_count"):
        del value[key]
    source = {"source": "ecs", "aws_conn_id": "aws_default", "region_name": REGION, "reference_count": 1}
    unread = {"source": "eks", "aws_conn_id": "aws_default", "region_name": None, "reason": "denied"}
    of = ImagesInUse.from_xcom({**value, "sources": [source], "unread": [unread], "is_complete": False})
    assert (of.scope, of.unread) == (frozenset(), [UnreadSource("eks", "aws_default", None, "denied")])
    assert of.users_of(reference().repository, digest(1), []) == [TASK]


@pytest.mark.parametrize("told", [False, "true", None, 1])
def test_what_is_said_not_to_be_complete_is_not(told: Any) -> None:
    of = ImagesInUse.from_xcom({**in_use(reference(digest(1))).as_xcom(), "is_complete": told})
    assert not of.is_complete
    assert of.protects(reference().repository, digest(2), [])


def test_an_unread_source_that_is_missing_from_the_list_counts() -> None:
    of = ImagesInUse.from_xcom({**in_use(reference(digest(1))).as_xcom(), "unread": [], "unread_count": 1})
    assert not of.is_complete
    assert of.protects(reference().repository, digest(2), [])


@pytest.mark.parametrize("sources", ["ecs", ["ecs"], [{"account_id": ["1"], "region_name": REGION}], 3])
def test_sources_of_another_shape_are_an_error(sources: Any) -> None:
    with pytest.raises(ValueError, match="The images in use are incomplete"):
        ImagesInUse.from_xcom({**in_use(reference(digest(1))).as_xcom(), "sources": sources})


@pytest.mark.parametrize("key", ["collected_at", "is_complete", "sources", "unread", "images", "image_count"])
def test_a_value_that_lacks_what_every_one_has_is_an_error(key: str) -> None:
    value: dict[str, Any] = {**in_use(reference(digest(1))).as_xcom()}
    del value[key]
    with pytest.raises(ValueError, match=f"incomplete.*{key}"):
        ImagesInUse.from_xcom(value)


@pytest.mark.parametrize("collected_at", ["2026-01-01T00:00:00", "yesterday", None, 5])
def test_a_time_that_cannot_be_placed_is_an_error(collected_at: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # what it says differs
        ImagesInUse.from_xcom({**in_use().as_xcom(), "collected_at": collected_at})
    with pytest.raises(ValueError, match="no time zone"):
        ImagesInUse(datetime(2026, 1, 1))  # noqa: DTZ001  # that is the fault


@pytest.mark.parametrize(
    ("later", "match"),
    [
        (timedelta(hours=23), None),
        (timedelta(0), None),
        (timedelta(minutes=-4), None),
        (timedelta(minutes=-6), "in the future"),
        (timedelta(hours=25), "it is 25 hours old"),
    ],
)
def test_only_what_was_collected_lately_says_what_is_in_use_now(later: timedelta, match: str | None) -> None:
    why = in_use().why_unusable(NOW + later)
    assert why is None if match is None else why is not None and match in why
