"""The changes of policies that a set of events reports, one entry for each repository."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy_event import PolicyEvent
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.values import aware_time, cut, isoformat

_KEYS = tuple(field.name for field in fields(PolicyEvent))


_OPTIONAL = ("source_ip_address", "lifecycle_policy_text")


@dataclass(frozen=True, slots=True)
class ChangedPolicy:
    """The changes of the policy of one repository.

    :param repository: the repository.
    :param events: the changes, the oldest first; at least one.
    """

    repository: RepositoryId
    events: tuple[PolicyEvent, ...]

    @property
    def first(self) -> PolicyEvent:
        """The first change: the former policy is the one from before it."""
        return self.events[0]

    @property
    def last(self) -> PolicyEvent:
        """The last change, which is in force."""
        return self.events[-1]

    @property
    def policy(self) -> LifecyclePolicy | None:
        """The new policy; None if it was deleted, or cannot be read."""
        if self.last.lifecycle_policy_text is None:
            return None
        try:
            return LifecyclePolicy.from_service(self.last.lifecycle_policy_text)
        except InvalidLifecyclePolicyError:
            return None

    @property
    def is_deleted(self) -> bool:
        """Whether the repository has no policy any more."""
        return self.last.lifecycle_policy_text is None


def read_event(value: Any) -> PolicyEvent:
    """Return the event of a dict, as ``EcrLifecyclePolicyEventTrigger`` sends it.

    :param value: the dict.
    :raises ValueError: if it is anything else.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"{cut(repr(value), 100)} is not an event of EcrLifecyclePolicyEventTrigger")  # noqa: TRY004  # a value of an event
    given: dict[str, Any] = {key: value.get(key) for key in _KEYS}
    wrong = [key for key in _KEYS if not (isinstance(given[key], str) or (given[key] is None and key in _OPTIONAL))]
    if wrong:
        raise ValueError(f"the event has no valid {', '.join(wrong)}")
    try:
        # Events are put in order by this text, so all of them need the same time zone.
        given["changed_at"] = isoformat(aware_time(given["changed_at"]))
    except ValueError as error:
        raise ValueError(f"the event has no valid changed_at: {cut(str(error), 100)}") from None
    return PolicyEvent(**given)


def changed_policies(events: Iterable[PolicyEvent]) -> list[ChangedPolicy]:
    """Return the changes of each repository, in the order of the names. An event that arrived twice counts once.

    :param events: the events, in any order.
    """
    by_id = {(event.registry_id, event.region_name, event.event_id): event for event in events}
    of: dict[RepositoryId, list[PolicyEvent]] = {}
    for event in sorted(by_id.values(), key=lambda event: (event.changed_at, event.event_id)):
        of.setdefault(RepositoryId(event.registry_id, event.region_name, event.repository_name), []).append(event)
    return [ChangedPolicy(repository, tuple(changes)) for repository, changes in sorted(of.items())]
