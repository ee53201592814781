"""What is in use in a repository is certain only where every source, account and Region was read."""

from __future__ import annotations

import pytest

from airflow_provider_ecr_preview.core.in_use.images import ImagesInUse, ImageUser, UnreadSource
from airflow_provider_ecr_preview.core.in_use.reference import ImageReference
from airflow_provider_ecr_preview.core.in_use.repository import RepositoryInUse
from airflow_provider_ecr_preview.core.in_use.scope import RequiredPlace
from airflow_provider_ecr_preview.core.repository import RepositoryId
from tests.support.builders import NOW, REGION, REGISTRY_ID, REPOSITORY, digest

OTHER_ACCOUNT = "000000000001"
UNREAD = UnreadSource("ecs", None, None, "AccessDenied")


def in_use(
    *unread: UnreadSource,
    read: tuple[tuple[str, str], ...] = ((REGISTRY_ID, REGION),),
    required: tuple[RequiredPlace, ...] | None = None,
) -> RepositoryInUse:
    """Return that one task runs image 1, by its tag."""
    images = ImagesInUse(NOW)
    images.sources += [{"source": "ecs", "account_id": account, "region_name": region} for account, region in read]
    images.unread += unread
    images.add(ImageReference(REGISTRY_ID, REGION, REPOSITORY, None, "v1"), ImageUser("ECS task", "web"))
    return RepositoryInUse(images, RepositoryId(REGISTRY_ID, REGION, REPOSITORY), required)


def test_an_unread_source_makes_every_image_used_but_names_no_known_user() -> None:
    of = in_use(UNREAD)
    assert of.unread_sources == ["ecs: AccessDenied"]
    assert of.users_of(digest(2), ["v2"]) == ["not known: ecs: AccessDenied"]
    assert of.known_users_of(digest(2), ["v2"]) == []
    assert of.users_of(digest(1), ["v1"]) == ["ECS task web", "not known: ecs: AccessDenied"]


def test_where_all_was_read_the_users_are_the_known_ones() -> None:
    of = in_use()
    assert of.unread_sources == []
    assert of.users_of(digest(1), ["v1"]) == of.known_users_of(digest(1), ["v1"]) == ["ECS task web"]
    assert of.users_of(digest(2), ["v2"]) == []


def test_a_collection_without_any_source_does_not_pass_as_read() -> None:
    assert in_use(read=()).unread_sources == ["no source was read"]


@pytest.mark.parametrize(
    ("required", "missing"),
    [
        (None, []),
        ((), []),
        ((RequiredPlace(OTHER_ACCOUNT),), [f"{OTHER_ACCOUNT}/{REGION}"]),
        ((RequiredPlace(REGISTRY_ID), RequiredPlace(REGISTRY_ID, "us-east-1")), [f"{REGISTRY_ID}/us-east-1"]),
    ],
)
def test_a_required_place_that_was_not_read_is_missing(
    required: tuple[RequiredPlace, ...] | None, missing: list[str]
) -> None:
    assert in_use(required=required).missing_scope == missing


def test_unless_another_scope_is_required_the_place_of_the_repository_must_be_read() -> None:
    of = in_use(read=((REGISTRY_ID, "us-east-1"), (OTHER_ACCOUNT, REGION)))
    assert of.missing_scope == [f"{REGISTRY_ID}/{REGION}"]
    assert of.read_scope == [f"{OTHER_ACCOUNT}/{REGION}", f"{REGISTRY_ID}/us-east-1"]
