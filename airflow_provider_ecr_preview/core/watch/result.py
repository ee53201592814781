"""The result of reading the events: what changed, and what can be restored, in at most 48 KiB."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_ecr_preview.core.values import cut, fitting_count, with_fitting_repositories
from airflow_provider_ecr_preview.core.watch.changes import ChangedPolicy
from airflow_provider_ecr_preview.core.watch.former import KnownPolicy
from airflow_provider_ecr_preview.core.xcom.watch import (
    MAX_WATCH_BYTES,
    POLICY_EVENTS_SCHEMA,
    ChangedPolicyXCom,
    PolicyEventsXCom,
)

MAX_NAMES_BYTES = MAX_WATCH_BYTES // 3


MAX_FORMER_BYTES = MAX_WATCH_BYTES // 3


MAX_EVENT_IDS = 10


_MAX_CHARACTERS = 300


def policy_events_xcom(
    changes: Sequence[tuple[ChangedPolicy, KnownPolicy]], *, other_region_count: int = 0
) -> PolicyEventsXCom:
    """Return the result of reading the events.

    :param changes: each changed repository, with what is known of its former policy.
    :param other_region_count: number of changes in other Regions or registries.
    """
    names = [change.repository.repository_name for change, _ in changes]
    kept_names = names[: fitting_count(names, MAX_NAMES_BYTES)]
    former = [
        (change.repository.repository_name, known.policy.text) for change, known in changes if known.policy is not None
    ]
    kept_former = former[: fitting_count(former, MAX_FORMER_BYTES)]
    return with_fitting_repositories(
        PolicyEventsXCom(
            schema=POLICY_EVENTS_SCHEMA,
            change_count=sum(len(change.events) for change, _ in changes),
            repository_count=len(changes),
            other_region_count=other_region_count,
            repository_names=kept_names,
            names_left_out=len(names) - len(kept_names),
            former_policies=dict(kept_former),
            former_policies_left_out=len(former) - len(kept_former),
            repositories=[_changed(change, known) for change, known in changes],
            repositories_left_out=0,
        ),
        MAX_WATCH_BYTES,
    )


def _changed(change: ChangedPolicy, known: KnownPolicy) -> ChangedPolicyXCom:
    last, new = change.last, change.policy
    return ChangedPolicyXCom(
        registry_id=change.repository.registry_id,
        region_name=change.repository.region_name,
        repository_name=change.repository.repository_name,
        event_name=last.event_name,
        event_ids=[event.event_id for event in change.events[:MAX_EVENT_IDS]],
        change_count=len(change.events),
        changed_at=last.changed_at,
        changed_by=cut(last.changed_by, _MAX_CHARACTERS) or "",
        source_ip_address=cut(last.source_ip_address, _MAX_CHARACTERS),
        policy_fingerprint=None if new is None else new.fingerprint,
        former_policy_source=known.source,
        former_policy_name=cut(known.name, _MAX_CHARACTERS),
        former_policy_fingerprint=None if known.policy is None else known.policy.fingerprint,
        message=cut(known.message, _MAX_CHARACTERS) or "",
    )
