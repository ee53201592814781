"""One finding of a preview, and how severe findings are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary

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

    def as_dict(self) -> FindingSummary:
        """Return the finding in plain JSON types."""
        return FindingSummary(
            code=self.code, severity=self.severity, message=self.message, image_digests=[*self.image_digests]
        )


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings, the most severe first.

    :param findings: the findings.
    """
    return sorted(findings, key=lambda finding: SEVERITY_ORDER[finding.severity])
