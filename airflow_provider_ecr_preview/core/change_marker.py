"""The small XCom from which the pages build the history of changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from airflow_provider_ecr_preview.core.values import cut
from airflow_provider_ecr_preview.core.xcom.approval import ApprovedByXCom
from airflow_provider_ecr_preview.core.xcom.cleanup import CLEANUP_SCHEMA
from airflow_provider_ecr_preview.core.xcom.preview import MARKER_SCHEMA, MarkerXCom
from airflow_provider_ecr_preview.core.xcom.reconciliation import RECONCILIATION_SCHEMA
from airflow_provider_ecr_preview.core.xcom.rollout import POLICY_CHANGE_SCHEMA

MAX_NAMES = 5
"""The number of repositories that a marker names."""


_MAX_CHARACTERS = 200


_OF_CLEANUP = (
    "action",
    "dry_run",
    "status",
    "started_at",
    "finished_at",
    "repository_count",
    "touched_image_count",
    "touched_bytes_upper_bound",
    "spared_image_count",
    "failed_image_count",
    "results_uri",
)


_OF_POLICY_CHANGE = ("dry_run", "status", "started_at", "finished_at", "repository_count", "changed_repository_count")


_OF_RECONCILIATION = ("repository_count", "event_count", "policy_changed_count", "counts", "results_uri")


def change_marker(value: Mapping[str, Any]) -> MarkerXCom:
    """Return the marker of the result of a clean-up, a policy change or a reconciliation.

    :param value: the result.
    :raises ValueError: if it is any other result.
    """
    schema = value["schema"]
    if schema == CLEANUP_SCHEMA:
        counts = {key: value[key] for key in _OF_CLEANUP}
        counts["unknown_image_count"] = sum(repository["unknown_image_count"] for repository in value["repositories"])
        return _marker("cleanup", value, counts)
    if schema == POLICY_CHANGE_SCHEMA:
        kind: Literal["put", "restore"] = "restore" if value.get("kind") == "restore" else "put"
        return _marker(kind, value, {key: value[key] for key in _OF_POLICY_CHANGE})
    if schema == RECONCILIATION_SCHEMA:
        counts = {key: value[key] for key in _OF_RECONCILIATION}
        return _marker("reconciliation", value, {**counts, "finished_at": value["reconciled_until"]})
    raise ValueError(f"{schema} has no such marker.")


def begun_marker(
    kind: Literal["cleanup"], *, action: str, started_at: str, repository_count: int, approval: ApprovedByXCom | None
) -> MarkerXCom:
    """Return the marker of a task that is about to change something. It remains if the task is killed.

    :param kind: the kind of change.
    :param action: ``delete`` or ``archive``.
    :param started_at: when it began (ISO, UTC).
    :param repository_count: number of repositories.
    :param approval: the approval that binds it; None if there is none.
    """
    counts = {
        "action": action,
        "dry_run": False,
        "status": "begun",
        "started_at": started_at,
        "finished_at": None,
        "repository_count": repository_count,
        "touched_image_count": None,
        "touched_bytes_upper_bound": None,
    }
    return _marker(kind, {"approval": approval, "repositories": []}, counts)


def _marker(
    kind: Literal["cleanup", "put", "restore", "reconciliation"], value: Mapping[str, Any], counts: dict[str, Any]
) -> MarkerXCom:
    approval = value.get("approval") or {}
    named = value["repositories"][:MAX_NAMES]
    for key in ("responded_by", "responded_at"):
        counts[key] = cut(approval.get(key), _MAX_CHARACTERS)
    counts["repository_names"] = [cut(repository["repository_name"], _MAX_CHARACTERS) for repository in named]
    counts["region_names"] = sorted({repository["region_name"] for repository in named})
    return MarkerXCom(schema=MARKER_SCHEMA, kind=kind, counts=counts)
