"""Reject a response that is about another repository or registry than the request, whatever the operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError

if TYPE_CHECKING:
    from botocore.client import BaseClient


_HTTP_OK = 200


_REQUESTED = "ecr_preview_requested"


_NAMES = {"repositoryName": "repository", "registryId": "registry"}


class OtherAnswerError(BotoCoreError):
    """Raised for a response about another repository or registry than the request."""

    fmt = "it is about the {kind} {answered!r} instead of {requested!r}"


def require_own_answers(client: BaseClient) -> None:
    """Make a client raise :class:`OtherAnswerError` for a response that names another repository or registry.

    A request without ``registryId`` is about the caller's own registry, whose number the client does not know; then any
    registry is accepted.

    :param client: a boto3 client of ECR.
    """
    events = client.meta.events
    events.register("before-parameter-build.ecr", _remember, unique_id="ecr-preview-remember-request")
    events.register_first("after-call.ecr", _compare, unique_id="ecr-preview-own-answers")


def _remember(params: Mapping[str, Any], context: dict[str, Any], **_: object) -> None:
    context[_REQUESTED] = {name: params[name] for name in _NAMES if params.get(name) is not None}


def _compare(http_response: Any, parsed: Mapping[str, Any], context: Mapping[str, Any], **_: object) -> None:
    requested = context.get(_REQUESTED)
    if not requested or http_response.status_code != _HTTP_OK:
        return
    for part in _parts(parsed):
        for name, value in requested.items():
            if (answered := part.get(name)) is not None and answered != value:
                raise OtherAnswerError(kind=_NAMES[name], answered=answered, requested=value)


def _parts(parsed: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what may name a repository: the response, and the items of its lists."""
    yield parsed
    for member in parsed.values():
        if isinstance(member, list):
            yield from (item for item in member if isinstance(item, dict))
