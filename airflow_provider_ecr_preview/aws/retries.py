"""Retry temporary failures: throttling in all of ECR's spellings, outages, broken connections, and cut-off responses.

After each attempt, botocore calls every ``needs-retry`` handler of a client and sleeps for the first delay that one
returns. This handler works for single calls and for paginators, without losing the page.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ConnectionError as SdkConnectionError
from botocore.exceptions import HTTPClientError, IncompleteReadError, ReadTimeoutError, SSLError

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


MAX_OUTAGE_DELAY_SECONDS = 5.0
"""The longest delay between attempts during an outage, so that its end is noticed soon."""


MAX_CUT_OFF_ANSWERS = 3


_CUT_OFF_SECONDS = 600.0


NEVER_ANSWERED_SECONDS = 10.0
"""How long to retry an endpoint that has never answered; its address may be a typo. The last attempt may take one
timeout longer."""


OUTAGE_SECONDS = 600.0
"""How long to retry while AWS or the network fails, unless the user sets another time."""


NEW_OUTAGE_SECONDS = 60.0
"""A failure this long after the last one belongs to another outage."""


OUTAGE_STATUSES = frozenset({500, 502, 503, 504})
"""Temporary HTTP statuses of AWS, or of a proxy in front of it."""


_TIMED_OUT = frozenset({"RequestTimeout", "RequestTimeoutException", "RequestAborted", "RequestAbortedException"})


_BROKEN = (SdkConnectionError, HTTPClientError, IncompleteReadError)


_BEGAN = "ecr_preview_call_began"


_THROTTLED = "ecr_preview_throttled_since"


_SHORTEST_DELAY = 0.1


_CUT_OFF = "ecr_preview_cut_off_answers"


_DEADLINE: ContextVar[float | None] = ContextVar("ecr_preview_deadline", default=None)


# A member of every complete answer of the operation. A cut-off body parses to nothing, without an error.
_ALWAYS_THERE = {
    "DescribeImages": "imageDetails",
    "DescribeRegistry": "registryId",
    "DescribeRepositories": "repositories",
    "GetLifecyclePolicy": "lifecyclePolicyText",
    "GetLifecyclePolicyPreview": "status",
    "ListTagsForResource": "tags",
    "StartLifecyclePolicyPreview": "status",
}


class OutOfTimeError(ReadTimeoutError):
    """Raised instead of another attempt when the caller's time is up."""

    fmt = 'The time to call "{endpoint_url}" is over'


@contextmanager
def calls_until(deadline: float | None) -> Iterator[None]:
    """Start no attempt after a deadline, whatever retries are configured. An attempt under way may finish.

    :param deadline: the deadline by :func:`time.monotonic`; None for no bound.
    """
    token = _DEADLINE.set(deadline)
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def short_code(error_code: str) -> str:
    """Return an error code without the namespace and the final ``Exception`` that only some services add.

    :param error_code: the error code.
    """
    return error_code.rpartition("#")[2].removesuffix("Exception")


def is_throttled(error_code: str | None, http_status: int | None) -> bool:
    """Return whether an error means too many calls."""
    return error_code in THROTTLE_CODES or http_status == HTTP_TOO_MANY_REQUESTS


def is_outage(error_code: str | None, http_status: int | None) -> bool:
    """Return whether an error is a fault in AWS itself, so that the same call may succeed later."""
    return http_status in OUTAGE_STATUSES or error_code in _TIMED_OUT


def is_cut_off(operation_name: str, parsed: dict[str, Any]) -> bool:
    """Return whether a successful answer lacks a required member."""
    member = _ALWAYS_THERE.get(operation_name)
    return member is not None and parsed.get(member) is None


