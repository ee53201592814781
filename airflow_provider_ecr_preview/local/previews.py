"""The preview of a repository: its states, its results and their pages."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE, TRANSITION
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.evaluation import Verdict
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.local.clock import Clock
from airflow_provider_ecr_preview.local.paging import invalid, page_size, read_token, write_token

MAX_PAGE_SIZE = 100


MAX_IMAGE_IDS = 100


_ids = itertools.count(1)


class Preview:
    """The effect of a policy on the images that a repository had when the preview was started.

    :param policy: the policy.
    :param images: the images of the repository.
    :param now: the time in the registry.
    :param clock: measures how long the preview runs and lives.
    :param seconds: how long it stays IN_PROGRESS.
    :param life_seconds: how long its results can be read; None for no limit.
    """

    def __init__(
        self,
        policy: LifecyclePolicy,
        images: Iterable[RepositoryImage],
        now: datetime,
        clock: Clock,
        *,
        seconds: float = 0.0,
        life_seconds: float | None = None,
    ) -> None:
        self.id = next(_ids)
        self.policy = policy
        self.policy_text = sorted_by_priority(policy.text)
        self.failed = False
        self._clock = clock
        self._ends_at = clock.monotonic() + seconds
        self._expires_at = None if life_seconds is None else self._ends_at + life_seconds
        # ECR documents no order; oldest first stays stable when images are pushed or deleted between pages.
        self._taken = sorted(
            (verdict for verdict in policy.evaluate(images, now) if verdict.is_taken),
            key=lambda verdict: (verdict.image.ordered_at, verdict.image.image_digest),
        )
        self._taken_with: dict[str, Sequence[Verdict]] = {"ANY": self._taken}
        self._summary = _summary(self._taken)

    @property
    def taken(self) -> Sequence[Verdict]:
        """The verdicts on the images that the preview shows."""
        return self._taken

    @property
    def has_results(self) -> bool:
        """Whether the preview ended without failing."""
        return self.status in ("COMPLETE", "EXPIRED")

    @property
    def status(self) -> str:
        """``IN_PROGRESS``, ``COMPLETE``, ``EXPIRED`` or ``FAILED``."""
        now = self._clock.monotonic()
        if now < self._ends_at:
            return "IN_PROGRESS"
        if self.failed:
            return "FAILED"
        return "EXPIRED" if self._expires_at is not None and now >= self._expires_at else "COMPLETE"

    def expire(self) -> None:
        """Make the results expire as soon as the preview ends."""
        self._expires_at = self._ends_at

    def get(self, parameters: Mapping[str, Any], token_life_seconds: float | None = None) -> dict[str, Any]:
        """Return the answer of GetLifecyclePolicyPreview, without registry and repository.

        :param parameters: the request.
        :param token_life_seconds: the age at which a token is refused; None for never.
        :raises InvalidParameterException: if the token belongs to another preview or filter, or is too old.
        """
        tag_status = parameters.get("filter", {}).get("tagStatus", "ANY")
        start = self._start_of_page(parameters, tag_status, token_life_seconds)
        status = self.status
        answer: dict[str, Any] = {
            "lifecyclePolicyText": self.policy_text,
            "status": status,
            "previewResults": [],
            "summary": {},
        }
        if status != "COMPLETE":
            return answer
        taken = self._with_tags(tag_status)
        if image_ids := parameters.get("imageIds"):
            page: Sequence[Verdict] = [verdict for verdict in taken if _is_one_of(image_ids, verdict.image)]
        else:
            end = start + page_size(parameters, MAX_PAGE_SIZE, default=MAX_PAGE_SIZE)
            page = taken[start:end]
            if end < len(taken):
                answer["nextToken"] = write_token(self.id, tag_status, end, self._clock.monotonic())
        answer["previewResults"] = [_result(verdict) for verdict in page]
        answer["summary"] = self._summary
        return answer

    def _with_tags(self, tag_status: str) -> Sequence[Verdict]:
        if tag_status not in self._taken_with:
            tagged = tag_status == "TAGGED"
            self._taken_with[tag_status] = [
                verdict for verdict in self._taken if bool(verdict.image.image_tags) is tagged
            ]
        return self._taken_with[tag_status]

    def _start_of_page(self, parameters: Mapping[str, Any], tag_status: str, life_seconds: float | None) -> int:
        token = parameters.get("nextToken")
        if token is None:
            return 0
        preview_id, of_tag_status, start, written_at = read_token(token, int, str, int, float)
        if preview_id != self.id:
            raise invalid("nextToken", "The token belongs to a preview that was replaced")
        if of_tag_status != tag_status:
            raise invalid("nextToken", "The token belongs to a request with another filter")
        if life_seconds is not None and self._clock.monotonic() - written_at > life_seconds:
            raise invalid("nextToken", "The token has expired")
        return int(start)


def sorted_by_priority(policy_text: str) -> str:
    """Return a policy as ECR gives it back: rules by ascending ``rulePriority``."""
    document = json.loads(policy_text)
    document["rules"].sort(key=lambda rule: rule["rulePriority"])
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _summary(taken: Iterable[Verdict]) -> dict[str, Any]:
    counts = Counter(verdict.action for verdict in taken)
    summary: dict[str, Any] = {"expiringImageTotalCount": counts[EXPIRE]}
    if counts[TRANSITION]:
        summary["transitioningImageTotalCounts"] = [
            {"targetStorageClass": "ARCHIVE", "imageTotalCount": counts[TRANSITION]}
        ]
    return summary


def _is_one_of(image_ids: Sequence[Mapping[str, str]], image: RepositoryImage) -> bool:
    return any(
        image_id.get("imageDigest", image.image_digest) == image.image_digest
        and ("imageTag" not in image_id or image_id["imageTag"] in image.image_tags)
        for image_id in image_ids
    )


def _result(verdict: Verdict) -> dict[str, Any]:
    image = verdict.image
    action = {"type": "EXPIRE"}
    if verdict.action == TRANSITION:
        action = {"type": "TRANSITION", "targetStorageClass": "ARCHIVE"}
    return {
        "imageTags": image.image_tags,
        "imageDigest": image.image_digest,
        "imagePushedAt": image.image_pushed_at.timestamp(),
        "action": action,
        "appliedRulePriority": verdict.rule.priority if verdict.rule else None,
        "storageClass": image.storage_class,
    }
