"""Faults between a caller and ECR, for tests and benchmarks to inject."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from airflow_provider_ecr_preview.core.lint.policy import PolicySource
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.local.calls import Call
from airflow_provider_ecr_preview.local.registry import Registry
from airflow_provider_ecr_preview.local.reply import Reply
from airflow_provider_ecr_preview.local.repositories import LocalRepository


class Fault:
    """Base of all faults. A fault acts before the operation, instead of it, or after it."""

    operation: ClassVar[str | None] = None
    """The operation that it hits by default; None for every operation."""

    def before(self, call: Call, registry: Registry) -> Reply | None:  # noqa: ARG002  # for those that need them
        """Return the reply to send instead of running the operation, or None to run it."""
        return None

    def narrowed(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the parameters to run the operation with, if it is served here and not by moto."""
        return parameters

    def after(self, call: Call, registry: Registry, reply: Reply) -> Reply:  # noqa: ARG002  # as above
        """Return the reply to send, now that the operation has run."""
        return reply


@dataclass(frozen=True)
class Delay(Fault):
    """The call takes more time.

    :param seconds: the additional time.
    """

    seconds: float

    def before(self, call: Call, registry: Registry) -> None:  # noqa: ARG002
        """Wait."""
        time.sleep(self.seconds)


@dataclass(frozen=True)
class Refused(Fault):
    """ECR answers with an error and does nothing.

    :param code: the error code.
    :param message: the message.
    :param status: the HTTP status; None for the one that ECR has for the code.
    """

    code: str
    message: str = "Injected"
    status: int | None = None

    def before(self, call: Call, registry: Registry) -> Reply:  # noqa: ARG002
        """Refuse."""
        return Reply.error(self.code, self.message, self.status)


def throttled(code: str = "ThrottlingException", status: int = 400) -> Refused:
    """Return the fault of too many calls.

    :param code: the spelling: ``ThrottlingException``, ``ThrottleException`` or ``TooManyRequestsException``.
    :param status: 400, or 429.
    """
    return Refused(code, "Rate exceeded", status)


def server_error() -> Refused:
    """Return a fault in ECR itself: HTTP 500 with ``ServerException``."""
    return Refused("ServerException", "Service unavailable, please try again later")


class AccessDenied(Fault):
    """The caller lacks the IAM action of the operation."""

    def before(self, call: Call, registry: Registry) -> Reply:  # noqa: ARG002
        """Refuse."""
        action = f"{call.service}:{call.operation}"
        resource = f"repository/{call.repository}" if call.repository else "repository/*"
        return Reply.error(
            "AccessDeniedException",
            f"User: arn:aws:iam::{call.account}:user/local is not authorized to perform: {action} on resource: "
            f"arn:aws:ecr:{call.region}:{call.account}:{resource} because no identity-based policy allows the "
            f"{action} action",
        )


class ConnectionReset(Fault):
    """The connection breaks before ECR has read the request."""

    def before(self, call: Call, registry: Registry) -> Reply:  # noqa: ARG002
        """Break the connection."""
        return Reply.no_reply("ConnectionReset")


class LostReply(Fault):
    """The operation takes effect, and the connection breaks before the caller learns of it."""

    def after(self, call: Call, registry: Registry, reply: Reply) -> Reply:  # noqa: ARG002
        """Break the connection."""
        return Reply.no_reply("LostReply")


@dataclass(frozen=True)
class TruncatedBody(Fault):
    """HTTP 200 with a JSON body that ends in the middle.

    :param share: the part of the body that is sent.
    """

    share: float = 0.5

    def after(self, call: Call, registry: Registry, reply: Reply) -> Reply:  # noqa: ARG002
        """Cut the body off."""
        return replace(reply, body=reply.body[: int(len(reply.body) * self.share)], outcome="TruncatedBody")


class PreviewFails(Fault):
    """The preview that is started ends as FAILED."""

    operation = "StartLifecyclePolicyPreview"

    def after(self, call: Call, registry: Registry, reply: Reply) -> Reply:
        """Make the preview fail."""
        if (preview := _repository(call, registry).preview) is not None:
            preview.failed = True
        return reply


class PreviewExpires(Fault):
    """The preview that is started is EXPIRED as soon as it ends."""

    operation = "StartLifecyclePolicyPreview"

    def after(self, call: Call, registry: Registry, reply: Reply) -> Reply:
        """Make the preview expire."""
        if (preview := _repository(call, registry).preview) is not None:
            preview.expire()
        return reply


