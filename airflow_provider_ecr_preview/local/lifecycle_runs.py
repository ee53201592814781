"""What ECR does by itself within a day: act upon the lifecycle policies that are applied, and tell CloudTrail.

The event has the form of the examples in AWS's documentation. How it tells of archiving is not documented; here a rule
that archives has the action ``transition``.
"""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from moto.ecr.models import ECRBackend

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.evaluation import Verdict
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.local.deletion import delete_images
from airflow_provider_ecr_preview.local.event_history import HistoricEvent
from airflow_provider_ecr_preview.local.repositories import LocalRepository

MAX_IMAGES_OF_AN_EVENT = 9
"""The guide says that 10 images or more make several events."""


_COUNT_TYPES: Mapping[str, str] = {
    "imageCountMoreThan": "Image count more than",
    "sinceImagePushed": "Time since image pushed",
    "sinceImagePulled": "Time since image pulled",
    "sinceImageTransitioned": "Time since image transitioned",
}


def run_lifecycle_policy(
    backend: ECRBackend, repository: LocalRepository, now: datetime, failing: Mapping[str, str]
) -> Iterator[HistoricEvent]:
    """Act upon the policy of a repository, and yield the events of it; none where no policy is applied.

    :param backend: moto's store.
    :param repository: the repository.
    :param now: the time in the registry.
    :param failing: images that cannot be deleted or archived, with the code that says why.
    """
    if not repository.lifecycle_policy:
        return
    policy = LifecyclePolicy.from_service(repository.lifecycle_policy)
    taken = [verdict for verdict in policy.evaluate(repository.as_rules_see_it(), now) if verdict.is_taken]
    # A manifest list goes before the images that it names.
    taken.sort(key=lambda verdict: bool(repository.index.lists_naming(verdict.image.image_digest)))
    actions = [_image_action(verdict) for verdict in taken if verdict.image.image_digest not in failing]
    failures = [
        {
            **_image_action(verdict),
            "failureCode": failing[verdict.image.image_digest],
            "failureReason": "Injected",
        }
        for verdict in taken
        if verdict.image.image_digest in failing
    ]
    _act(backend, repository, [verdict for verdict in taken if verdict.image.image_digest not in failing], now)
    for done, failed in itertools.zip_longest(_in_parts(actions), _in_parts(failures), fillvalue=()):
        yield _event(repository, policy, now, done, failed)
    if not taken:
        yield _event(repository, policy, now, (), ())


def _act(backend: ECRBackend, repository: LocalRepository, taken: Sequence[Verdict], now: datetime) -> None:
    expired = [{"imageDigest": verdict.image.image_digest} for verdict in taken if verdict.action == "expire"]
    for verdict in taken:
        if verdict.action == "transition":
            repository.index.by_digest[verdict.image.image_digest].archive(now)
    delete_images(backend, repository, expired)


def _event(
    repository: LocalRepository,
    policy: LifecyclePolicy,
    now: datetime,
    done: Sequence[Mapping[str, Any]],
    failed: Sequence[Mapping[str, Any]],
) -> HistoricEvent:
    account, region = repository.registry_id, repository.region_name
    record = {
        "eventVersion": "1.08",
        "userIdentity": {"accountId": account, "invokedBy": "AWS Internal"},
        "eventTime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": "ecr.amazonaws.com",
        "eventName": "PolicyExecutionEvent",
        "awsRegion": region,
        "sourceIPAddress": "AWS Internal",
        "userAgent": "AWS Internal",
        "requestParameters": None,
        "responseElements": None,
        "eventID": str(uuid.uuid4()),
        "readOnly": True,
        "resources": [{"ARN": repository.arn, "accountId": account, "type": "AWS::ECR::Repository"}],
        "eventType": "AwsServiceEvent",
        "managementEvent": True,
        "recipientAccountId": account,
        "serviceEventDetails": {
            "repositoryName": repository.name,
            "lifecycleEventPolicy": {
                "lifecycleEventRules": [_rule(rule) for rule in json.loads(policy.text)["rules"]],
                "lastEvaluatedAt": int(now.timestamp() * 1000),
                "policyVersion": 1,
                "policyId": str(uuid.uuid4()),
            },
            "lifecycleEventImageActions": list(done),
            "lifecycleEventFailureDetails": list(failed),
        },
        "eventCategory": "Management",
    }
    return HistoricEvent(account, region, now, record)


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    selection = rule["selection"]
    return {
        "rulePriority": rule["rulePriority"],
        **({"description": rule["description"]} if "description" in rule else {}),
        "lifecycleEventSelection": {
            "tagStatus": selection["tagStatus"].capitalize(),
            "tagPrefixList": selection.get("tagPrefixList", []),
            "tagPatternList": selection.get("tagPatternList", []),
            "countType": _COUNT_TYPES[selection["countType"]],
            **({"countUnit": selection["countUnit"].capitalize()} if "countUnit" in selection else {}),
            "countNumber": selection["countNumber"],
        },
        "action": rule["action"]["type"],
    }


def _image_action(verdict: Verdict) -> dict[str, Any]:
    return {"lifecycleEventImage": _image(verdict.image), "rulePriority": verdict.rule.priority if verdict.rule else 0}


def _image(image: RepositoryImage) -> dict[str, Any]:
    return {
        "digest": image.image_digest,
        "tagStatus": "Tagged" if image.image_tags else "Untagged",
        "tagList": list(image.image_tags),
        "pushedAt": int(image.image_pushed_at.timestamp() * 1000),
    }


def _in_parts(entries: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    for first in range(0, len(entries), MAX_IMAGES_OF_AN_EVENT):
        yield entries[first : first + MAX_IMAGES_OF_AN_EVENT]
