"""What each changed policy does, by the audit after the change, and whether that is an alarm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, cast

from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.values import CLOCK_SKEW, aware_time, with_fitting_repositories
from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom, RepositoryRef
from airflow_provider_ecr_preview.core.xcom.watch import (
    MAX_WATCH_BYTES,
    POLICY_WATCH_SCHEMA,
    ChangedPolicyXCom,
    PolicyEventsXCom,
    PolicyWatchXCom,
    WatchedPolicyXCom,
)

AlarmSeverity = Literal["critical", "warning", "info"]


Severity = Literal["critical", "warning", "info", "none", "unknown"]


_RANK: Mapping[str, int] = {"unknown": 0, "critical": 0, "warning": 1, "info": 2, "none": 3}
"""A repository that could not be audited raises every alarm: what its policy does is unknown."""


_Key = tuple[str | None, str | None, str]


_Found = tuple[Severity, list[str], int | None, int | None, str]


def policy_watch_xcom(events: PolicyEventsXCom, audit: AuditXCom, alarm_severity: AlarmSeverity) -> PolicyWatchXCom:
    """Return what each changed policy does.

    :param events: the result of reading the events.
    :param audit: the audit of the changed repositories.
    :param alarm_severity: the lowest severity that raises an alarm.
    :raises ValueError: if the audit is not of the applied policies: it says nothing about what changed.
    """
    kind = audit["policies"]["kind"] if "policies" in audit else "applied"
    if kind != "applied":
        raise ValueError(
            f"audit is of other policies than the applied ones (policies.kind is {kind!r}), so it does not show what the "
            "changed policies do. Audit the changed repositories without lifecycle_policy_text and lifecycle_policies."
        )
    audited = dict(_audited(audit))
    watched = [
        _watched(changed, audited if _is_after(changed, audit) else {}, alarm_severity)
        for changed in events["repositories"]
    ]
    watched.sort(key=lambda repository: (_RANK[repository["severity"]], repository["repository_name"]))
    return with_fitting_repositories(
        PolicyWatchXCom(
            schema=POLICY_WATCH_SCHEMA,
            repository_count=len(watched),
            alarm_count=sum(repository["is_alarm"] for repository in watched),
            not_reported_count=events["repository_count"] - len(watched),
            repositories=watched,
            repositories_left_out=0,
        ),
        MAX_WATCH_BYTES,
    )


def _watched(
    changed: ChangedPolicyXCom, audited: Mapping[_Key, _Found], alarm_severity: AlarmSeverity
) -> WatchedPolicyXCom:
    repository = RepositoryId.of(changed)
    why = "The repository was not audited after the change: what the policy does is unknown. Audit it again."
    unknown: _Found = ("unknown", [], None, None, why)
    # An audit that gets no answer about a repository does not know its registry.
    keys: list[_Key] = [
        (registry_id, region_name, repository.repository_name)
        for registry_id in (repository.registry_id, None)
        for region_name in (repository.region_name, None)
    ]
    severity, findings, expiring, archiving, message = next((audited[key] for key in keys if key in audited), unknown)
    return WatchedPolicyXCom(
        **repository.as_dict(),
        event_name=changed["event_name"],
        changed_at=changed["changed_at"],
        changed_by=changed["changed_by"],
        severity=severity,
        is_alarm=_RANK[severity] <= _RANK[alarm_severity],
        findings=findings,
        expiring_image_count=expiring,
        archiving_image_count=archiving,
        message=message,
    )


def _is_after(changed: ChangedPolicyXCom, audit: AuditXCom) -> bool:
    """Return whether an audit began after a change: an earlier one is of the former policy."""
    return aware_time(audit["audited_at"]) >= aware_time(changed["changed_at"]) - CLOCK_SKEW


def _key(ref: RepositoryRef) -> _Key:
    return ref["registry_id"], ref["region_name"], ref["repository_name"]


def _audited(audit: AuditXCom) -> Iterator[tuple[_Key, _Found]]:
    severities = {finding["code"]: cast("Severity", finding["severity"]) for finding in audit["findings"]}
    for failure in audit["failures"]:
        message = failure["message"] or failure["error"] or ""
        yield _key(failure), ("unknown", [], None, None, f"The policy could not be previewed: {message}")
    for without in audit["without_policy"]:
        message = "The repository has no policy, so ECR no longer deletes anything."
        yield _key(without), ("warning", [], 0, 0, message)
    for repository in audit["top"]:
        expiring, archiving = repository["expiring_image_count"], repository["archiving_image_count"]
        found: list[Severity] = [severities.get(code, "critical") for code in repository["findings"]]
        severity: Severity = min(found, key=_RANK.__getitem__, default="none")
        message = f"{counted(expiring, 'image')} would expire and {counted(archiving, 'image')} would be archived."
        yield _key(repository), (severity, repository["findings"], expiring, archiving, message)
