"""Replication from one registry of the local ECR to others: copies of pushes, and deletions.

Deletions are replicated if a rule says so (``deleteReplication``). Replicas are not replicated further, nor are their
deletions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ecr_preview.local.clock import Clock
from airflow_provider_ecr_preview.local.deletion import delete_images
from airflow_provider_ecr_preview.local.images import LocalImage
from airflow_provider_ecr_preview.local.paging import invalid

if TYPE_CHECKING:
    from moto.ecr.models import ECRBackend

    from airflow_provider_ecr_preview.local.repositories import LocalRepository


MAX_RULES = 25


_ACCOUNT = re.compile("[0-9]{12}")


Place = tuple[str, str]
"""A registry (account) and a Region."""


class Registries(Protocol):
    """All registries, as far as replication needs them."""

    clock: Clock
    check_layers: bool

    def backend(self, region_name: str, account_id: str) -> ECRBackend:
        """Return the store of one registry."""

    def repository(self, repository: str, *, region_name: str, account_id: str) -> LocalRepository:
        """Return a repository."""

    def create_for(self, scenario: str, repository: str, *, region_name: str, account_id: str) -> bool:
        """Create a repository from a creation template, and return whether one matches."""

    def create_repository(self, repository: str, *, region_name: str, account_id: str) -> str:
        """Create a repository."""


def check_rules(rules: Sequence[Mapping[str, Any]], source: Place, regions: Sequence[str]) -> None:
    """Refuse rules that ECR refuses.

    :param rules: the rules of a replication configuration.
    :param source: the registry that they are for.
    :param regions: the Regions that exist.
    :raises InvalidParameterException: if it refuses them.
    """
    if len(rules) > MAX_RULES:
        raise invalid("replicationConfiguration", f"Member must have length less than or equal to {MAX_RULES}")
    places = {place for rule in rules for place in _destinations(rule)}
    for account_id, region_name in places:
        if not _ACCOUNT.fullmatch(account_id):
            raise invalid(
                "replicationConfiguration", f"registryId must satisfy regular expression '{_ACCOUNT.pattern}'"
            )
        if region_name not in regions:
            raise invalid("replicationConfiguration", f"There is no Region '{region_name}'")
    if source in places:
        raise invalid("replicationConfiguration", "Replication destination cannot be the same as the source registry")
    for rule in rules:
        _check_delete_replication(rule.get("deleteReplication"))


def _check_delete_replication(setting: object) -> None:
    # The installed botocore may be older than this member, so nothing else has checked it.
    if setting is None:
        return
    if not isinstance(setting, dict):
        raise invalid("replicationConfiguration", "deleteReplication must be of type structure")
    if not isinstance(setting.get("enabled"), bool):
        raise invalid("replicationConfiguration", "deleteReplication.enabled must be of type boolean")


def replicate_push(registries: Registries, repository: LocalRepository, images: Iterable[LocalImage]) -> None:
    """Copy images to the repositories of the same name in the destinations of the rules, creating missing ones.

    :param registries: all registries.
    :param repository: the repository that the images were pushed to.
    :param images: the images.
    """
    places = {place for rule in _rules(registries, repository) for place in _destinations(rule)}
    if not places:
        return
    copied = list(images)
    for account_id, region_name in sorted(places):
        if repository.name not in registries.backend(region_name, account_id).repositories:
            place = {"region_name": region_name, "account_id": account_id}
            if not registries.create_for("REPLICATION", repository.name, **place):
                registries.create_repository(repository.name, **place)
        replica = registries.repository(repository.name, region_name=region_name, account_id=account_id)
        for image in copied:
            _copy(replica, image)


def replicas_of(registries: Registries, repository: LocalRepository, image: LocalImage) -> list[Place]:
    """Return the destinations of the rules that have a copy of an image.

    :param registries: all registries.
    :param repository: the repository of the image.
    :param image: the image.
    """
    found = []
    for account_id, region_name in sorted(
        {place for rule in _rules(registries, repository) for place in _destinations(rule)}
    ):
        if repository.name not in registries.backend(region_name, account_id).repositories:
            continue
        replica = registries.repository(repository.name, region_name=region_name, account_id=account_id)
        if image.get_image_digest() in replica.index.by_digest:
            found.append((account_id, region_name))
    return found


@contextmanager
def replicating_deletions(registries: Registries, repository: LocalRepository) -> Iterator[None]:
    """Replicate the deletions in the block to the destinations of rules that replicate deletions.

    :param registries: all registries.
    :param repository: the repository.
    """
    places = {
        place
        for rule in _rules(registries, repository)
        if rule.get("deleteReplication", {}).get("enabled")
        for place in _destinations(rule)
    }
    if not places:
        yield
        return
    before = {image.get_image_digest(): tuple(image.image_tags) for image in repository.local_images}
    yield
    after = {image.get_image_digest(): tuple(image.image_tags) for image in repository.local_images}
    # In push order, a manifest list comes after the images that it names, but it must be deleted before them.
    image_ids = [{"imageDigest": digest} for digest in reversed(before) if digest not in after]
    image_ids += [
        {"imageTag": tag}
        for digest, tags in before.items()
        if digest in after
        for tag in sorted({*tags} - {*after[digest]})
    ]
    for account_id, region_name in sorted(places):
        backend = registries.backend(region_name, account_id)
        if image_ids and repository.name in backend.repositories:
            replica = registries.repository(repository.name, region_name=region_name, account_id=account_id)
            delete_images(backend, replica, image_ids)


def _rules(registries: Registries, repository: LocalRepository) -> list[Mapping[str, Any]]:
    """Return the replication rules that cover a repository."""
    rules = registries.backend(repository.region_name, repository.registry_id).replication_config["rules"]
    return [rule for rule in rules if _covers(rule, repository.name)]


def _covers(rule: Mapping[str, Any], repository_name: str) -> bool:
    filters = rule.get("repositoryFilters")
    return not filters or any(repository_name.startswith(prefix["filter"]) for prefix in filters)


def _destinations(rule: Mapping[str, Any]) -> list[Place]:
    return [(destination["registryId"], destination["region"]) for destination in rule["destinations"]]


def _copy(replica: LocalRepository, image: LocalImage) -> None:
    there = replica.index.by_digest.get(image.get_image_digest())
    if there is None:
        there = image.replica(replica.registry_id)
        there.image_pushed_at = replica.moment(image.clock.now())  # type: ignore[assignment]  # moto has whole seconds only
        replica.add([there])
    replica.move_tags(image.image_tags, there)
