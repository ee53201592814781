"""Read the events that CloudTrail records for every run of a lifecycle policy.

AWS documents the event only by examples. Known from these or from real events are the image actions, the rules with
the counts ``Image count more than`` and ``Time since image pushed``, the action ``expire``, and the failures with their
code and reason. It is not known how the event describes archiving and the other counts: such a policy is not compared,
and an image whose rule has another action counts as expired unless something else is certain. An event that cannot be
understood is an :class:`UnreadExecution`, never nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.values import aware_time

EVENT_NAME = "PolicyExecutionEvent"


EVENT_SOURCE = "ecr.amazonaws.com"


_ACTIONS = {"expire": "EXPIRE", "transition": "TRANSITION", "archive": "TRANSITION"}


_COUNT_TYPES = {"image count more than": "imageCountMoreThan", "time since image pushed": "sinceImagePushed"}


@dataclass(frozen=True, slots=True)
class ExecutedImage:
    """An image that a rule took, or failed to take.

    :param image_digest: the digest.
    :param image_tags: its tags, at most a hundred.
    :param rule_priority: priority of the rule, or None.
    :param action: ``EXPIRE`` or ``TRANSITION``; None if the event's word for it is unknown.
    :param failure_code: why it failed; None if it did not.
    :param failure_reason: the same in words.
    """

    image_digest: str
    image_tags: tuple[str, ...]
    rule_priority: int | None
    action: str | None
    failure_code: str | None = None
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyExecution:
    """One event of a run of a lifecycle policy; a run that takes ten images or more has several.

    :param event_id: CloudTrail's id.
    :param executed_at: when it happened (aware).
    :param repository: the repository.
    :param policy_fingerprints: the fingerprints that the policy can have; empty if the event describes it in
        unknown words. There are several because the event writes a missing description as an empty one.
    :param images: what happened to the images.
    """

    event_id: str
    executed_at: datetime
    repository: RepositoryId
    policy_fingerprints: frozenset[str]
    images: tuple[ExecutedImage, ...]


@dataclass(frozen=True, slots=True)
class UnreadExecution:
    """An event that cannot be understood.

    :param event_id: CloudTrail's id, or None.
    :param repository_name: the repository if known; otherwise the event may be about any repository.
    :param reason: the part that cannot be understood.
    """

    event_id: str | None
    repository_name: str | None
    reason: str


def parse_execution(entry: Mapping[str, Any]) -> PolicyExecution | UnreadExecution:
    """Parse an entry of LookupEvents' ``Events``.

    :param entry: the entry, whose ``CloudTrailEvent`` holds the event as JSON.
    """
    event_id, name = entry.get("EventId"), None
    try:
        record = json.loads(entry["CloudTrailEvent"])
        details = record["serviceEventDetails"]
        name = _text(details["repositoryName"])
        policy = details.get("lifecycleEventPolicy")
        actions = dict(_actions(policy))
        done = [_image(action, actions) for action in details["lifecycleEventImageActions"]]
        # Older events have no list of failures.
        failed = [_failed(failure, actions) for failure in details.get("lifecycleEventFailureDetails") or ()]
        return PolicyExecution(
            event_id=_text(record["eventID"]),
            executed_at=aware_time(record["eventTime"]),
            repository=RepositoryId(_text(record["recipientAccountId"]), _text(record["awsRegion"]), name),
            policy_fingerprints=_fingerprints(policy),
            images=(*done, *failed),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return UnreadExecution(event_id, name, f"{type(error).__name__}: {error}")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not text")
    return value


def _actions(policy: Any) -> Iterator[tuple[Any, str | None]]:
    """Yield the priority and action of each rule; the action is None if its word is unknown."""
    for rule in policy["lifecycleEventRules"] if policy else ():
        action = rule.get("action")
        yield rule.get("rulePriority"), _ACTIONS.get(action.lower()) if isinstance(action, str) else None


def _image(entry: Mapping[str, Any], actions: Mapping[Any, str | None]) -> ExecutedImage:
    image, priority = entry["lifecycleEventImage"], entry.get("rulePriority")
    return ExecutedImage(_text(image["digest"]), tuple(image.get("tagList") or ()), priority, actions.get(priority))


def _failed(entry: Mapping[str, Any], actions: Mapping[Any, str | None]) -> ExecutedImage:
    image = _image(entry, actions)
    return ExecutedImage(
        image.image_digest,
        image.image_tags,
        image.rule_priority,
        image.action,
        failure_code=str(entry.get("failureCode") or "not_told"),
        failure_reason=entry.get("failureReason"),
    )


def _fingerprints(policy: Any) -> frozenset[str]:
    """Return the fingerprints that the policy of an event can have; empty if its words are unknown."""
    try:
        return frozenset(
            LifecyclePolicy.from_service(
                json.dumps({"rules": [_rule(rule, with_empty=with_empty) for rule in policy["lifecycleEventRules"]]})
            ).fingerprint
            for with_empty in (False, True)
        )
    except (KeyError, TypeError, AttributeError, InvalidLifecyclePolicyError):
        return frozenset()


def _rule(rule: Mapping[str, Any], *, with_empty: bool) -> dict[str, Any]:
    given = rule["lifecycleEventSelection"]
    selection = {
        "tagStatus": given["tagStatus"].lower(),
        "countType": _COUNT_TYPES[given["countType"].lower()],
        "countNumber": given["countNumber"],
        **{key: given[key] for key in ("tagPrefixList", "tagPatternList") if given.get(key)},
    }
    if selection["countType"] == "sinceImagePushed":
        selection["countUnit"] = "days"
    described = {"description": rule.get("description")}
    return {
        "rulePriority": rule["rulePriority"],
        **(described if described["description"] or (with_empty and described["description"] == "") else {}),
        "selection": selection,
        "action": {"type": {"expire": "expire"}[rule["action"].lower()]},
    }
