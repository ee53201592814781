"""The answer to one question of a clean-up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from airflow_provider_ecr_preview.cleanup_evidence import Unread

Verdict = Literal["passed", "spared", "blocked", "unknown", "off"]
"""``spared`` passes too: some images are left out. ``unknown`` blocks as ``blocked`` does."""


class Answer(NamedTuple):
    """The answer to a question.

    :param verdict: ``passed``, ``spared``, ``blocked``, ``unknown`` or ``off``.
    :param message: what the check saw.
    :param image_digests: the images it is about.
    :param remedy: which parameter, permission or step lifts it; without, that of
        :data:`~airflow_provider_ecr_preview.core.cleanup.remedies.CHECKS`.
    """

    verdict: Verdict
    message: str
    image_digests: Sequence[str] = ()
    remedy: str | None = None

    @classmethod
    def unread(cls, source: Unread, introduction: str = "") -> Answer:
        """Return the answer where a source could not be read.

        :param source: the source.
        :param introduction: what cannot be known because of it.
        """
        return cls("unknown", f"{introduction}{source.reason}", remedy=source.remedy)


OFF = Answer("off", "Switched off.")
