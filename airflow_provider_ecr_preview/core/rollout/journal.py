"""What the attempts at a change of policies were about to replace, and did, by repository."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.former import FormerPolicy

ABOUT_TO_PUT = "about_to_put"
PUT = "put"


@dataclass(frozen=True, slots=True)
class EarlierChange:
    """What an earlier attempt at the same change was about to replace in a repository.

    :param former: the policy that was there right before, and the fingerprint of the one that was to take its place.
    :param is_confirmed: whether the attempt learnt that it was replaced; without, its call may have been lost, or it was
        killed before it could write that down.
    """

    former: FormerPolicy
    is_confirmed: bool = True


def intent_entry(former: FormerPolicy) -> dict[str, Any]:
    """Return the entry that says which policy is about to be replaced."""
    return {ABOUT_TO_PUT: former.as_dict()}


def put_entry(repository: RepositoryId) -> dict[str, Any]:
    """Return the entry that says that the policy was replaced."""
    return {
        PUT: {
            "registry_id": repository.registry_id,
            "region_name": repository.region_name,
            "repository_name": repository.repository_name,
        }
    }


def earlier_changes(entries: Iterable[Mapping[str, Any]]) -> dict[RepositoryId, EarlierChange]:
    """Return what the entries of a journal say: the last that was about to be done in each repository.

    :param entries: the entries, in order.
    """
    changes: dict[RepositoryId, EarlierChange] = {}
    for entry in entries:
        ((kind, value),) = entry.items()
        repository = RepositoryId(value["registry_id"], value["region_name"], value["repository_name"])
        if kind == ABOUT_TO_PUT:
            changes[repository] = EarlierChange(FormerPolicy.from_dict(value), is_confirmed=False)
        elif kind == PUT and repository in changes:
            changes[repository] = EarlierChange(changes[repository].former)
    return changes
