"""What can go wrong while images are deleted: ECR refuses some of them, and others work in the registry too."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_ecr_preview.local.calls import Call
from airflow_provider_ecr_preview.local.faults import Fault
from airflow_provider_ecr_preview.local.registry import Registry
from airflow_provider_ecr_preview.local.wire import Reply


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
        """Refuse all images, if none is left."""
        refused = self._refused(call.parameters)
        if len(refused) < len(call.parameters.get("imageIds", ())):
            return None
        return Reply.ok({"imageIds": [], "failures": self._failures(refused)})

    def narrowed(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Leave out what is refused."""
        refused = self._refused(parameters)
        return {**parameters, "imageIds": [image_id for image_id in parameters["imageIds"] if image_id not in refused]}

    def after(self, call: Call, registry: Registry, reply: Reply) -> Reply:  # noqa: ARG002
        """Tell what was refused, unless another fault has taken the reply."""
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
        return [{"imageId": each, "failureCode": self.code, "failureReason": "Injected"} for each in image_ids]


@dataclass(frozen=True)
class Meanwhile(Fault):
    """Somebody else does something in the registry as soon as the call has had its effect.

    :param act: what is done.
    """

    act: Callable[[], object]

    def after(self, call: Call, registry: Registry, reply: Reply) -> Reply:  # noqa: ARG002
        """Do it."""
        with registry.lock:
            self.act()
        return reply
