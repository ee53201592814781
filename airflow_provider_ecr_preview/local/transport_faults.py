"""Faults of the network and of what answers in the place of ECR, for tests and benchmarks to inject.

All of them work over HTTP and in this process. There, without a socket, nothing waits: a call that gets no whole response
fails with boto3's ``ReadTimeoutError`` at once, and both clocks of the registry move forward instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from airflow_provider_ecr_preview.local.calls import Call
from airflow_provider_ecr_preview.local.faults import Altered, Fault, Refused
from airflow_provider_ecr_preview.local.registry import Registry
from airflow_provider_ecr_preview.local.reply import Reply


@dataclass(frozen=True)
class Hang(Fault):
    """The connection is accepted, and no response ever comes. The operation has no effect.

    :param seconds: when the server gives up and closes the connection, if the caller has not done so.
    """

    seconds: float = 60.0

    def before(self, call: Call, registry: Registry) -> Reply:  # noqa: ARG002
        """Give no response."""
        return replace(Reply.no_reply("Hang"), hangs_for=timedelta(seconds=self.seconds))


@dataclass(frozen=True)
class SlowDrip(Fault):
    """The response comes byte by byte, so that no single read times out. The operation has its effect.

    :param seconds: time between two bytes.
    """

    seconds: float = 1.0

    def after(self, call: Call, registry: Registry, reply: Reply) -> Reply:  # noqa: ARG002
        """Slow the response down."""
        return replace(reply, drips_every=timedelta(seconds=self.seconds), outcome="SlowDrip")


@dataclass(frozen=True)
class HtmlPage(Fault):
    """A web page in the place of a response, as a proxy or a load balancer in front of AWS sends it. Nothing has an effect.

    :param status: the HTTP status.
    :param body: the page.
    """

    status: int = 503
    body: str = "<html><body><h1>503 Service Unavailable</h1></body></html>"

    def before(self, call: Call, registry: Registry) -> Reply:  # noqa: ARG002
        """Send the page."""
        return Reply(self.status, self.body.encode(), {"Content-Type": "text/html"}, f"HTML {self.status}")


@dataclass
class PageTokenExpires(Fault):
    """Every call with a page token is refused: ECR no longer knows the token."""

    def before(self, call: Call, registry: Registry) -> Reply | None:  # noqa: ARG002
        """Refuse a call with a token."""
        if not (call.parameters.get("nextToken") or call.parameters.get("NextToken")):
            return None
        return Reply.error("InvalidParameterException", "Invalid parameter at 'nextToken': the token has expired")


@dataclass
class DriftingTotal(Fault):
    """The totals of a preview differ from page to page, as if images were pushed while the preview is read.

    :param by: the difference between the totals of two pages.
    """

    operation = "GetLifecyclePolicyPreview"
    by: int = 1
    _pages: int = field(default=0, repr=False)

    def after(self, call: Call, registry: Registry, reply: Reply) -> Reply:
        """Change the total."""
        answer = json.loads(reply.body)
        if not answer.get("summary"):
            return reply
        with registry.lock:
            self._pages += 1
            drift = self.by * self._pages
        answer["summary"]["expiringImageTotalCount"] = answer["summary"].get("expiringImageTotalCount", 0) + drift
        del call
        return replace(reply, body=json.dumps(answer).encode())


def service_unavailable() -> Refused:
    """Return the fault of an outage that AWS itself reports: HTTP 503 with a JSON body."""
    return Refused("ServiceUnavailable", "The service is temporarily unavailable", 503)


def expired_credentials() -> Refused:
    """Return the fault of temporary credentials that have expired."""
    return Refused("ExpiredTokenException", "The security token included in the request is expired")


def _without_members(answer: dict[str, Any]) -> None:
    answer.clear()


def _all_null(answer: dict[str, Any]) -> None:
    answer.update(dict.fromkeys(answer))


def _other_repository(answer: dict[str, Any]) -> None:
    _everywhere(answer, "repositoryName", lambda _: "somebody/else")


def _other_registry(answer: dict[str, Any]) -> None:
    _everywhere(answer, "registryId", lambda _: "999999999999")


def _wrong_types(answer: dict[str, Any]) -> None:
    for name, value in answer.items():
        answer[name] = "text" if isinstance(value, list | dict | int) else [value]


def _unknown_action(answer: dict[str, Any]) -> None:
    _everywhere(answer, "action", lambda _: {"type": "INCINERATE"})


def _without_results(answer: dict[str, Any]) -> None:
    answer.pop("previewResults", None)


def _null_items(answer: dict[str, Any]) -> None:
    for value in answer.values():
        if isinstance(value, list):
            value[:] = [None for _ in value] or [None]


MALFORMED: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "empty": _without_members,
    "nulls": _all_null,
    "null items": _null_items,
    "other registry": _other_registry,
    "other repository": _other_repository,
    "unknown action": _unknown_action,
    "without results": _without_results,
    "wrong types": _wrong_types,
}
"""The kinds of malformed responses, each with what changes a decoded response in place."""


def malformed(kind: str) -> Altered:
    """Return the fault of a response with HTTP 200 that is not as ECR's model defines it.

    :param kind: one of :data:`MALFORMED`.
    :raises ValueError: if there is no such kind.
    """
    if kind not in MALFORMED:
        raise ValueError(f"{kind!r} is no kind of malformed response; choose one of {', '.join(sorted(MALFORMED))}.")
    return Altered(MALFORMED[kind])


def _everywhere(value: Any, name: str, new: Callable[[Any], Any]) -> None:
    """Replace a member at every level."""
    if isinstance(value, dict):
        for key, member in value.items():
            if key == name:
                value[key] = new(member)
            else:
                _everywhere(member, name, new)
    elif isinstance(value, list):
        for item in value:
            _everywhere(item, name, new)
