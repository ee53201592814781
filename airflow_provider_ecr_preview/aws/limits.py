"""Bound the time that a whole response may take.

The SDK's ``read_timeout`` bounds only the time between two pieces of a response, so a server that sends a byte a second
can hold up a call for hours. Here the same number of seconds bounds the whole body.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import HTTPClientError, ReadTimeoutError

if TYPE_CHECKING:
    from botocore.client import BaseClient


DEFAULT_SECONDS = 60.0


_CHUNK = 64 * 1024


_SHORTEST_WAIT = 0.05


class BoundedSession:
    """Sends requests like the SDK's HTTP session, but aborts a body that takes too long.

    :param session: the SDK's session.
    :param seconds: how long a body may take.
    :param clock: returns monotonic seconds.
    """

    def __init__(self, session: Any, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._seconds = seconds
        self._clock = clock

    def send(self, request: Any) -> Any:
        """Send a request, and return the response with its body.

        :param request: a prepared request.
        :raises ReadTimeoutError: if the body takes too long.
        """
        if request.stream_output:
            return self._session.send(request)
        request.stream_output = True
        response = self._session.send(request)
        # The SDK itself would do this next, without a bound; it keeps the body in the same place.
        response._content = self._body(response, request)  # noqa: SLF001
        return response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def _body(self, response: Any, request: Any) -> bytes:
        deadline = self._clock() + self._seconds
        raw, chunks = response.raw, []
        if not hasattr(raw, "read1"):  # urllib3 before 2
            return bytes(response.content)
        try:
            while chunk := raw.read1(_CHUNK):
                chunks.append(chunk)
                self._leave_time(raw, deadline - self._clock())
        except Exception as error:
            raw.close()
            raise _translated(error, request.url) from error
        return b"".join(chunks)

    def _leave_time(self, raw: Any, seconds: float) -> None:
        """Limit the next read to the time left for the whole body."""
        if seconds <= 0:
            raise TimeoutError(f"the response was not whole after {self._seconds:.0f} s")
        if (sock := getattr(getattr(raw, "connection", None), "sock", None)) is not None:
            sock.settimeout(max(seconds, _SHORTEST_WAIT))


def bound_responses(client: BaseClient) -> None:
    """Make a client abort a response that takes longer than its ``read_timeout``.

    :param client: a new boto3 client.
    """
    endpoint: Any = client._endpoint  # type: ignore[attr-defined]  # noqa: SLF001 - the SDK has no public way
    endpoint.http_session = BoundedSession(
        endpoint.http_session, getattr(client.meta.config, "read_timeout", DEFAULT_SECONDS)
    )


def _translated(error: Exception, url: str) -> Exception:
    """Return the SDK's error for a connection error."""
    if isinstance(error, TimeoutError) or "timed out" in str(error).lower():
        return ReadTimeoutError(endpoint_url=url, error=error)
    return HTTPClientError(error=error)
