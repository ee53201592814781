"""Wait out what the AWS SDK does not: throttling in every spelling ECR has, and answers that were cut off.

botocore asks every ``needs-retry`` handler of a client after each attempt and sleeps as long as the first one says
that has an opinion. Ours is asked last, so the SDK's own retries come first, and it works for single calls and for
paginators alike, without losing the page.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.client import BaseClient


log = logging.getLogger(__name__)


# `ThrottleException` is ECR's own spelling, which botocore's standard and adaptive modes do not know.
THROTTLE_CODES = frozenset(
    {
        "LimitExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottleException",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "TooManyRequestsException",
    }
)


HTTP_TOO_MANY_REQUESTS = 429


MAX_DELAY_SECONDS = 20.0


MAX_CUT_OFF_ANSWERS = 3


_STARTED = "ecr_preview_retries_started"


_CUT_OFF = "ecr_preview_cut_off_answers"


# A member that every complete answer of the operation has; a body that was cut off parses to nothing without error.
_ALWAYS_THERE = {
    "DescribeImages": "imageDetails",
    "DescribeRegistry": "registryId",
    "DescribeRepositories": "repositories",
    "GetLifecyclePolicy": "lifecyclePolicyText",
    "GetLifecyclePolicyPreview": "status",
    "ListTagsForResource": "tags",
    "StartLifecyclePolicyPreview": "status",
}


def is_throttled(error_code: str | None, http_status: int | None) -> bool:
    """Return whether an error means that there were too many calls."""
    return error_code in THROTTLE_CODES or http_status == HTTP_TOO_MANY_REQUESTS


def is_cut_off(operation_name: str, parsed: dict[str, Any]) -> bool:
    """Return whether a successful answer lacks what it always has."""
    member = _ALWAYS_THERE.get(operation_name)
    return member is not None and parsed.get(member) is None


def retry_throttling(client: BaseClient, seconds: Callable[[], float]) -> None:
    """Make a client wait while it is throttled.

    :param client: a boto3 client.
    :param seconds: returns how long one call may wait in all, in seconds.
    """

    def needs_retry(
        response: tuple[Any, dict[str, Any]] | None,
        attempts: int,
        operation: Any,
        request_dict: dict[str, Any],
        **_: object,
    ) -> float | None:
        if response is None:
            return None
        http_response, parsed = response
        context = request_dict["context"]
        code = parsed.get("Error", {}).get("Code")
        if code is None and is_cut_off(operation.name, parsed):
            context[_CUT_OFF] = context.get(_CUT_OFF, 0) + 1
            return _delay(1) if context[_CUT_OFF] <= MAX_CUT_OFF_ANSWERS else None
        if not is_throttled(code, http_response.status_code):
            return None
        waited = time.monotonic() - context.setdefault(_STARTED, time.monotonic())
        delay = _delay(attempts)
        if waited + delay > seconds():
            return None
        log.info("%s is throttled (%s); waiting %.1f s.", operation.name, code, delay)
        return delay

    handler: Any = needs_retry  # botocore's stubs say that a handler returns nothing
    client.meta.events.register_last(
        f"needs-retry.{client.meta.service_model.service_id.hyphenize()}",
        handler,
        unique_id="ecr-preview-retry-throttling",
    )


def _delay(attempts: int) -> float:
    """Return an exponential delay with full jitter, so that many workers do not come back together."""
    return random.uniform(0.1, min(MAX_DELAY_SECONDS, 0.5 * 2**attempts))  # noqa: S311 - jitter, not a secret
