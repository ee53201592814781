"""The acknowledgements in the XCom of an audit."""

from __future__ import annotations

from typing import TypedDict

MAX_ACKNOWLEDGEMENTS = 50


MAX_ACKNOWLEDGED_EXAMPLES = 5


MAX_REASON_CHARACTERS = 200


class AcknowledgementCounts(TypedDict):
    """One entry of ``acknowledged_findings``, and what it covers in this audit.

    :param finding_count: repositories with a finding that the entry covers; 0 if it matches nothing.
    :param failed_repository_count: repositories that the entry covers and that could not be previewed; they may
        have the finding.
    :param has_ended: whether the day ``until`` has passed, so that the findings count again.
    """

    repositories: str
    code: str
    reason: str
    until: str
    has_ended: bool
    finding_count: int
    failed_repository_count: int
    repository_names: list[str]