class Retries:
    """Retries the calls of one client.

    All calls of a client share an outage: once it has lasted for ``outage_timeout``, each further call makes one attempt,
    until one is answered. Otherwise a task would wait as long again for each of its repositories.

    :param throttle_timeout: returns how long in total one call may wait while ECR throttles it, in seconds.
    :param outage_timeout: the same for failures of AWS or the network; None to leave those to the SDK's own retries.
    :param clock: returns monotonic seconds.
    """

    def __init__(
        self,
        throttle_timeout: Callable[[], float],
        outage_timeout: Callable[[], float] | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._throttle_timeout = throttle_timeout
        self._outage_timeout = outage_timeout
        self._clock = clock
        self._has_answered = threading.Event()
        self._lock = threading.Lock()
        self._failing_since: float | None = None
        self._failed_at = 0.0

    def register(self, client: BaseClient) -> None:
        """Make a client retry.

        :param client: a boto3 client.
        """
        handler: Any = self.needs_retry  # botocore's stubs say that a handler returns nothing
        service = client.meta.service_model.service_id.hyphenize()
        events = client.meta.events
        events.register_last(f"needs-retry.{service}", handler, unique_id="ecr-preview-retry")
        events.register("before-call." + service, self._begin, unique_id="ecr-preview-call-begins")
        events.register_first(f"before-send.{service}", self._require_time, unique_id="ecr-preview-call-in-time")

    def needs_retry(
        self,
        response: tuple[Any, dict[str, Any]] | None,
        attempts: int,
        operation: Any,
        request_dict: dict[str, Any],
        caught_exception: Exception | None = None,
        **_: object,
    ) -> float | None:
        """Return how long to wait before the next attempt, in seconds; None not to retry.

        :param response: the HTTP response and its parsed form; None if there was none.
        :param attempts: number of attempts so far.
        :param operation: botocore's model of the operation.
        :param request_dict: the request, with its context.
        :param caught_exception: the exception raised instead of a response.
        """
        context = request_dict["context"]
        if response is None:
            return self._after_outage(
                type(caught_exception).__name__, attempts, operation.name, context, caught_exception
            )
        http_response, parsed = response
        code = parsed.get("Error", {}).get("Code")
        if code is not None and is_outage(code, http_response.status_code):
            return self._after_outage(code, attempts, operation.name, context, None)
        self._has_answered.set()
        self._failing_since = None
        if code is None and is_cut_off(operation.name, parsed):
            context[_CUT_OFF] = context.get(_CUT_OFF, 0) + 1
            return (
                self._in_time(context, _delay(1), _CUT_OFF_SECONDS)
                if context[_CUT_OFF] <= MAX_CUT_OFF_ANSWERS
                else None
            )
        if not is_throttled(code, http_response.status_code):
            return None
        delay = self._in_time(context, _delay(attempts), self._throttle_timeout(), _THROTTLED)
        if delay is not None:
            log.info("%s is throttled (%s); waiting %.1f s.", operation.name, code, delay)
        return delay

    def _after_outage(
        self, what: str, attempts: int, operation: str, context: dict[str, Any], error: Exception | None
    ) -> float | None:
        if self._outage_timeout is None or (error is not None and not _is_broken(error)):
            return None
        seconds = self._outage_timeout()
        if error is not None and not self._has_answered.is_set():
            # A failing server exists; an address where nothing answers may be wrong.
            seconds = min(seconds, NEVER_ANSWERED_SECONDS)
        if self._seconds_of_outage(context) >= seconds:
            return None
        delay = self._in_time(context, _delay(attempts, MAX_OUTAGE_DELAY_SECONDS), seconds)
        if delay is not None:
            log.warning("%s failed (%s); trying again in %.1f s, for up to %.0f s.", operation, what, delay, seconds)
        return delay

    def _seconds_of_outage(self, context: dict[str, Any]) -> float:
        """Return for how long all calls of the client have failed, including this one."""
        with self._lock:
            now = self._clock()
            if self._failing_since is None or now - self._failed_at > NEW_OUTAGE_SECONDS:
                self._failing_since = context.get(_BEGAN, now)
            self._failed_at = now
            return now - self._failing_since

    def _in_time(self, context: dict[str, Any], delay: float, seconds: float, since: str = _BEGAN) -> float | None:
        """Return the delay, limited to the time left for the call; None if none is left."""
        now = self._clock()
        ends = context.setdefault(since, now) + seconds
        if (deadline := _DEADLINE.get()) is not None:
            ends = min(ends, deadline)
        return min(delay, ends - now) if ends - now > _SHORTEST_DELAY else None

    def _begin(self, context: dict[str, Any] | None = None, **_: object) -> None:
        if context is not None:
            context[_BEGAN] = self._clock()

    def _require_time(self, request: Any, **_: object) -> None:
        deadline = _DEADLINE.get()
        if deadline is not None and self._clock() > deadline:
            raise OutOfTimeError(endpoint_url=request.url)


def _is_broken(error: Exception) -> bool:
    """Return whether a network failure is temporary."""
    return isinstance(error, _BROKEN) and not isinstance(error, SSLError | OutOfTimeError)


def _delay(attempts: int, longest: float = MAX_DELAY_SECONDS) -> float:
    """Return an exponential delay with full jitter, so that many workers do not retry at the same moment."""
    return random.uniform(_SHORTEST_DELAY, min(longest, 0.5 * 2 ** min(attempts, 10)))  # noqa: S311 - jitter, not a secret
