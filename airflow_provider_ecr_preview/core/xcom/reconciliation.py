"""The XCom of a reconciliation."""

from __future__ import annotations

from typing import TypedDict

from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary

RECONCILIATION_SCHEMA = "ecr-lifecycle-reconciliation/1"


MAX_RECONCILIATION_BYTES = 48 * 1024


class UnreadEventXCom(TypedDict):
    """An event that cannot be understood."""

    event_id: str | None
    reason: str


class RepositoryReconciliationXCom(TypedDict):
    """What became of one preview. The findings hold examples of digests; the counts beside them are not cut."""

    registry_id: str
    region_name: str
    repository_name: str
    status: str
    message: str | None
    previewed_at: str
    executed_at: str | None
    event_count: int
    unread_event_count: int
    policy: str | None
    previewed_image_count: int
    counts: dict[str, int]
    failures: dict[str, int]
    findings: list[FindingSummary]


class ReconciliationXCom(TypedDict):
    """``return_value`` of the reconciling operator.

    ``counts`` has the images by category, ``findings`` the repositories by finding, ``repositories`` those with the
    gravest findings first; ``repositories_left_out`` says how many there was no room for, ``results_uri`` has every image.
    """

    schema: str
    reconciled_until: str
    repository_count: int
    statuses: dict[str, int]
    event_count: int
    policy_changed_count: int
    counts: dict[str, int]
    failures: dict[str, int]
    findings: dict[str, int]
    unread_event_count: int
    unread_events: list[UnreadEventXCom]
    repositories: list[RepositoryReconciliationXCom]
    repositories_left_out: int
    results_uri: str | None
