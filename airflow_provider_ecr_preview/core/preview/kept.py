"""The images that a policy keeps, each with the reason.

A preview lists only the images that the policy takes. For the others this package works out the reason itself: which
rule decides about an image, and whether its count or its age is not reached yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE, TRANSITION
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.evaluation import Verdict
from airflow_provider_ecr_preview.core.preview.next_action import NextAction, next_actions
from airflow_provider_ecr_preview.core.referrers import subjects_above
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.core.values import isoformat

KEEP = "KEEP"
"""The action in the list of kept images, in addition to ``EXPIRE`` and ``TRANSITION`` of a preview."""


class KeptReason(StrEnum):
    """Why an image is kept, in addition to the reasons of :class:`~airflow_provider_ecr_preview.core.policy.evaluation.Reason`."""

    NOT_IN_PREVIEW = "not_in_preview"
    """According to DescribeImages a rule takes it, but ECR's preview does not list it, and ECR has the last word."""
    GOES_WITH_SUBJECT = "goes_with_subject"
    """The preview does not list it, but its subject expires, and ECR deletes it within a day after its subject."""
    NOT_EVALUATED = "not_evaluated"
    """The policy has a rule that cannot be evaluated here."""


@dataclass(frozen=True, slots=True)
class KeptImage:
    """An image that the preview does not list, and why.

    :param image: the image.
    :param applied_rule_priority: priority of the rule that decides; None if unknown, or if no rule selects the image.
    :param reason: a value of ``Reason`` or of :class:`KeptReason`.
    :param explanation: the reason as one sentence for a person.
    :param shielded_from: priorities of the lower rules that would take the image if the deciding rule did not keep it.
    :param next_action: what the policy does with the image one day, by simulation; None if it never does, or if that is
        unknown.
    """

    image: RepositoryImage
    applied_rule_priority: int | None
    reason: str
    explanation: str
    shielded_from: tuple[int, ...] = ()
    next_action: NextAction | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the image in plain JSON types, with the field names of an affected image."""
        return {
            "image_digest": self.image.image_digest,
            "image_tags": list(self.image.image_tags),
            "image_pushed_at": isoformat(self.image.image_pushed_at),
            "action": KEEP,
            "applied_rule_priority": self.applied_rule_priority,
            "storage_class": self.image.storage_class,
            "image_size_in_bytes": self.image.image_size_in_bytes,
            "last_recorded_pull_time": isoformat(self.image.last_recorded_pull_time),
            "image_manifest_media_type": self.image.image_manifest_media_type,
            "artifact_media_type": self.image.artifact_media_type,
            "reason": self.reason,
            "explanation": self.explanation,
            "shielded_from": list(self.shielded_from),
            "next_action": self.next_action.action if self.next_action else None,
            "next_action_at": isoformat(self.next_action.at) if self.next_action else None,
        }


def kept_images(
    policy: LifecyclePolicy,
    images: Iterable[RepositoryImage],
    is_affected: Callable[[str], bool],
    now: datetime,
    *,
    expires: Callable[[str], bool] = lambda _: False,
) -> Iterator[KeptImage]:
    """Yield the images that a preview does not list, in the order of ``images``.

    :param policy: the policy that was previewed.
    :param images: every image of the repository, archived ones included.
    :param is_affected: returns whether the preview lists the image with a digest.
    :param now: when the preview was read (aware).
    :param expires: returns whether the preview says that the image with a digest expires.
    """
    images = list(images)
    by_digest = {image.image_digest: image for image in images if image.subject_manifest_digest}
    try:
        verdicts = policy.evaluate(images, now)
    except ValueError as error:
        explanation = f"Kept. The reason is not known: {error}"
        for image in images:
            if not is_affected(image.image_digest):
                yield KeptImage(image, None, KeptReason.NOT_EVALUATED, explanation)
        return
    next_of = next_actions(verdicts, lambda digest: _action(digest, is_affected, expires), now)
    for verdict in verdicts:
        image = verdict.image
        if is_affected(image.image_digest):
            continue
        subject = next(filter(expires, subjects_above(image, by_digest)), None)
        kept = _kept(verdict) if subject is None else _going_with(subject, verdict)
        yield replace(kept, next_action=next_of.get(image.image_digest))


def _action(digest: str, is_affected: Callable[[str], bool], expires: Callable[[str], bool]) -> str | None:
    if expires(digest):
        return EXPIRE
    return TRANSITION if is_affected(digest) else None


def _going_with(subject: str, verdict: Verdict) -> KeptImage:
    return KeptImage(
        verdict.image,
        verdict.rule.priority if verdict.rule else None,
        KeptReason.GOES_WITH_SUBJECT,
        f"Not in the preview, but it belongs to {subject}, which expires: ECR deletes it within a day of that image.",
    )


def _kept(verdict: Verdict) -> KeptImage:
    priority = verdict.rule.priority if verdict.rule else None
    if not verdict.is_taken:
        return KeptImage(verdict.image, priority, verdict.reason, verdict.explain(), verdict.shielded_from)
    return KeptImage(
        verdict.image,
        priority,
        KeptReason.NOT_IN_PREVIEW,
        f"Kept, although rule {priority} selects it: the preview does not list it. A manifest list that stays may name "
        "it, or it changed in the meantime.",
    )
