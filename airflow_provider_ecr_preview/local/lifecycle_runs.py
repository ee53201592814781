"""Do what ECR does on its own within a day: apply lifecycle policies, and write events to CloudTrail.

``PolicyExecutionEvent`` follows the examples in AWS's documentation. AWS does not document how it reports archiving;
here a rule that archives has the action ``transition``. Nor does it document the form of ``DryRunEvent``; here it has
the same form, and lists the images that the preview shows.
"""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from graphlib import TopologicalSorter
from typing import Any

from moto.ecr.models import ECRBackend

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE, TRANSITION
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.evaluation import Verdict
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.local.bus_events import send_image_action, send_storage_class_change
from airflow_provider_ecr_preview.local.deletion import delete_images
from airflow_provider_ecr_preview.local.event_history import HistoricEvent
from airflow_provider_ecr_preview.local.repositories import LocalRepository

MAX_IMAGES_OF_AN_EVENT = 9
"""According to AWS's guide, 10 or more images make several events."""


_COUNT_TYPES: Mapping[str, str] = {
    "imageCountMoreThan": "Image count more than",
    "sinceImagePushed": "Time since image pushed",
    "sinceImagePulled": "Time since image pulled",
    "sinceImageTransitioned": "Time since image transitioned",
}


POLICY_EXECUTION_EVENT = "PolicyExecutionEvent"


DRY_RUN_EVENT = "DryRunEvent"


def run_lifecycle_policy(
    backend: ECRBackend, repository: LocalRepository, now: datetime, failing: Mapping[str, str]
) -> Iterator[HistoricEvent]:
    """Apply the policy of a repository, and yield its events; none if the repository has no policy.

    The events list every image that the policy selects: those that were expired or archived, and those that failed,
    each with the code of the failure.

    :param backend: moto's store.
    :param repository: the repository.
    :param now: the time in the registry.
    :param failing: images that cannot be deleted or archived, each with the code of the failure.
    """
    if not repository.lifecycle_policy:
        return
    policy = LifecyclePolicy.from_service(repository.lifecycle_policy)
    taken = [verdict for verdict in policy.evaluate(repository.as_rules_see_it(), now) if verdict.is_taken]
    failures = _act(backend, repository, taken, now, failing)
    repository.last_evaluated_at = now
    done = [_image_action(verdict) for verdict in taken if verdict.image.image_digest not in failures]
    failed = [
        {**_image_action(verdict), **failures[verdict.image.image_digest]}
        for verdict in taken
        if verdict.image.image_digest in failures
    ]
    yield from _events(POLICY_EXECUTION_EVENT, repository, policy, now, done=done, failed=failed)


def dry_run_events(
    repository: LocalRepository, policy: LifecyclePolicy, now: datetime, taken: Iterable[Verdict]
) -> Iterator[HistoricEvent]:
    """Yield the events of a preview.

    :param repository: the repository.
    :param policy: the policy that was previewed.
    :param now: when the preview was started.
    :param taken: the images that the preview shows.
    """
    yield from _events(
        DRY_RUN_EVENT, repository, policy, now, done=[_image_action(verdict) for verdict in taken], failed=[]
    )


def _act(
    backend: ECRBackend,
    repository: LocalRepository,
    taken: Sequence[Verdict],
    now: datetime,
    failing: Mapping[str, str],
) -> dict[str, dict[str, str]]:
    """Expire and archive images, manifest lists before the images that they name, and return the failures."""
    failures = {
        verdict.image.image_digest: _failure(failing[verdict.image.image_digest], "Injected")
        for verdict in taken
        if verdict.image.image_digest in failing
    }
    for level in _lists_first(repository, taken):
        possible = [verdict for verdict in level if verdict.image.image_digest not in failures]
        for verdict in possible:
            if verdict.action != TRANSITION:
                continue
            digest = verdict.image.image_digest
            index = repository.index
            if lists := index.lists_holding(digest):
                reason = f"Requested image referenced by manifest list: [{', '.join(lists)}]"
                failures[digest] = _failure("ImageReferencedByManifestList", reason)
            else:
                index.by_digest[digest].archive(now)
                send_storage_class_change(repository, index.by_digest[digest])
        expired = [{"imageDigest": verdict.image.image_digest} for verdict in possible if verdict.action == EXPIRE]
        if expired:
            answer = delete_images(backend, repository, expired)
            send_image_action(repository, "DELETE", answer["imageIds"])
            for failure in answer["failures"]:
                failures[failure["imageId"]["imageDigest"]] = _failure(failure["failureCode"], failure["failureReason"])
    return failures


def _lists_first(repository: LocalRepository, taken: Sequence[Verdict]) -> Iterator[list[Verdict]]:
    """Yield images in groups, each manifest list in an earlier group than the images that it names."""
    by_digest = {verdict.image.image_digest: verdict for verdict in taken}
    sorter = TopologicalSorter(
        {digest: [of for of in repository.index.lists_naming(digest) if of in by_digest] for digest in by_digest}
    )
    sorter.prepare()
    while sorter.is_active():
        ready = sorter.get_ready()
        yield [by_digest[digest] for digest in ready]
        sorter.done(*ready)


def _failure(code: str, reason: str) -> dict[str, str]:
    return {"failureCode": code, "failureReason": reason}


def _events(
    name: str,
    repository: LocalRepository,
    policy: LifecyclePolicy,
    now: datetime,
    *,
    done: Sequence[dict[str, Any]],
    failed: Sequence[dict[str, Any]],
) -> Iterator[HistoricEvent]:
    for some_done, some_failed in itertools.zip_longest(_in_parts(done), _in_parts(failed), fillvalue=()):
        yield _event(name, repository, policy, now, done=some_done, failed=some_failed)
    if not done and not failed:
        yield _event(name, repository, policy, now, done=(), failed=())


def _event(
    name: str,
    repository: LocalRepository,
    policy: LifecyclePolicy,
    now: datetime,
    *,
    done: Sequence[Mapping[str, Any]],
    failed: Sequence[Mapping[str, Any]],
) -> HistoricEvent:
    account, region = repository.registry_id, repository.region_name
    record = {
        "eventVersion": "1.08",
        "userIdentity": {"accountId": account, "invokedBy": "AWS Internal"},
        "eventTime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": "ecr.amazonaws.com",
        "eventName": name,
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
