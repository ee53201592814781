"""Read acknowledgements, and set the findings apart that they cover."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Any

from airflow_provider_ecr_preview.core.audit.finding_codes import AUDIT_FINDINGS, BLOCKING
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.parameters.forms import is_list, shown
from airflow_provider_ecr_preview.core.parameters.values import decoded
from airflow_provider_ecr_preview.core.preview.result import bounded
from airflow_provider_ecr_preview.core.selection import name_globs
from airflow_provider_ecr_preview.core.xcom.acknowledgement import MAX_REASON_CHARACTERS
from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary

PARAMETER = "acknowledged_findings"


_KEYS = ("repositories", "code", "reason", "until")


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


_INSTEAD = (
    "Use a list of entries such as "
    '{"repositories": "payments/*", "code": "dead_rule", "reason": "Cleaned up in March", "until": "2027-03-31"}'
)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A finding that a person accepts until a day.

    :param repositories: a name glob of the repositories.
    :param code: the code of the finding.
    :param reason: why it is accepted.
    :param until: the last day on which it is accepted, in UTC.
    """

    repositories: str
    code: str
    reason: str
    until: date

    def covers(self, repository_name: str) -> bool:
        """Return whether it is about a repository.

        :param repository_name: the repository.
        """
        return fnmatchcase(repository_name, self.repositories)


@dataclass(frozen=True, slots=True)
class Acknowledgements:
    """The acknowledgements of an audit.

    :param entries: the acknowledgements; where several cover a finding, the one that ends last counts.
    :param today: the day of the audit, in UTC.
    """

    entries: Sequence[Acknowledgement] = ()
    today: date = date.max

    @classmethod
    def of(cls, value: Any, today: date) -> Acknowledgements:
        """Return the acknowledgements that a user wrote.

        :param value: a list of mappings with ``repositories``, ``code``, ``reason`` and ``until``, or the same as JSON.
        :param today: the day of the audit, in UTC.
        :raises ValueError: if an entry lacks a key or a reason, names an unknown finding or one that blocks a clean-up, or
            has a date that cannot be read.
        """
        value = decoded(value, PARAMETER, ())
        if not is_list(value):
            raise ValueError(f"{PARAMETER} is {shown(value)}. {_INSTEAD}.")
        entries = [_entry(item, f"{PARAMETER}[{number}]") for number, item in enumerate(value)]
        seen: set[tuple[str, str]] = set()
        for entry in entries:
            key = entry.repositories, entry.code
            if key in seen:
                raise ValueError(
                    f"{PARAMETER} has two entries for {entry.code} in {entry.repositories!r}. Keep the one that is right."
                )
            seen.add(key)
        return cls(entries, today)

    def has_ended(self, entry: Acknowledgement) -> bool:
        """Return whether the last day of an acknowledgement has passed.

        :param entry: the acknowledgement.
        """
        return entry.until < self.today

    def applied_to(self, outcome: RepositoryOutcome) -> RepositoryOutcome:
        """Return an outcome whose acknowledged findings are marked as such; no finding is removed.

        :param outcome: the outcome of a repository.
        """
        last: dict[str, str] = {}
        for entry in self.entries:
            if not self.has_ended(entry) and entry.covers(outcome.repository_name):
                last[entry.code] = max(last.get(entry.code, ""), entry.until.isoformat())
        if not last:
            return outcome
        summary = outcome.summary
        if summary is not None:
            summary = bounded({**summary, "findings": _marked(summary["findings"], last)})
        return replace(outcome, summary=summary, findings=_marked(outcome.findings, last))


def names_a_file(value: Any) -> bool:
    """Return whether a parameter names a file with acknowledgements, in place of listing them.

    :param value: the value of the parameter.
    """
    return isinstance(value, str) and not value.startswith(("[", "{"))


def _marked(findings: Iterable[FindingSummary], last: Mapping[str, str]) -> list[FindingSummary]:
    return [
        {**finding, "acknowledged_until": last[finding["code"]]}
        if finding["code"] in last and finding["severity"] != "critical"
        else finding
        for finding in findings
    ]


def _entry(item: Any, name: str) -> Acknowledgement:
    if not isinstance(item, Mapping):
        raise ValueError(f"{name} is {shown(item)}. {_INSTEAD}.")  # noqa: TRY004 - from a template
    if missing := [key for key in _KEYS if item.get(key) in (None, "")]:
        raise ValueError(f"{name} has no {' and no '.join(missing)}. {_INSTEAD}.")
    if unknown := sorted(str(key) for key in item if key not in _KEYS):
        raise ValueError(f"{name} has {shown(unknown[0])}, which is none of {', '.join(_KEYS)}. {_INSTEAD}.")
    globs = name_globs([item["repositories"]], f"{name}['repositories']")
    if not globs:
        raise ValueError(f"{name} has no repositories. {_INSTEAD}.")
    return Acknowledgement(
        globs[0], _code(item["code"], name), _reason(item["reason"], name), _day(item["until"], name)
    )


def _code(code: Any, name: str) -> str:
    if not isinstance(code, str) or code not in AUDIT_FINDINGS:
        known = ", ".join(sorted(set(AUDIT_FINDINGS) - BLOCKING))
        raise ValueError(f"{name}['code'] is {shown(code)}, which is no finding of an audit. Use one of {known}.")
    if code in BLOCKING:
        raise ValueError(
            f"{name}['code'] is {code!r}. This finding blocks a clean-up and cannot be acknowledged: correct the policy, or "
            "what the finding names."
        )
    return code


def _reason(reason: Any, name: str) -> str:
    if not isinstance(reason, str) or not reason.strip():
        raise ValueError(f"{name}['reason'] is {shown(reason)}. Write why the finding is accepted.")
    if len(reason.strip()) > MAX_REASON_CHARACTERS:
        raise ValueError(
            f"{name}['reason'] has {len(reason.strip())} characters. Use at most {MAX_REASON_CHARACTERS}, such as a link "
            "to a ticket."
        )
    return reason.strip()


def _day(until: Any, name: str) -> date:
    if isinstance(until, date) and not isinstance(until, datetime):
        return until
    try:
        if isinstance(until, str) and _DAY.fullmatch(until.strip()):
            return date.fromisoformat(until.strip())
    except ValueError:
        pass
    raise ValueError(f"{name}['until'] is {shown(until)}. Use the last day as a date, such as '2027-03-31'.")
