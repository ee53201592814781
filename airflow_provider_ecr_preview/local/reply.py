"""A reply of the local ECR, before it is sent."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from moto.core.request import Request as MotoRequest
from moto.ecr.responses import ECRResponse

_OK = 200


_BAD_REQUEST = 400


_SERVER_ERROR = 500


@dataclass(slots=True)
class Reply:
    """A reply on its way to the caller.

    :param status: the HTTP status; 0 if the connection breaks instead.
    :param body: the body.
    :param headers: HTTP headers.
    :param outcome: ``OK``, the error code, or the name of the fault that hit the call.
    :param hangs_for: how long the connection stays open without a response before it breaks.
    :param drips_every: the time between two bytes of the response.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    outcome: str = "OK"
    hangs_for: timedelta = timedelta()
    drips_every: timedelta = timedelta()

    @classmethod
    def ok(cls, answer: Mapping[str, Any]) -> Reply:
        """Return a successful reply."""
        return cls._of(_OK, answer)

    @classmethod
    def error(cls, code: str, message: str, status: int | None = None) -> Reply:
        """Return an error as ECR sends it: HTTP 400, but 500 for ``ServerException``."""
        if status is None:
            status = _SERVER_ERROR if code == "ServerException" else _BAD_REQUEST
        reply = cls._of(status, {"__type": code, "message": message})
        reply.headers["x-amzn-ErrorType"] = reply.outcome = code
        return reply

    @classmethod
    def no_reply(cls, outcome: str) -> Reply:
        """Return the reply that stands for a broken connection."""
        return cls(0, b"", outcome=outcome)

    @classmethod
    def of_moto(cls, kind: type[MotoRequest], url: str, headers: Mapping[str, str], account: str, body: bytes) -> Reply:
        """Let moto answer a request to ECR.

        :param kind: the class of the request.
        :param url: the URL.
        :param headers: the headers; they may state the length of another body.
        :param account: the account whose registry it is for.
        :param body: the body.
        """
        headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        request = kind.from_primitives("POST", url, headers, body)
        request.environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        status, headers, body = ECRResponse.dispatch(request)
        reply = cls(status, body.encode() if isinstance(body, str) else body, dict(headers))
        if status != _OK:
            reply.outcome = str(json.loads(reply.body).get("__type", f"HTTP {status}")).rpartition("#")[2]
        return reply

    @classmethod
    def _of(cls, status: int, answer: Mapping[str, Any]) -> Reply:
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": str(uuid.uuid4())}
        return cls(status, json.dumps(answer, separators=(",", ":")).encode(), headers)

    @property
    def is_lost(self) -> bool:
        """Whether the connection breaks instead of a reply."""
        return not self.status
