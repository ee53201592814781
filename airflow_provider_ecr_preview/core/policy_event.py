"""Read who changed a lifecycle policy from the CloudTrail event that EventBridge delivers to a queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from airflow_provider_ecr_preview.core.values import isoformat

POLICY_CHANGES = ("PutLifecyclePolicy", "DeleteLifecyclePolicy")
"""The calls that change a policy. Previews are left out: an audit starts previews, and would trigger more audits."""


@dataclass(frozen=True, slots=True)
class PolicyEvent:
    """A change of the lifecycle policy of a repository.

    :param event_id: CloudTrail's id.
    :param event_name: ``PutLifecyclePolicy`` or ``DeleteLifecyclePolicy``.
    :param changed_at: when it was changed, as ISO 8601 in UTC.
    :param registry_id: the registry (account).
    :param region_name: the Region.
    :param repository_name: the repository.
    :param changed_by: the ARN of the caller, or whatever else CloudTrail records about the caller.
    :param source_ip_address: where the call came from, or None.
    :param lifecycle_policy_text: the new policy; None if it was deleted.
    """

    event_id: str
    event_name: str
    changed_at: str
    registry_id: str
    region_name: str
    repository_name: str
    changed_by: str
    source_ip_address: str | None
    lifecycle_policy_text: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the event in plain JSON types."""
        return asdict(self)


def policy_event(body: str) -> PolicyEvent | None:
    """Return the policy change in a message; None for any other event, and for a failed call.

    :param body: the body of the message, from EventBridge itself or through SNS.
    :raises ValueError: if the message cannot be read, and so may be about a change.
    """
    event = _decoded(body)
    if event.get("Type") == "Notification" and isinstance(event.get("Message"), str):
        event = _decoded(event["Message"])
    detail = event.get("detail")
    detail = detail if isinstance(detail, Mapping) else {}
    if not isinstance(detail.get("eventName"), str):
        raise ValueError("the message is no event of CloudTrail")  # noqa: TRY004  # what it holds is wrong
    if detail["eventName"] not in POLICY_CHANGES or detail.get("errorCode"):
        return None
    try:
        request = detail["requestParameters"]
        deleted = detail["eventName"] == "DeleteLifecyclePolicy"
        return PolicyEvent(
            event_id=str(detail["eventID"]),
            event_name=detail["eventName"],
            changed_at=isoformat(datetime.fromisoformat(detail["eventTime"])) or "",
            registry_id=str(request.get("registryId") or detail.get("recipientAccountId") or event["account"]),
            region_name=str(detail.get("awsRegion") or event["region"]),
            repository_name=str(request["repositoryName"]),
            changed_by=_caller(detail.get("userIdentity")),
            source_ip_address=detail.get("sourceIPAddress"),
            lifecycle_policy_text=None if deleted else str(request["lifecyclePolicyText"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the event lacks a part ({type(error).__name__}: {error})") from error


def _decoded(text: str) -> Mapping[str, Any]:
    try:
        decoded = json.loads(text)
    except RecursionError as error:
        raise ValueError("the message is nested too deeply") from error
    return decoded if isinstance(decoded, Mapping) else {}


def _caller(identity: Any) -> str:
    if not isinstance(identity, Mapping):
        return "unknown"
    return str(
        next((identity[key] for key in ("arn", "invokedBy", "principalId", "type") if identity.get(key)), "unknown")
    )
