"""The acknowledgements in the XCom of an audit."""

from __future__ import annotations

from typing import TypedDict

MAX_ACKNOWLEDGEMENTS = 50


MAX_ACKNOWLEDGED_EXAMPLES = 5


MAX_REASON_CHARACTERS = 200


class AcknowledgementCounts(TypedDict):
    """One entry of ``acknowledged_findings``, and what it covers in this audit.

    ``finding_count`` is the number of repositories with such a finding. Where ``has_ended``, the day ``until`` has passed and
    these findings count again. With a count of 0 the entry matches nothing, except perhaps in one of the
    ``failed_repository_count`` repositories that it covers and that could not be previewed.
    """

    repositories: str
    code: str
    reason: str
    until: str
    has_ended: bool
    finding_count: int
    failed_repository_count: int
    repository_names: list[str]