@dataclass(frozen=True)
class PreviewReplaced(Fault):
    """Another caller starts a preview of another policy as soon as this call is answered.

    :param policy: the other policy.
    :param seconds: how long the other preview stays IN_PROGRESS.
    :param tokens_survive: whether page tokens of the replaced preview work in the other one. AWS does not document
        this.
    """

    operation = "GetLifecyclePolicyPreview"
    policy: PolicySource
    seconds: float = 0.0
    tokens_survive: bool = False

    def after(self, call: Call, registry: Registry, reply: Reply) -> Reply:
        """Replace it."""
        repository = _repository(call, registry)
        replaced = repository.preview
        with registry.lock:
            preview = registry.replace_preview(repository, LifecyclePolicy.parse(self.policy), seconds=self.seconds)
            if self.tokens_survive and replaced is not None:
                preview.id = replaced.id
        return reply


@dataclass(frozen=True)
class Altered(Fault):
    """A page of a preview differs from what ECR found.

    :param change: changes the decoded reply in place.
    """

    operation = "GetLifecyclePolicyPreview"
    change: Callable[[dict[str, Any]], None]

    def after(self, call: Call, registry: Registry, reply: Reply) -> Reply:  # noqa: ARG002
        """Change the reply."""
        answer = json.loads(reply.body)
        self.change(answer)
        return replace(reply, body=json.dumps(answer).encode())


def wrong_status(status: str) -> Altered:
    """Return the fault of a page whose status differs from the preview's.

    :param status: the status.
    """
    return Altered(lambda answer: answer.update(status=status))


def wrong_summary(by: int = 1) -> Altered:
    """Return the fault of a summary that does not match the pages.

    :param by: the difference in ``expiringImageTotalCount``.
    """

    def change(answer: dict[str, Any]) -> None:
        answer["summary"]["expiringImageTotalCount"] += by

    return Altered(change)


@dataclass
class RateLimit(Fault):
    """A token bucket: excess calls are answered with ThrottlingException.

    :param rate: calls a second.
    :param burst: calls that may arrive in one burst.
    :param shared: whether all operations share one bucket, or each has its own. AWS does not document this.
    """

    rate: float
    burst: float = 1.0
    shared: bool = False
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict, repr=False)

    def before(self, call: Call, registry: Registry) -> Reply | None:
        """Take a token, or refuse."""
        with registry.lock:
            now = registry.clock.monotonic()
            name = "" if self.shared else call.operation
            tokens, at = self._buckets.get(name, (self.burst, now))
            tokens = min(self.burst, tokens + (now - at) * self.rate)
            is_free = tokens >= 1
            self._buckets[name] = (tokens - is_free, now)
        return None if is_free else throttled().before(call, registry)


def _repository(call: Call, registry: Registry) -> LocalRepository:
    return registry.repository(call.repository or "", region_name=call.region, account_id=call.registry)


@dataclass(frozen=True)
class ImagesRefused(Fault):
    """BatchDeleteImage deletes some images and not others: HTTP 200, with ``failures``.

    :param code: the ``failureCode``, for example ``KmsError`` or ``UpstreamUnavailable``.
    :param image_digests: the images that are not deleted; None for all.
    """

    operation = "BatchDeleteImage"
    code: str
    image_digests: Collection[str] | None = None

    def before(self, call: Call, registry: Registry) -> Reply | None:  # noqa: ARG002
        """Refuse the whole call if no image is left."""
        refused = self._refused(call.parameters)
        if len(refused) < len(call.parameters.get("imageIds", ())):
            return None
        return Reply.ok({"imageIds": [], "failures": self._failures(refused)})

    def narrowed(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Leave out the refused images."""
        refused = self._refused(parameters)
        return {**parameters, "imageIds": [image_id for image_id in parameters["imageIds"] if image_id not in refused]}

    def after(self, call: Call, registry: Registry, reply: Reply) -> Reply:  # noqa: ARG002
        """Report the refused images, unless another fault has replaced the reply."""
        if reply.outcome != "OK":
            return reply
        answer = json.loads(reply.body)
        answer["failures"] += self._failures(self._refused(call.parameters))
        return replace(reply, body=json.dumps(answer).encode())

    def _refused(self, parameters: Mapping[str, Any]) -> list[Any]:
        wanted = self.image_digests
        return [
            image_id
            for image_id in parameters.get("imageIds", ())
            if wanted is None or image_id.get("imageDigest") in wanted
        ]

    def _failures(self, image_ids: Collection[Any]) -> list[dict[str, Any]]:
        return [{"imageId": image_id, "failureCode": self.code, "failureReason": "Injected"} for image_id in image_ids]


@dataclass(frozen=True)
class Meanwhile(Fault):
    """Another caller does something in the registry as soon as the call has had its effect.

    :param act: the other caller's action.
    """

    act: Callable[[], object]

    def after(self, call: Call, registry: Registry, reply: Reply) -> Reply:  # noqa: ARG002
        """Do it."""
        with registry.lock:
            self.act()
        return reply
