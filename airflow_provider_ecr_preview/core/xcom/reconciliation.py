"""The XCom of a reconciliation."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary

RECONCILIATION_SCHEMA = "ecr-lifecycle-reconciliation/1"


MAX_RECONCILIATION_BYTES = 48 * 1024


class UnreadEventXCom(TypedDict):
    """An event that cannot be understood."""

    event_id: str | None
    reason: str


class RepositoryReconciliationXCom(TypedDict):
    """What became of one preview. The findings hold examples of digests; their counts are not cut."""

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


class SettledImageXCom(TypedDict):
    """An image of a clean-up whose call had no reply: who deleted or archived it, as far as CloudTrail knows.

    ``category`` is ``confirmed`` (the clean-up did it), ``done_by_other``, ``done_by_policy``, ``still_there`` (it is there now)
    or ``not_known`` (it is gone, or archived, and no event names it).
    """

    registry_id: str
    region_name: str
    repository_name: str
    image_digest: str
    category: str
    event_id: str | None
    happened_at: str | None
    caller: str | None


class SettlementXCom(TypedDict):
    """What became of the images of a clean-up whose calls had no reply.

    ``counts`` has them by category, ``images`` the first of them, those that are not confirmed first. ``unread`` says what could
    not be read.
    """

    image_count: int
    counts: dict[str, int]
    images: list[SettledImageXCom]
    unread: str | None


class ReconciliationXCom(TypedDict):
    """``return_value`` of the reconciling operator.

    ``counts`` has the images by category, ``findings`` the repositories by finding, ``repositories`` those with the
    most severe findings first; ``repositories_left_out`` says how many there was no room for, ``results_uri`` has every image. ``clean_up`` is there where a clean-up is settled.
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
    clean_up: NotRequired[SettlementXCom]
