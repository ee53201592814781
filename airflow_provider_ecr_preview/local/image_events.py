"""Build CloudTrail's events for calls that delete or archive images, or change lifecycle policies."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow_provider_ecr_preview.local.calls import Call
from airflow_provider_ecr_preview.local.event_history import HistoricEvent
from airflow_provider_ecr_preview.local.reply import Reply

POLICY_CHANGES = ("PutLifecyclePolicy", "DeleteLifecyclePolicy")


RECORDED = ("BatchDeleteImage", "UpdateImageStorageClass", *POLICY_CHANGES)


def event_of(
    call: Call, parameters: Mapping[str, Any], reply: Reply, now: datetime, principals: frozenset[str] = frozenset()
) -> HistoricEvent:
    """Return the event of a call.

    :param call: the call.
    :param parameters: the request, as it was answered.
    :param reply: the reply, as ECR sends it, whether it arrives or not.
    :param now: the time in the registry (aware).
    :param principals: the ARNs of the IAM user or role of the caller; none if the caller has no IAM identity.
    """
    account, body = call.account or call.registry, json.loads(reply.body)
    caller = min(principals, default=f"arn:aws:sts::{account}:user/moto")
    record = {
        "eventVersion": "1.08",
        "userIdentity": {"type": "IAMUser", "accountId": account, "arn": caller},
        "eventTime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": "ecr.amazonaws.com",
        "eventName": call.operation,
        "awsRegion": call.region,
        "sourceIPAddress": "127.0.0.1",
        "requestParameters": dict(parameters),
        "responseElements": body,
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
    }
    return HistoricEvent(account, call.region, now, record)
