"""Read from DescribeRegistry where a registry replicates deletions to.

An image that is deleted or expires in the source is deleted in every destination of a rule with ``deleteReplication``.
Archiving is not replicated, and neither a replica nor its deletion is replicated any further.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_ecr_preview.core.repository import RepositoryId

MAX_NAMED_DESTINATIONS = 5


Destination = tuple[str, str]
"""A registry (account) and a Region."""


@dataclass(frozen=True, slots=True)
class DeletionRule:
    """A replication rule that replicates deletions.

    :param prefixes: what the repository names begin with; None for all repositories.
    :param destinations: the registries and Regions that they go to.
    """

    prefixes: tuple[str, ...] | None
    destinations: tuple[Destination, ...]

    def covers(self, repository_name: str) -> bool:
        """Return whether the rule applies to a repository with this name."""
        return self.prefixes is None or repository_name.startswith(self.prefixes)


@dataclass(frozen=True, slots=True)
class RegistryReplication:
    """The replication of one registry from one Region.

    :param registry_id: the registry (account).
    :param region_name: the Region.
    :param deletion_rules: the rules that replicate deletions.
    """

    registry_id: str
    region_name: str
    deletion_rules: tuple[DeletionRule, ...] = ()

    @classmethod
    def from_response(cls, response: Mapping[str, Any], region_name: str) -> RegistryReplication:
        """Parse the JSON response of DescribeRegistry.

        A setting of an unknown shape counts as one that replicates deletions.

        :param response: the answer; botocore before 1.44.5 drops ``deleteReplication`` when it parses it.
        :param region_name: the Region that was called.
        :raises KeyError: if the answer lacks a required part.
        :raises TypeError: if the answer has another shape.
        """
        configuration = response.get("replicationConfiguration")
        rules = [] if configuration is None else configuration["rules"]
        return cls(
            _text(response["registryId"]),
            region_name,
            tuple(_rule(rule) for rule in _list(rules) if _replicates_deletions(rule)),
        )

    def replicas_of(self, repository: RepositoryId) -> list[RepositoryId]:
        """Return the replicas that repeat the deletions made in a repository.

        :param repository: a repository of this registry and Region.
        """
        destinations = {
            destination
            for rule in self.deletion_rules
            if rule.covers(repository.repository_name)
            for destination in rule.destinations
        }
        return [
            RepositoryId(registry_id, region_name, repository.repository_name)
            for registry_id, region_name in sorted(destinations)
        ]


def destinations_named(replicas: Sequence[RepositoryId]) -> str:
    """Return the locations of replicas for a message: account and Region of the first ones.

    :param replicas: the repositories.
    """
    named = [f"{replica.registry_id}/{replica.region_name}" for replica in replicas]
    more = len(named) - MAX_NAMED_DESTINATIONS
    return ", ".join(named[:MAX_NAMED_DESTINATIONS]) + (f" and {more} more" if more > 0 else "")


def _replicates_deletions(rule: Any) -> bool:
    if not isinstance(rule, Mapping):
        raise TypeError(f"{rule!r} is not a rule")
    setting = rule.get("deleteReplication")
    if setting is None:
        return False
    return not isinstance(setting, Mapping) or setting.get("enabled") is not False


def _rule(rule: Mapping[str, Any]) -> DeletionRule:
    filters = _list(rule.get("repositoryFilters") or [])
    is_known = filters and all(
        isinstance(found, Mapping)
        and found.get("filterType") == "PREFIX_MATCH"
        and isinstance(found.get("filter"), str)
        for found in filters
    )
    return DeletionRule(
        # A filter of an unknown kind may apply to any repository.
        tuple(found["filter"] for found in filters) if is_known else None,
        tuple((_text(place["registryId"]), _text(place["region"])) for place in _list(rule["destinations"])),
    )


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value
