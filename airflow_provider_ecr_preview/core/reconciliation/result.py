"""The XCom contract of a reconciliation, always at most 48 KiB."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from airflow_provider_ecr_preview.core.preview.finding import SEVERITY_ORDER
from airflow_provider_ecr_preview.core.reconciliation.reconcile import RepositoryReconciliation
from airflow_provider_ecr_preview.core.values import cut, fitted, isoformat, with_fitting_repositories
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
    """The maximum length of each list and message."""

    digests: int
    characters: int


_LIMITS = (_Limits(10, 500), _Limits(5, 300), _Limits(2, 200), _Limits(0, 120))


def reconciliation_xcom(
    reconciliations: Sequence[RepositoryReconciliation], *, until: datetime, results_uri: str | None = None
) -> ReconciliationXCom:
    """Return the result of a reconciliation.

    :param reconciliations: the outcome of every preview.
    :param until: the end of the period queried in CloudTrail (aware).
    :param results_uri: where the list of all images was written.
    """
    repositories = [_repository(reconciliation) for reconciliation in sorted(reconciliations, key=_by_severity)]
    # An event that names no repository counts for every repository of its Region, but only once here.
    unread = {
        (event.event_id, event.reason): event for reconciliation in reconciliations for event in reconciliation.unread
    }
    value = ReconciliationXCom(
        schema=RECONCILIATION_SCHEMA,
        reconciled_until=isoformat(until) or "",
        repository_count=len(repositories),
        statuses=dict(Counter(reconciliation.status for reconciliation in reconciliations)),
        event_count=sum(len(reconciliation.executions) for reconciliation in reconciliations),
        policy_changed_count=sum(reconciliation.policy == "changed" for reconciliation in reconciliations),
        counts=dict(sum((reconciliation.counts for reconciliation in reconciliations), Counter())),
        failures=dict(sum((reconciliation.failures for reconciliation in reconciliations), Counter())),
        findings=dict(
            Counter(finding.code for reconciliation in reconciliations for finding in reconciliation.findings)
        ),
        unread_event_count=len(unread),
        unread_events=[
            UnreadEventXCom(event_id=event.event_id, reason=cut(event.reason, 200) or "")
            for event in [*unread.values()][:MAX_UNREAD_EVENTS]
        ],
        repositories=repositories,
        repositories_left_out=0,
        results_uri=results_uri,
    )
    value = fitted(value, MAX_RECONCILIATION_BYTES, _LIMITS, _cut_to)
    return with_fitting_repositories(value, MAX_RECONCILIATION_BYTES)


def _by_severity(reconciliation: RepositoryReconciliation) -> tuple[int, int, str]:
    most_severe = min(
        (SEVERITY_ORDER[finding.severity] for finding in reconciliation.findings), default=len(SEVERITY_ORDER)
    )
    return most_severe, -sum(reconciliation.counts.values()), reconciliation.repository.repository_name


def _repository(reconciliation: RepositoryReconciliation) -> RepositoryReconciliationXCom:
    summary = reconciliation.summary
    return RepositoryReconciliationXCom(
        **reconciliation.repository.as_dict(),
        status=reconciliation.status,
        message=reconciliation.message,
        previewed_at=summary["previewed_at"],
        executed_at=isoformat(reconciliation.executed_at),
        event_count=len(reconciliation.executions),
        unread_event_count=len(reconciliation.unread),
        policy=reconciliation.policy,
        previewed_image_count=summary["expiring_image_count"] + summary["archiving_image_count"],
        counts=dict(reconciliation.counts),
        failures=dict(reconciliation.failures.most_common(10)),
        findings=[
            FindingSummary(
                code=finding.code,
                severity=finding.severity,
                message=finding.message,
                image_digests=list(finding.image_digests),
            )
            for finding in reconciliation.findings
        ],
    )


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
