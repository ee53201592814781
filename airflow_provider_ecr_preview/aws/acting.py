"""Send a call that changes something once and at once, or not at all.

Between the last look at an image or a policy and the call that changes it, nothing may wait: what was true when it was
looked at may be false a minute later. The AWS SDK waits in several places: between its retries, before a call while its
adaptive mode limits the rate, while it renews credentials, while it connects. A client that acts does none of the first
two, and refuses to send a call that something else has held up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from airflow_provider_ecr_preview.core.exceptions import (
    AccessDeniedError,
    EcrUnreachableError,
    InvalidRequestError,
    RepositoryError,
    ThrottledError,
)

if TYPE_CHECKING:
    from botocore.client import BaseClient


MAX_SECONDS_BEFORE_SENDING = 5.0
"""A call that is not on its way by then is not sent: the look before it is too old."""


CONNECT_TIMEOUT = 10.0
"""Seconds, unless the user's configuration has its own; the SDK's default is a minute."""


READ_TIMEOUT = 60.0
"""The same for a response: of a deletion that times out, it is not known whether it had effect, so patience pays."""


Fate = Literal["refused", "not_done", "lost"]
"""What is known of a call that failed: ECR said no, it had no effect and may be sent again, or nobody knows."""


_ONCE: Any = {"mode": "standard", "total_max_attempts": 1}


_SERVER_ERROR = 500


_TIMED_OUT = frozenset({"RequestTimeout", "RequestTimeoutException"})


class HeldUpError(BotoCoreError):
    """Raised when a call was held up before it was sent. It was not sent."""

    fmt = "the call was held up for {seconds:.1f} s before it was sent, so it was not sent"


def acting_config(config: Config) -> Config:
    """Return the configuration of a client that never retries.

    :param config: what the user of the hook has set.
    """
    return Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT).merge(config).merge(Config(retries=_ONCE))


def send_at_once(client: BaseClient, clock: Callable[[], float] = time.monotonic) -> None:
    """Make a client refuse to send a call that was held up since it was made.

    :param client: a boto3 client of ECR.
    :param clock: returns a running number of seconds.
    """
    begun = threading.local()

    def remember(**_: object) -> None:
        begun.at = clock()

    def refuse(**_: object) -> None:
        seconds = clock() - begun.at
        if seconds > MAX_SECONDS_BEFORE_SENDING:
            raise HeldUpError(seconds=seconds)

    events = client.meta.events
    events.register_first("provide-client-params.ecr", remember, unique_id="ecr-preview-call-begins")
    # The last event before the connection, after credentials were renewed and the call was signed.
    events.register_first("before-send.ecr", refuse, unique_id="ecr-preview-call-is-sent")


def fate_of(error: RepositoryError) -> Fate:
    """Return what is known of a call that failed.

    :param error: what was raised for it.
    """
    cause = error.__cause__
    if isinstance(error, ThrottledError) or isinstance(cause, HeldUpError):
        return "not_done"
    if isinstance(error, AccessDeniedError | InvalidRequestError):
        return "refused"
    if isinstance(error, EcrUnreachableError) or not isinstance(cause, ClientError):
        return "lost"
    status = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_ERROR)
    return "lost" if status >= _SERVER_ERROR or code_of(error) in _TIMED_OUT else "refused"


def code_of(error: RepositoryError) -> str:
    """Return the error code of ECR, or the name of the error where ECR gave none.

    :param error: what was raised for a call.
    """
    cause = error.__cause__
    code = cause.response.get("Error", {}).get("Code") if isinstance(cause, ClientError) else None
    return str(code or type(error).__name__)
