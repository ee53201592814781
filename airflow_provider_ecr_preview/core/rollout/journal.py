"""Record what each attempt at a policy change intended to replace and did replace, by repository."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.former import FormerPolicy

ABOUT_TO_PUT = "about_to_put"


PUT = "put"


NOT_PUT = "not_put"


@dataclass(frozen=True, slots=True)
class EarlierChange:
    """The policy that an earlier attempt at the same change intended to replace in a repository.

    :param former: the policy right before the attempt, and the fingerprint of its replacement.
    :param is_confirmed: whether the attempt knew that it was replaced. If not, the reply may have been lost, or it was
        killed before it could record the outcome.
    """

    former: FormerPolicy
    is_confirmed: bool = True


def intent_entry(former: FormerPolicy) -> dict[str, Any]:
    """Return the entry that records which policy is about to be replaced."""
    return {ABOUT_TO_PUT: former.as_dict()}


def outcome_entry(repository: RepositoryId, *, is_put: bool) -> dict[str, Any]:
    """Return the entry that records whether the policy was replaced.

    :param repository: the repository.
    :param is_put: whether it was; there is no entry while this is unknown.
    """
    return {
        PUT if is_put else NOT_PUT: {
            **repository.as_dict(),
        }
    }


def earlier_changes(entries: Iterable[Mapping[str, Any]]) -> dict[RepositoryId, EarlierChange]:
    """Return the last intended change in each repository, from the entries of a journal.

    :param entries: the entries, in order.
    """
    confirmed: dict[RepositoryId, EarlierChange] = {}
    pending: dict[RepositoryId, EarlierChange] = {}
    for entry in entries:
        ((kind, value),) = entry.items()
        repository = RepositoryId.of(value)
        if kind == ABOUT_TO_PUT:
            pending[repository] = EarlierChange(FormerPolicy.from_dict(value), is_confirmed=False)
        elif kind == PUT and repository in pending:
            confirmed[repository] = EarlierChange(pending.pop(repository).former)
        elif kind == NOT_PUT:
            pending.pop(repository, None)
    return {**confirmed, **pending}
