"""The marker of an audit, by which readers find audits without reading the values of other tasks."""

from __future__ import annotations

from airflow_provider_ecr_preview.core.audit.kind import AuditKind
from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom
from airflow_provider_ecr_preview.core.xcom.preview import MARKER_SCHEMA, MarkerXCom


def marker(value: AuditXCom) -> MarkerXCom:
    """Return the marker that is pushed with an audit."""
    changes = value["changes"]
    keys = (
        "audit_id",
        "audited_at",
        "missing_part_count",
        "repository_count",
        "previewed_count",
        "without_policy_count",
        "failed_count",
        "affected_repository_count",
        "expiring_image_count",
        "archiving_image_count",
        "expiring_bytes_upper_bound",
        "critical_finding_count",
        "warning_finding_count",
        "info_finding_count",
    )
    counts = {key: value[key] for key in keys}  # type: ignore[literal-required]  # each is a key of AuditXCom
    kind = AuditKind.from_xcom(value)
    return MarkerXCom(
        schema=MARKER_SCHEMA,
        kind="audit",
        counts=counts
        | {
            "alarm_count": None if changes is None else changes["alarm_count"],
            "policies": kind.policies,
            "policies_fingerprint": kind.fingerprint,
            "policies_name": kind.name,
            "selection": kind.selection,
        },
    )
