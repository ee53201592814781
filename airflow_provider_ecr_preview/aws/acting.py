"""Send a call that changes something once, without delay, or not at all.

Nothing may wait between the last look at an image or a policy and the call that changes it: a minute later, the look
may be out of date. The AWS SDK waits between retries, before a call when its adaptive mode limits the rate, while it
renews credentials, and while it connects. An acting client does neither of the first two, and refuses to send a call
that anything else has held up.
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
"""A call held up for longer than this is not sent: the look before it is too old."""


CONNECT_TIMEOUT = 10.0
"""Seconds, unless the user's configuration has its own; the SDK's default is a minute."""


READ_TIMEOUT = 60.0
"""The same for a response. Patience pays: if a deletion times out, its effect is unknown."""


Fate = Literal["refused", "not_done", "lost"]
"""The fate of a failed call: ECR refused it, it had no effect and may be sent again, or its effect is unknown."""


_ONCE: Any = {"mode": "standard", "total_max_attempts": 1}


_SERVER_ERROR = 500


_TIMED_OUT = frozenset({"RequestTimeout", "RequestTimeoutException"})


class HeldUpError(BotoCoreError):
    """Raised when a call was held up and therefore not sent."""

    fmt = "the call was held up for {seconds:.1f} s before it was sent, so it was not sent"


def acting_config(config: Config) -> Config:
    """Return the configuration of a client that never retries.

    :param config: the configuration that the user of the hook set.
    """
    return Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT).merge(config).merge(Config(retries=_ONCE))


def send_at_once(client: BaseClient, clock: Callable[[], float] = time.monotonic) -> None:
    """Make a client refuse to send a call that was held up.

    :param client: a boto3 client of ECR.
    :param clock: returns monotonic seconds.
    """
    started = threading.local()

    def remember(**_: object) -> None:
        started.at = clock()

    def refuse(**_: object) -> None:
        seconds = clock() - started.at
        if seconds > MAX_SECONDS_BEFORE_SENDING:
            raise HeldUpError(seconds=seconds)

    events = client.meta.events
    events.register_first("provide-client-params.ecr", remember, unique_id="ecr-preview-call-begins")
    # The last event before the connection, after credentials are renewed and the call is signed.
    events.register_first("before-send.ecr", refuse, unique_id="ecr-preview-call-is-sent")


def fate_of(error: RepositoryError) -> Fate:
    """Return the fate of a failed call.

    :param error: the error that the call raised.
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
    """Return the error code from ECR, or the name of the error if ECR gave none.

    :param error: the error that a call raised.
    """
    cause = error.__cause__
    code = cause.response.get("Error", {}).get("Code") if isinstance(cause, ClientError) else None
    return str(code or type(error).__name__)
