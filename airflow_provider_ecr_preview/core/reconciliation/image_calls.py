"""Calls that deleted or archived images by digest, as CloudTrail records them: ``BatchDeleteImage``, ``UpdateImageStorageClass``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_ecr_preview.core.reconciliation.execution import UnreadExecution
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.values import aware_time

EVENT_NAMES = {"delete": "BatchDeleteImage", "archive": "UpdateImageStorageClass"}
"""The event of each action of a clean-up."""


@dataclass(frozen=True, slots=True)
class ImageCall:
    """A call that deleted or archived images.

    :param event_id: CloudTrail's id.
    :param called_at: when it was called (aware), to the second.
    :param repository: the repository.
    :param image_digests: the images that ECR deleted or archived.
    :param caller: the ARN of the caller.
    """

    event_id: str
    called_at: datetime
    repository: RepositoryId
    image_digests: frozenset[str]
    caller: str


def parse_image_calls(entries: Iterable[Mapping[str, Any]]) -> Iterator[ImageCall | UnreadExecution]:
    """Yield the calls in entries of LookupEvents' ``Events``, without those that were refused.

    :param entries: the entries.
    """
    return (call for entry in entries if (call := parse_image_call(entry)) is not None)


def parse_image_call(entry: Mapping[str, Any]) -> ImageCall | UnreadExecution | None:
    """Return the call in an entry of LookupEvents' ``Events``; None if it was refused.

    :param entry: the entry, whose ``CloudTrailEvent`` holds the event as JSON.
    """
    name = None
    try:
        record = json.loads(entry["CloudTrailEvent"])
        if record.get("errorCode"):
            return None
        request, response = record["requestParameters"], record["responseElements"]
        name = str(request["repositoryName"])
        image_ids = response["imageIds"] if "imageIds" in response else [response["imageId"]]
        return ImageCall(
            event_id=str(record["eventID"]),
            called_at=aware_time(record["eventTime"]),
            repository=RepositoryId(
                str(request.get("registryId") or record["recipientAccountId"]), str(record["awsRegion"]), name
            ),
            image_digests=frozenset(str(image_id["imageDigest"]) for image_id in image_ids),
            caller=str(record["userIdentity"]["arn"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return UnreadExecution(entry.get("EventId"), name, f"{type(error).__name__}: {error}")
