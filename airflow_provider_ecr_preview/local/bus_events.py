"""Send events of the local ECR to moto's EventBridge, whose rules pass them on, for example to an SQS queue."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow_provider_ecr_preview.local.event_history import HistoricEvent
from airflow_provider_ecr_preview.local.images import LocalImage, artifact_type_of
from airflow_provider_ecr_preview.local.repositories import LocalRepository

IMAGE_ACTION = "ECR Image Action"


REFERRER_ACTION = "ECR Referrer Action"


SERVICE_EVENT = "AWS Service Event via CloudTrail"


API_CALL = "AWS API Call via CloudTrail"


def send_image_action(repository: LocalRepository, action: str, image_ids: Sequence[Mapping[str, str]]) -> None:
    """Send one event for every pushed or deleted image, and for every tag of it.

    :param repository: the repository.
    :param action: ``PUSH`` or ``DELETE``.
    :param image_ids: digests, with or without a tag.
    """
    for image_id in image_ids:
        detail = {
            "result": "SUCCESS",
            "repository-name": repository.name,
            "image-digest": image_id["imageDigest"],
            "action-type": action,
            "image-tag": image_id.get("imageTag", ""),
        }
        _send(repository.registry_id, repository.region_name, IMAGE_ACTION, detail, [])


def send_storage_class_change(repository: LocalRepository, image: LocalImage) -> None:
    """Send the event of an image or a referrer that was archived, or whose restore was started.

    :param repository: the repository.
    :param image: the image, as it is now.
    """
    detail = {
        "action-type": "UPDATE_STORAGE_CLASS",
        "target-storage-class": "ARCHIVE" if image.archived else "STANDARD",
        "image-digest": image.get_image_digest(),
        "repository-name": repository.name,
        "result": "SUCCESS",
        "manifest-media-type": image.image_manifest_media_type,
        "artifact-media-type": artifact_type_of(image) or "",
    }
    if not image.archived and image.last_activated_at is not None:
        restored_at = datetime.fromtimestamp(image.last_activated_at, UTC)
        detail["last-activated-at"] = restored_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    kind = IMAGE_ACTION if image.subject_manifest_digest is None else REFERRER_ACTION
    _send(repository.registry_id, repository.region_name, kind, detail, [])


def send_service_event(repository: LocalRepository, record: Mapping[str, Any]) -> None:
    """Send an event that CloudTrail records for the service itself, such as the run of a lifecycle policy.

    :param repository: the repository.
    :param record: the event as CloudTrail stores it.
    """
    _send(repository.registry_id, repository.region_name, SERVICE_EVENT, record, [repository.arn])


def send_api_call(event: HistoricEvent) -> None:
    """Send the event that CloudTrail records for a call of the API, such as the change of a lifecycle policy.

    :param event: the event.
    """
    if not isinstance(event.record, str):
        _send(event.account, event.region, API_CALL, event.record, [])


def _send(
    account: str, region_name: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str]
) -> None:
    # Importing moto's EventBridge takes long, and without a rule the events go nowhere.
    events = sys.modules.get("moto.events.models")
    if events is None:
        return
    backend = events.events_backends[account][region_name]
    if any(bus.rules for bus in backend.event_buses.values()):
        entry = {
            "Source": "aws.ecr",
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": [*resources],
        }
        backend.put_events([entry])
