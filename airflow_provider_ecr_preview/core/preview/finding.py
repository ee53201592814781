"""One finding of a preview, and how severe findings are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FindingSeverity = Literal["critical", "warning", "info"]


SEVERITY_ORDER = {"critical": 0, "warning": 1, "info": 2}
"""The most severe first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem that a person should look at.

    :param code: a stable name, for example ``would_empty_repository``.
    :param severity: ``critical`` when an outage is likely, ``warning`` when the policy is probably not what was meant,
        ``info`` for useful facts.
    :param message: the problem and what to do about it, in one or two sentences.
    :param image_digests: at most ten of the images it is about.
    """

    code: str
    severity: FindingSeverity
    message: str
    image_digests: tuple[str, ...] = ()
