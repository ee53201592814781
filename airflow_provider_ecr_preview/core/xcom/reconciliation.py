"""The XCom of a reconciliation."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary

RECONCILIATION_SCHEMA = "ecr-lifecycle-reconciliation/1"


MAX_RECONCILIATION_BYTES = 48 * 1024


class UnreadEventXCom(TypedDict):
    """An event that cannot be read."""

    event_id: str | None
    reason: str


class RepositoryReconciliationXCom(TypedDict):
    """What happened after one preview.

    The findings hold examples of digests; their counts are complete.
    """

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
    """An image whose clean-up call had no reply, and who deleted or archived it according to CloudTrail.

    :param category: ``confirmed`` (the clean-up), ``done_by_other``, ``done_by_policy``, ``still_there`` (nothing
        happened to it) or ``not_known`` (it is gone or archived, and no event names it).
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
    """What happened to the images of a clean-up whose calls had no reply.

    :param counts: the number of images in each category.
    :param images: the first images; those that are not confirmed come first.
    :param unread: what could not be read; null if nothing is missing.
    """

    image_count: int
    counts: dict[str, int]
    images: list[SettledImageXCom]
    unread: str | None


class ReconciliationXCom(TypedDict):
    """``return_value`` of the reconciling operator.

    :param counts: the number of images in each category.
    :param findings: the number of repositories with each finding.
    :param repositories: those with the most severe findings first.
    :param repositories_left_out: the number of repositories that do not fit.
    :param results_uri: the file with every image.
    :param clean_up: only if a clean-up is settled.
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
