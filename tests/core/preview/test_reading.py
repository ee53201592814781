"""A preview is read once, by page, and its list and findings are made on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from airflow_provider_ecr_preview.core.preview.affected import UsedImages
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.kept import KeptImage
from airflow_provider_ecr_preview.core.preview.layers import FreedBytes
from airflow_provider_ecr_preview.core.preview.reading import Lookout, read_preview
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.repository import RepositoryId
from tests.support.builders import NOW, REGISTRY_ID, REPOSITORY, page, previewed, status, stored

THERE = RepositoryId(REGISTRY_ID, "eu-north-1", REPOSITORY)


def used_in(region_name: str) -> UsedImages:
    def users_of(image_digest: str, image_tags: Sequence[str]) -> Sequence[str]:
        return [f"ECS in {region_name}"] if "v1" in image_tags else []

    return UsedImages(users_of, [])


class TestLookout:
    def test_what_runs_in_a_replica_counts_where_deletions_are_replicated_to(self) -> None:
        lookout = Lookout(
            used_images=lambda repository: (
                used_in(repository.region_name) if repository == THERE else UsedImages(_nobody, [])
            ),
            replicas_of=lambda _: [THERE],
        )
        value = read_preview([page(previewed(1))], lookout=lookout)
        (used,) = [finding for finding in value["findings"] if finding["code"] == "in_use_image_expires"]
        assert "ECS in eu-north-1" in used["message"]

    @pytest.mark.parametrize("replicas", [[], Unread("access denied."), None])
    def test_without_known_replicas_only_the_repository_counts(self, replicas: list[RepositoryId] | Unread) -> None:
        used = used_in("eu-west-1")
        lookout = Lookout(used_images=lambda _: used, replicas_of=lambda _: replicas)
        assert lookout.at(THERE) == (replicas, used)

    def test_nothing_is_looked_out_for_by_default(self) -> None:
        assert Lookout().at(THERE) == (None, None)
        assert read_preview([page(previewed(1))], now=NOW)["findings"] == []


def _nobody(image_digest: str, image_tags: Sequence[str]) -> Sequence[str]:
    return []


class Written:
    """A list of images that remembers what was written to it."""

    images_uri = "s3://list"

    def __init__(self) -> None:
        self.affected: list[str] = []
        self.kept: list[str] = []

    def write(self, image: PreviewedImage) -> None:
        self.affected.append(image.image_digest)

    def write_kept(self, images: Iterable[KeptImage]) -> None:
        self.kept += [kept.image.image_digest for kept in images]


def test_affected_images_are_written_as_they_come_and_kept_ones_after_them() -> None:
    inventory = RepositoryInventory(keep_images=True)
    inventory.update([stored(1), stored(2)])
    pages = [page(previewed(1), of=status(expiring=1))]
    written = Written()
    value = read_preview(pages, inventory=inventory, image_list=written, now=NOW)
    assert (written.affected, written.kept) == ([stored(1).image_digest], [stored(2).image_digest])
    assert value["images_uri"] == "s3://list"


def test_which_images_stay_is_not_written_without_an_inventory() -> None:
    written = Written()
    read_preview([page(previewed(1))], image_list=written, now=NOW)
    assert (len(written.affected), written.kept) == (1, [])


def test_the_facts_of_the_registry_are_read_at_the_first_page_only() -> None:
    asked: list[RepositoryId] = []
    lookout = Lookout(replicas_of=lambda repository: asked.append(repository) or [])
    read_preview([page(previewed(1), next_token="more"), page(previewed(2))], lookout=lookout, now=NOW)
    assert len(asked) == 1


def test_what_is_freed_by_the_manifests_stands_next_to_the_upper_bound() -> None:
    inventory = RepositoryInventory()
    inventory.update([stored(1), stored(2)])
    pages = [page(previewed(1), of=status(expiring=1))]
    value = read_preview(pages, inventory=inventory, now=NOW, freed_bytes_of=lambda *_: FreedBytes(5, 7, 1))
    assert (value["expiring_bytes_exact"], value["shared_bytes"], value["expiring_family_count"]) == (5, 7, 1)
    assert value["exact_bytes_message"] is None
    assert "expiring_bytes_exact" not in read_preview(pages, now=NOW, freed_bytes_of=lambda *_: FreedBytes(5, 7, 1))
