"""Parse the parts of responses that botocore parses slowly or not at all.

This module parses the long lists of preview responses at a fraction of botocore's cost, with the same result. botocore
walks the shape of every image on every page, and converts every time to local time through dateutil. That takes nine
tenths of the CPU time of reading a preview. Its images are flat, with one time each, so this module takes them directly
from the decoded JSON, at the event that botocore emits before it parses a response.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.parsers import ResponseParserError
from botocore.utils import parse_timestamp

if TYPE_CHECKING:
    from botocore.client import BaseClient


_HTTP_OK = 200


def parse_utc(value: Any) -> datetime:
    """Return a time from a response in UTC.

    :param value: seconds since the epoch, or a text that botocore understands.
    :raises ResponseParserError: if it is neither.
    """
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        return parse_timestamp(value).astimezone(UTC)
    except Exception as error:
        raise ResponseParserError(f"{value!r} is not a time") from error


def parse_preview_results_fast(client: BaseClient) -> None:
    """Make a client parse ``previewResults`` of GetLifecyclePolicyPreview without walking their shape.

    :param client: a boto3 client of ECR.
    """
    client.meta.events.register(
        "before-parse.ecr.GetLifecyclePolicyPreview", _take_results, unique_id="ecr-preview-parse-results"
    )


def keep_replication_rules(client: BaseClient) -> None:
    """Make a client return the replication rules of DescribeRegistry as ECR sends them.

    botocore before 1.44.5 silently drops ``deleteReplication``.

    :param client: a boto3 client of ECR.
    """
    client.meta.events.register(
        "after-call.ecr.DescribeRegistry", _take_rules, unique_id="ecr-preview-keep-replication-rules"
    )


def _take_rules(http_response: Any, parsed: dict[str, Any], **_: object) -> None:
    if http_response.status_code != _HTTP_OK:
        return
    # botocore's result may lack a rule's setting, so use it only if the whole answer can be read.
    parsed.pop("replicationConfiguration", None)
    registry_id = parsed.pop("registryId", None)
    try:
        document = json.loads(http_response.content)
        parsed["replicationConfiguration"] = document.get("replicationConfiguration")
    except (ValueError, AttributeError):
        return
    parsed["registryId"] = registry_id


def _take_results(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    if response_dict["status_code"] != _HTTP_OK:
        return
    try:
        document = json.loads(response_dict["body"])
        results = document.pop("previewResults")
    except (ValueError, LookupError, AttributeError, TypeError):
        # Not an answer of ECR; leave the error to botocore.
        return
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        # Leave null to botocore, which reads it as missing.
        return
    for result in results:
        if "imagePushedAt" in result:
            result["imagePushedAt"] = parse_utc(result["imagePushedAt"])
    response_dict["body"] = json.dumps(document).encode()
    customized_response_dict["previewResults"] = results
