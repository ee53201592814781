"""The XComs of a watch over lifecycle policies: the changes that events report, and what each change means."""

from __future__ import annotations

from typing import Literal, TypedDict

POLICY_EVENTS_SCHEMA = "ecr-lifecycle-policy-events/1"


POLICY_WATCH_SCHEMA = "ecr-lifecycle-policy-watch/1"


MAX_WATCH_BYTES = 48 * 1024
"""Upper bound of either result as JSON."""


class ChangedPolicyXCom(TypedDict):
    """A repository whose policy changed, with the last change.

    :param event_ids: the CloudTrail ids of all changes of the repository, at most ten.
    :param policy_fingerprint: null if the policy was deleted.
    :param former_policy_source: ``git`` or ``audit``; null if no former policy is known, or if nothing has to be
        restored.
    :param message: what can be restored, or why nothing can.
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

    :param repository_names: the repositories to audit.
    :param names_left_out: the number of names that do not fit.
    :param former_policies: the policies that can be restored, by repository.
    :param former_policies_left_out: the number of policies that do not fit.
    :param repositories_left_out: the number of repositories that do not fit.
    :param other_region_count: changes in other Regions or registries.
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
    """A change of a policy, and the effect of the new policy.

    :param severity: the highest severity of the findings; ``none`` if there is no finding, ``unknown`` if the
        repository could not be audited.
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

    :param not_reported_count: changed repositories that the result of ``EcrReadPolicyEventsOperator`` had no room for,
        and so are not in ``repositories``.
    """

    schema: str
    repository_count: int
    alarm_count: int
    not_reported_count: int
    repositories: list[WatchedPolicyXCom]
    repositories_left_out: int
