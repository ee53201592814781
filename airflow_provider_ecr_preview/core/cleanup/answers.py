"""The answer to one question of a clean-up, and the answers that several questions have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from airflow_provider_ecr_preview.core.cleanup.approved import approved_images
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.preview.stored import Unread

WITH_A_LIST = (
    "Preview again with images_path in EcrSummarizeLifecyclePolicyPreviewOperator, or reports_path in the audit, so that "
    "there is a list of all images; then have that preview approved."
)
"""The remedy for a check that needs every approved image."""


_CORRECT = "Change the policy so that it keeps these images, and preview it again; or run a clean-up instead of applying the policy."


Verdict = Literal["passed", "warned", "spared", "blocked", "unknown", "off", "not_checked"]
"""``warned`` and ``spared`` pass too: a person should look, or some images are left out. ``unknown`` blocks as ``blocked``
does; ``not_checked`` is what ``check_only`` cannot check."""


class Answer(NamedTuple):
    """The answer to a question.

    :param verdict: ``passed``, ``warned``, ``spared``, ``blocked``, ``unknown`` or ``off``.
    :param message: the finding of the check.
    :param image_digests: the images it is about.
    :param remedy: the parameter, permission or step that fixes it; if empty, the one in
        :data:`~airflow_provider_ecr_preview.core.cleanup.check_catalog.CHECKS`.
    """

    verdict: Verdict
    message: str
    image_digests: Sequence[str] = ()
    remedy: str | None = None

    @classmethod
    def unread(cls, source: Unread, introduction: str = "") -> Answer:
        """Return the answer for a source that could not be read.

        :param source: the source.
        :param introduction: what is unknown without it.
        """
        return cls("unknown", f"{introduction}{source.reason}", remedy=source.remedy)


OFF = Answer("off", "Switched off.")


def left_out(message: str, images: Sequence[str], settings: CleanupSettings, remedy: str = _CORRECT) -> Answer:
    """Return the answer for images that the clean-up leaves out. ECR itself would not.

    :param message: the reason.
    :param images: the images.
    :param settings: the limits and protections of the clean-up.
    :param remedy: the step that fixes it when ECR acts on the whole policy.
    """
    if settings.whole_policy:
        return Answer("blocked", f"{message} ECR would not spare them when it acts on the policy.", images, remedy)
    return Answer("spared", f"{message} The clean-up spares them.", images)


def unread_source(evidence: Evidence) -> Unread | None:
    """Return the first of the approved images, the fresh preview and the inventory that could not be read, if any."""
    sources = (evidence.approved, evidence.fresh, evidence.inventory)
    return next((source for source in sources if isinstance(source, Unread)), None)


def unknown_images(evidence: Evidence) -> Answer | None:
    """Return the answer to a question about the approved images when they are unknown."""
    if (unread := unread_source(evidence)) is not None:
        return Answer.unread(unread)
    if approved_images(evidence) is None:
        return Answer("unknown", "It is not known which images were approved.", remedy=WITH_A_LIST)
    return None
