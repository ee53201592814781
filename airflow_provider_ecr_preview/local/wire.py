"""Turn a request on the wire into a reply, both over HTTP and inside ``moto.mock_aws()``."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from botocore.validate import ParamValidator
from moto.core.exceptions import ServiceException
from moto.core.utils import get_service_model
from moto.iam.models import get_account_id_from

from airflow_provider_ecr_preview.local.bus_events import send_api_call
from airflow_provider_ecr_preview.local.calls import Call, CallLog
from airflow_provider_ecr_preview.local.coverage import is_served
from airflow_provider_ecr_preview.local.event_history import EventHistory
from airflow_provider_ecr_preview.local.image_events import POLICY_CHANGES, RECORDED, event_of
from airflow_provider_ecr_preview.local.operations import CHECKS, OPERATIONS
from airflow_provider_ecr_preview.local.paging import invalid
from airflow_provider_ecr_preview.local.parameters import checked
from airflow_provider_ecr_preview.local.registry import DEFAULT_REGION, Registry
from airflow_provider_ecr_preview.local.registry_settings import principals_of
from airflow_provider_ecr_preview.local.reply import Reply
from airflow_provider_ecr_preview.local.request import Request

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.local.faults import Fault


_ACCOUNT = re.compile("[0-9]{12}")


TARGET_PREFIX = "AmazonEC2ContainerRegistry_V20150921."


AskMoto = Callable[[str, bytes], Reply]


class Headers(Protocol):
    """The headers of a request."""

    def get(self, name: str, default: str, /) -> Any:
        """Return the value of a header."""


class Wire:
    """Answers calls: records them, applies faults, and runs the operation, here or in moto.

    :param registry: the registry.
    :param calls: the log that records calls.
    :param faults: returns the faults that hit a call.
    :param extensions: functions to call before another service answers, by the name of the service.
    :param events: the event history, which receives an event for every call that deletes or archives images.
    """

    def __init__(
        self,
        registry: Registry,
        calls: CallLog,
        faults: Callable[[Call], Iterable[Fault]],
        extensions: Mapping[str, Callable[[], None]],
        events: EventHistory,
    ) -> None:
        self._registry = registry
        self._extensions = extensions
        self._calls = calls
        self._faults = faults
        self._events = events

    def answer(self, target: str, headers: Headers, body: bytes, moto: AskMoto) -> Reply:
        """Answer a request to ECR.

        :param target: the ``X-Amz-Target`` header.
        :param headers: all headers.
        :param body: the body.
        :param moto: lets moto answer a body for an account.
        """
        try:
            parameters = json.loads(body or b"{}")
        except (ValueError, RecursionError):
            parameters = None
        if not isinstance(parameters, dict):
            return Reply.error("SerializationException", "The request is not a JSON object")
        access_key, region, _ = signed_by(headers.get("Authorization", ""))
        call = Call(
            operation=target.removeprefix(TARGET_PREFIX),
            repository=parameters.get("repositoryName"),
            region=region,
            parameters=parameters,
            # The same order as in moto.
            account=os.environ.get("MOTO_ACCOUNT_ID")
            or headers.get("x-moto-account-id", "")
            or get_account_id_from(access_key),
        )
        self._calls.record(call)
        call.outcome = "InternalFailure"
        reply = self._with_faults(call, access_key, moto)
        call.outcome = reply.outcome
        return reply

    def record_other(self, operation: str, headers: Headers) -> Call:
        """Record a call of another service, which moto answers.

        :param operation: the operation, or method and path.
        :param headers: all headers.
        """
        _, region, service = signed_by(headers.get("Authorization", ""))
        call = Call(operation, None, region, service=service or "unsigned")
        self._calls.record(call)
        if (extend := self._extensions.get(service)) is not None:
            extend()
        return call

    def _with_faults(self, call: Call, access_key: str, moto: AskMoto) -> Reply:
        faults = list(self._faults(call))
        parameters = call.parameters
        for fault in faults:
            if (refusal := fault.before(call, self._registry)) is not None:
                return refusal
            parameters = fault.narrowed(parameters)
        reply = self._run(call, parameters, access_key, moto)
        if reply.outcome == "OK":
            if call.operation in RECORDED:
                principals = principals_of(access_key, call.account or call.registry, call.region)
                event = event_of(call, parameters, reply, self._registry.now, principals)
                self._events.record(event)
                if call.operation in POLICY_CHANGES:
                    send_api_call(event)
            for fault in faults:
                reply = fault.after(call, self._registry, reply)
        return reply

    def _run(self, call: Call, parameters: Mapping[str, Any], access_key: str, moto: AskMoto) -> Reply:
        if not is_served(call.operation):
            return _not_served(call.operation)
        if call.region not in self._registry.regions:
            return Reply.error("InvalidSignatureException", "Credential should be scoped to a valid region.")
        with self._registry.lock:
            try:
                parameters = checked(call.operation, parameters)
                account = _account(call.registry)
                backend = self._registry.backend(call.region, account)
                request = Request(self._registry, backend, parameters, access_key, call.account or "")
                if operation := OPERATIONS.get(call.operation):
                    return Reply.ok(operation(request))
                if check := CHECKS.get(call.operation):
                    check(request)
                # Moto would keep what ECR ignores, such as unknown members, and give it back.
                return moto(account, json.dumps(parameters).encode())
            except ServiceException as error:
                return Reply.error(error.code, error.message)
            except Exception:
                # The lengths of the model are looked at only here. A reply of 500 would make clients retry.
                if wrong := _violations(call.operation, parameters):
                    return Reply.error("InvalidParameterException", wrong)
                raise


def _not_served(operation: str) -> Reply:
    return Reply.error(
        "UnknownOperationException",
        f"The local ECR does not serve {operation}. The page 'What the local ECR serves' lists what it serves; Amazon ECR "
        "itself may have this operation.",
    )


def _account(account: str) -> str:
    if not _ACCOUNT.fullmatch(account):
        raise invalid("registryId", f"must satisfy regular expression '{_ACCOUNT.pattern}'")
    return account


def _violations(operation: str, parameters: Mapping[str, Any]) -> str:
    """Return how parameters violate the types and lengths of botocore's model, or an empty text."""
    shape = get_service_model("ecr").operation_model(operation).input_shape
    return "" if shape is None else str(ParamValidator().validate(parameters, shape).generate_report())


def signed_by(authorization: str) -> tuple[str, str, str]:
    """Return the access key, the Region and the service that a request was signed with.

    :param authorization: the ``Authorization`` header.
    """
    # AWS4-HMAC-SHA256 Credential=<access key>/<date>/<Region>/<service>/aws4_request, SignedHeaders=...
    scope = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    return (scope[0], scope[2], scope[3]) if len(scope) > 3 else ("", DEFAULT_REGION, "")  # noqa: PLR2004  # as above
