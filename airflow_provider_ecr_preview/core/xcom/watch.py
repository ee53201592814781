"""The XComs of a watch over lifecycle policies: the changes that events report, and what each change means."""

from __future__ import annotations

from typing import Literal, TypedDict

POLICY_EVENTS_SCHEMA = "ecr-lifecycle-policy-events/1"


POLICY_WATCH_SCHEMA = "ecr-lifecycle-policy-watch/1"


MAX_WATCH_BYTES = 48 * 1024
"""Upper bound of either result as JSON."""


class ChangedPolicyXCom(TypedDict):
    """A repository whose policy was changed, with the last change.

    ``event_ids`` are those of CloudTrail, of every change of the repository, at most ten. ``policy_fingerprint`` is null
    if the policy was deleted. ``former_policy_source`` is ``git`` or ``audit``, and null if no former policy is known, or
    nothing has to be restored; ``message`` says why.
    """

    registry_id: str
    region_name: str
    repository_name: str
    event_name: str
    event_ids: list[str]
    change_count: int
    changed_at: str
    changed_by: str
    source_ip_address: str | None
    policy_fingerprint: str | None
    former_policy_source: Literal["git", "audit"] | None
    former_policy_name: str | None
    former_policy_fingerprint: str | None
    message: str


class PolicyEventsXCom(TypedDict):
    """``return_value`` of ``EcrReadPolicyEventsOperator``, in at most 48 KiB.

    ``repository_names`` has every repository to audit. ``former_policies`` has the policies that can be restored, by the
    name of the repository. ``names_left_out``, ``former_policies_left_out`` and ``repositories_left_out`` count what there was
    no room for. ``other_region_count`` is the number of changes in other Regions or registries.
    """

    schema: str
    change_count: int
    repository_count: int
    other_region_count: int
    repository_names: list[str]
    names_left_out: int
    former_policies: dict[str, str]
    former_policies_left_out: int
    repositories: list[ChangedPolicyXCom]
    repositories_left_out: int


class WatchedPolicyXCom(TypedDict):
    """A change of a policy, and what the new policy does.

    ``severity`` is that of the most severe finding, ``none`` if there is no finding, and ``unknown`` if the repository
    could not be audited.
    """

    registry_id: str
    region_name: str
    repository_name: str
    event_name: str
    changed_at: str
    changed_by: str
    severity: Literal["critical", "warning", "info", "none", "unknown"]
    is_alarm: bool
    findings: list[str]
    expiring_image_count: int | None
    archiving_image_count: int | None
    message: str


class PolicyWatchXCom(TypedDict):
    """``return_value`` of ``EcrReportPolicyEventsOperator``, in at most 48 KiB.

    ``not_reported_count`` is the number of changed repositories that are not in ``repositories`` because the events had
    too many.
    """

    schema: str
    repository_count: int
    alarm_count: int
    not_reported_count: int
    repositories: list[WatchedPolicyXCom]
    repositories_left_out: int
