"""What happens between a request on the wire and its reply, over HTTP and inside ``moto.mock_aws()`` alike."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.core.exceptions import ServiceException
from moto.iam.models import get_account_id_from

from airflow_provider_ecr_preview.local.calls import Call, CallLog
from airflow_provider_ecr_preview.local.operations import OPERATIONS, Request
from airflow_provider_ecr_preview.local.registry import DEFAULT_REGION, Registry

TARGET_PREFIX = "AmazonEC2ContainerRegistry_V20150921."

_OK = 200
_BAD_REQUEST = 400
_SERVER_ERROR = 500


@dataclass(slots=True)
class Reply:
    """A reply on its way to the caller.

    :param status: the HTTP status.
    :param body: the body.
    :param headers: HTTP headers.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def ok(cls, answer: dict[str, Any]) -> Reply:
        """Return a successful reply."""
        return cls._of(_OK, answer)

    @classmethod
    def error(cls, code: str, message: str, status: int | None = None) -> Reply:
        """Return an error as ECR sends it: HTTP 400, but 500 for ``ServerException``."""
        if status is None:
            status = _SERVER_ERROR if code == "ServerException" else _BAD_REQUEST
        reply = cls._of(status, {"__type": code, "message": message})
        reply.headers["x-amzn-ErrorType"] = code
        return reply

    @classmethod
    def _of(cls, status: int, answer: dict[str, Any]) -> Reply:
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": str(uuid.uuid4())}
        return cls(status, json.dumps(answer, separators=(",", ":")).encode(), headers)

    @property
    def outcome(self) -> str:
        """``OK`` or the error code."""
        if self.status == _OK:
            return "OK"
        try:
            return str(json.loads(self.body)["__type"]).rpartition("#")[2]
        except (ValueError, KeyError, TypeError):
            return f"HTTP {self.status}"


class Wire:
    """Answers calls: records them and runs the operation, here or in moto.

    :param registry: the registry.
    :param calls: where calls are recorded.
    """

    def __init__(self, registry: Registry, calls: CallLog) -> None:
        self.registry = registry
        self.calls = calls

    def answer(self, call: Call, moto: Callable[[], Reply]) -> Reply:
        """Answer one call of ECR.

        :param call: the call.
        :param moto: has moto answer it.
        """
        self.calls.record(call)
        reply = self._run(call, moto)
        call.outcome = reply.outcome
        return reply

    def _run(self, call: Call, moto: Callable[[], Reply]) -> Reply:
        operation = OPERATIONS.get(call.operation)
        with self.registry.lock:
            if operation is None:
                return moto()
            backend = self.registry.backend(call.region, call.account or "")
            try:
                return Reply.ok(operation(Request(self.registry, backend, call.parameters)))
            except ServiceException as error:
                return Reply.error(error.code, error.message)


def call_of(target: str, authorization: str, body: bytes) -> Call:
    """Return the call that a signed request to ECR makes.

    :param target: the ``X-Amz-Target`` header.
    :param authorization: the ``Authorization`` header.
    :param body: the body.
    """
    parameters = json.loads(body) if body else {}
    access_key, region = signed_by(authorization)
    return Call(
        operation=target.rpartition(".")[2],
        repository=parameters.get("repositoryName"),
        region=region,
        parameters=parameters,
        account=get_account_id_from(access_key),
    )


def signed_by(authorization: str) -> tuple[str, str]:
    """Return the access key and the Region that a request was signed with."""
    # AWS4-HMAC-SHA256 Credential=<access key>/<date>/<Region>/<service>/aws4_request, SignedHeaders=...
    scope = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return (scope[0], scope[2]) if len(scope) > 2 else ("", DEFAULT_REGION)  # noqa: PLR2004  # the parts named above
