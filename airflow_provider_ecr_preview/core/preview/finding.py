"""One finding of a preview, and how severe findings are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FindingSeverity = Literal["critical", "warning", "info"]


SEVERITY_ORDER = {"critical": 0, "warning": 1, "info": 2}
"""The most severe first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should look at.

    :param code: a stable name, for example ``would_empty_repository``.
    :param severity: ``critical`` when an outage is likely, ``warning`` when the policy is hardly what was meant,
        ``info`` for what is good to know.
    :param message: what was found and what to do, in one or two sentences.
    :param image_digests: at most ten of the images it is about.
    """

    code: str
    severity: FindingSeverity
    message: str
    image_digests: tuple[str, ...] = ()
