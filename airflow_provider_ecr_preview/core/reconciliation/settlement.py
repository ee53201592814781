"""Settle the outcome of images whose clean-up calls got no reply.

Such an image was there right before the call, and was gone, or archived, after it: most likely the clean-up did it, but
someone else may have done it at the same moment. CloudTrail shows who called; the repository shows what exists now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from airflow_provider_ecr_preview.core.reconciliation.execution import PolicyExecution
from airflow_provider_ecr_preview.core.reconciliation.image_calls import ImageCall
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.values import isoformat
from airflow_provider_ecr_preview.core.xcom.reconciliation import SettledImageXCom, SettlementXCom

Settled = Literal["confirmed", "done_by_other", "done_by_policy", "still_there", "not_known"]
"""``confirmed``: the clean-up did it. ``still_there``: it is there now, so it was not done, or was pushed again."""


MAX_SETTLED_IMAGES = 20
"""The number of images that the XCom names."""


@dataclass(frozen=True, slots=True)
class LostReply:
    """An image whose deletion or archiving had no reply.

    :param repository: the repository.
    :param image_digest: the image.
    """

    repository: RepositoryId
    image_digest: str

    @classmethod
    def of_line(cls, line: Mapping[str, Any]) -> LostReply:
        """Return the image of a line of a clean-up's list of results."""
        return cls(
            RepositoryId(line["registry_id"], line["region_name"], line["repository_name"]), line["image_digest"]
        )


@dataclass(frozen=True, slots=True)
class SettledImage:
    """The settled outcome of such an image.

    :param lost: the image.
    :param category: the outcome.
    :param event_id: the event that says so, or None.
    :param happened_at: when it happened (aware), or None.
    :param caller: the ARN of the caller, or None.
    """

    lost: LostReply
    category: Settled
    event_id: str | None = None
    happened_at: datetime | None = None
    caller: str | None = None

    def as_dict(self) -> SettledImageXCom:
        """Return the image in plain JSON types."""
        repository = self.lost.repository
        return SettledImageXCom(
            registry_id=repository.registry_id,
            region_name=repository.region_name,
            repository_name=repository.repository_name,
            image_digest=self.lost.image_digest,
            category=self.category,
            event_id=self.event_id,
            happened_at=isoformat(self.happened_at),
            caller=self.caller,
        )


def settle(
    lost: Iterable[LostReply],
    calls: Iterable[ImageCall],
    executions: Iterable[PolicyExecution],
    untouched: Collection[LostReply],
    *,
    caller: str,
    until: datetime,
) -> list[SettledImage]:
    """Return the outcomes of images whose calls had no reply.

    :param lost: the images.
    :param calls: the calls that deleted, or archived, images.
    :param executions: the runs of lifecycle policies.
    :param untouched: the images that still exist and, if they were to be archived, are not archived.
    :param caller: the ARN of the clean-up's credentials.
    :param until: when the clean-up ended (aware).
    """
    by_image: dict[LostReply, ImageCall] = {}
    # The image was found missing after the last call before the clean-up ended.
    for call in sorted(calls, key=lambda call: call.called_at):
        if call.called_at <= until:
            by_image |= {LostReply(call.repository, digest): call for digest in call.image_digests}
    by_policy = {
        LostReply(execution.repository, image.image_digest): execution
        for execution in executions
        for image in execution.images
        if execution.executed_at <= until and not image.failure_code
    }
    return [_settled(image, by_image, by_policy, untouched, caller) for image in lost]


def settlement_xcom(settled: Sequence[SettledImage], unread: str | None = None) -> SettlementXCom:
    """Return the settlement in plain JSON types.

    :param settled: the outcomes of the images.
    :param unread: the source that could not be read.
    """
    first = sorted(settled, key=lambda image: image.category == "confirmed")
    return SettlementXCom(
        image_count=len(settled),
        counts=dict(Counter(image.category for image in settled)),
        images=[image.as_dict() for image in first[:MAX_SETTLED_IMAGES]],
        unread=unread,
    )


def _settled(
    image: LostReply,
    by_image: Mapping[LostReply, ImageCall],
    by_policy: Mapping[LostReply, PolicyExecution],
    untouched: Collection[LostReply],
    caller: str,
) -> SettledImage:
    call, execution = by_image.get(image), by_policy.get(image)
    if call is not None:
        category: Settled = "confirmed" if _role(call.caller) == _role(caller) else "done_by_other"
        return SettledImage(image, category, call.event_id, call.called_at, call.caller)
    if execution is not None:
        return SettledImage(image, "done_by_policy", execution.event_id, execution.executed_at)
    return SettledImage(image, "still_there" if image in untouched else "not_known")


def _role(arn: str) -> str:
    """Return the identity behind an ARN, ignoring the name of the session."""
    return arn.rpartition("/")[0] if ":assumed-role/" in arn else arn
