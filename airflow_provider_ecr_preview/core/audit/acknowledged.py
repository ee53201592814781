"""Count what each acknowledgement of an audit covers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from airflow_provider_ecr_preview.core.audit.acknowledgements import Acknowledgements
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.values import Leading
from airflow_provider_ecr_preview.core.xcom.acknowledgement import MAX_ACKNOWLEDGED_EXAMPLES, AcknowledgementCounts

_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Covered:
    """What one acknowledgement covers."""

    reason: str
    has_ended: bool
    findings: int = 0
    failed: int = 0
    examples: Leading[str] = field(default_factory=lambda: Leading(MAX_ACKNOWLEDGED_EXAMPLES))


class AcknowledgedFindings:
    """The acknowledgements of an audit, each with the number of findings that it covers.

    :param acknowledgements: the acknowledgements.
    """

    def __init__(self, acknowledgements: Acknowledgements | None = None) -> None:
        self._given = acknowledgements or Acknowledgements()
        self._left_out = 0
        self._covered: dict[_Key, _Covered] = {
            (entry.repositories, entry.code, entry.until.isoformat()): _Covered(
                entry.reason, self._given.has_ended(entry)
            )
            for entry in self._given.entries
        }

    def add(self, outcome: RepositoryOutcome) -> None:
        """Count the findings of one repository that are covered, also by an acknowledgement that has ended.

        :param outcome: the outcome.
        """
        codes = {finding["code"] for finding in outcome.all_findings}
        self._count(outcome.repository_name, codes, has_failed=outcome.status == "failed")

    def add_finding(self, repository_name: str, code: str) -> None:
        """Count a finding of a repository that was counted before.

        :param repository_name: the repository.
        :param code: the code of the finding.
        """
        self._count(repository_name, {code}, has_failed=False)

    def _count(self, repository_name: str, codes: set[str], *, has_failed: bool) -> None:
        for entry in self._given.entries:
            if not entry.covers(repository_name):
                continue
            covered = self._covered[entry.repositories, entry.code, entry.until.isoformat()]
            covered.failed += has_failed
            if entry.code in codes:
                covered.findings += 1
                covered.examples.add(repository_name, repository_name)

    def update(self, other: AcknowledgedFindings) -> None:
        """Add another part of the audit.

        :param other: its acknowledgements.
        """
        self.merge(other.as_list(), other._left_out)

    def merge(self, values: Iterable[AcknowledgementCounts], left_out: int = 0) -> None:
        """Add another part of the audit, as its result has it.

        :param values: its acknowledgements.
        :param left_out: how many of its acknowledgements had no room.
        """
        self._left_out = max(self._left_out, left_out)
        for value in values:
            key = value["repositories"], value["code"], value["until"]
            covered = self._covered.setdefault(key, _Covered(value["reason"], value["has_ended"]))
            covered.findings += value["finding_count"]
            covered.failed += value["failed_repository_count"]
            for name in value["repository_names"]:
                covered.examples.add(name, name)

    @property
    def left_out(self) -> int:
        """How many acknowledgements had no room in the parts of the audit."""
        return self._left_out

    def as_list(self) -> list[AcknowledgementCounts]:
        """Return the acknowledgements under the XCom contract: those that need attention first."""
        return sorted(
            (
                AcknowledgementCounts(
                    repositories=repositories,
                    code=code,
                    reason=covered.reason,
                    until=until,
                    has_ended=covered.has_ended,
                    finding_count=covered.findings,
                    failed_repository_count=covered.failed,
                    repository_names=list(covered.examples),
                )
                for (repositories, code, until), covered in self._covered.items()
            ),
            key=lambda counts: (
                not counts["has_ended"] and counts["finding_count"] > 0,
                counts["until"],
                counts["code"],
                counts["repositories"],
            ),
        )
