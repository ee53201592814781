"""The XCom contract of a reconciliation, in at most 48 KiB whatever happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from airflow_provider_ecr_preview.core.preview.finding import SEVERITY_ORDER
from airflow_provider_ecr_preview.core.reconciliation.reconcile import RepositoryReconciliation
from airflow_provider_ecr_preview.core.values import cut, fitted, fitting_count, isoformat, json_size
from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary
from airflow_provider_ecr_preview.core.xcom.reconciliation import (
    MAX_RECONCILIATION_BYTES,
    RECONCILIATION_SCHEMA,
    ReconciliationXCom,
    RepositoryReconciliationXCom,
    UnreadEventXCom,
)

MAX_UNREAD_EVENTS = 10


class _Limits(NamedTuple):
    """How much of each list and message is pushed."""

    digests: int
    characters: int


_LIMITS = (_Limits(10, 500), _Limits(5, 300), _Limits(2, 200), _Limits(0, 120))


_ROOM_FOR_A_NUMBER = 16
"""``repositories_left_out`` grows when repositories are left out."""


def reconciliation_xcom(
    reconciliations: Sequence[RepositoryReconciliation], *, until: datetime, results_uri: str | None = None
) -> ReconciliationXCom:
    """Return the result of a reconciliation.

    :param reconciliations: what became of every preview.
    :param until: the end of what CloudTrail was asked (aware).
    :param results_uri: where the list of all images was written.
    """
    repositories = [_repository(each) for each in sorted(reconciliations, key=_by_gravity)]
    # An event that names no repository counts for each of its Region, and here once.
    unread = {(event.event_id, event.reason): event for each in reconciliations for event in each.unread}
    value = ReconciliationXCom(
        schema=RECONCILIATION_SCHEMA,
        reconciled_until=isoformat(until) or "",
        repository_count=len(repositories),
        statuses=dict(Counter(each.status for each in reconciliations)),
        event_count=sum(len(each.executions) for each in reconciliations),
        policy_changed_count=sum(each.policy == "changed" for each in reconciliations),
        counts=dict(sum((each.counts for each in reconciliations), Counter())),
        failures=dict(sum((each.failures for each in reconciliations), Counter())),
        findings=dict(Counter(finding.code for each in reconciliations for finding in each.findings)),
        unread_event_count=len(unread),
        unread_events=[
            UnreadEventXCom(event_id=event.event_id, reason=cut(event.reason, 200) or "")
            for event in [*unread.values()][:MAX_UNREAD_EVENTS]
        ],
        repositories=repositories,
        repositories_left_out=0,
        results_uri=results_uri,
    )
    return _fitted(value)


def _by_gravity(each: RepositoryReconciliation) -> tuple[int, int, str]:
    gravest = min((SEVERITY_ORDER[finding.severity] for finding in each.findings), default=len(SEVERITY_ORDER))
    return gravest, -sum(each.counts.values()), each.repository.repository_name


def _repository(each: RepositoryReconciliation) -> RepositoryReconciliationXCom:
    summary = each.summary
    return RepositoryReconciliationXCom(
        registry_id=summary["registry_id"],
        region_name=summary["region_name"],
        repository_name=summary["repository_name"],
        status=each.status,
        message=each.message,
        previewed_at=summary["previewed_at"],
        executed_at=isoformat(each.executed_at),
        event_count=len(each.executions),
        unread_event_count=len(each.unread),
        policy=each.policy,
        previewed_image_count=summary["expiring_image_count"] + summary["archiving_image_count"],
        counts=dict(each.counts),
        failures=dict(each.failures.most_common(10)),
        findings=[
            FindingSummary(
                code=finding.code,
                severity=finding.severity,
                message=finding.message,
                image_digests=list(finding.image_digests),
            )
            for finding in each.findings
        ],
    )


def _fitted(value: ReconciliationXCom) -> ReconciliationXCom:
    """Cut examples and messages, then the least severe repositories, until the result fits."""
    value = fitted(value, MAX_RECONCILIATION_BYTES, _LIMITS, _cut_to)
    repositories = value["repositories"]
    rest = json_size({**value, "repositories": []}) + _ROOM_FOR_A_NUMBER
    kept = fitting_count(repositories, MAX_RECONCILIATION_BYTES - rest)
    return {**value, "repositories": repositories[:kept], "repositories_left_out": len(repositories) - kept}


def _cut_to(value: ReconciliationXCom, limits: _Limits) -> ReconciliationXCom:
    return {**value, "repositories": [_repository_cut_to(repository, limits) for repository in value["repositories"]]}


def _repository_cut_to(repository: RepositoryReconciliationXCom, limits: _Limits) -> RepositoryReconciliationXCom:
    return {
        **repository,
        "message": cut(repository["message"], limits.characters),
        "findings": [
            {
                **finding,
                "image_digests": finding["image_digests"][: limits.digests],
                "message": cut(finding["message"], limits.characters) or "",
            }
            for finding in repository["findings"]
        ],
    }
