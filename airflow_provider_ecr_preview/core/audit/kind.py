"""The kind of an audit: applied policies or candidates, and the selection of repositories.

Audits are only compared and plotted with others of the same kind: a what-if is not part of the applied history.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_ecr_preview.core.policy.candidates import CandidatePolicies
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.rule import Rule
from airflow_provider_ecr_preview.core.selection import RepositorySelection
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.text.visible import visible
from airflow_provider_ecr_preview.core.values import cut
from airflow_provider_ecr_preview.core.xcom.audit import AuditedPolicies

MAX_POLICY_CHARACTERS = 4_000
"""A candidate policy longer than this is not repeated in the result of the audit."""


_MAX_SELECTION_CHARACTERS = 300


_FINGERPRINT_CHARACTERS = 16


_MAX_NAME_CHARACTERS = 80


APPLIED = "applied"


MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class AuditKind:
    """The kind of an audit.

    :param policies: ``applied``, ``candidate``, or ``mixed`` for parts of several kinds.
    :param fingerprint: SHA-256 over the candidate policies and their globs; None without candidates.
    :param text: the candidate policy; None if there is none, more than one, or a long one.
    :param selection: the selection of repositories, in words that are the same in every run; None if unknown.
    :param name: what the rules of the candidate say about themselves; the globs of several candidates; None without one.
    """

    policies: str = APPLIED
    fingerprint: str | None = None
    text: str | None = None
    selection: str | None = None
    name: str | None = None

    @property
    def series(self) -> str:
        """The value of the column ``policies``, the same for all audits of the same policies."""
        if self.fingerprint is None:
            return self.policies
        return f"{self.policies} {self.fingerprint[:_FINGERPRINT_CHARACTERS]}"

    def is_of_row(self, row: Mapping[str, str]) -> bool:
        """Return whether a row of an earlier audit is of the same kind.

        A row written before audits had a kind counts as one of the applied policies and the same selection.

        :param row: a row of a table of repositories.
        """
        if (row.get("policies") or APPLIED) != self.series:
            return False
        selection = row.get("selection") or None
        return self.selection is None or selection is None or selection == self.selection

    def united(self, other: AuditKind) -> AuditKind:
        """Return the kind of an audit that has parts of both kinds.

        :param other: the kind of the other part.
        """
        if (self.policies, self.fingerprint) != (other.policies, other.fingerprint):
            return AuditKind(MIXED, None, None, self.selection if self.selection == other.selection else None)
        return self if self.selection == other.selection else replace(self, selection=None)

    def as_dict(self) -> AuditedPolicies:
        """Return it in plain JSON types, without the selection."""
        return AuditedPolicies(
            kind=self.policies, fingerprint=self.fingerprint, lifecycle_policy_text=self.text, name=self.name
        )

    @classmethod
    def from_xcom(cls, value: Mapping[str, Any]) -> AuditKind:
        """Return the kind of an audit that a task pushed; one without a kind is of the applied policies.

        :param value: the audit.
        """
        policies = value.get("policies") or {}
        return cls(
            policies.get("kind") or APPLIED,
            policies.get("fingerprint"),
            policies.get("lifecycle_policy_text"),
            value.get("selection"),
            policies.get("name"),
        )

    @classmethod
    def of(cls, candidates: CandidatePolicies, selection: str | None) -> AuditKind:
        """Return the kind of an audit.

        :param candidates: the candidate policies.
        :param selection: the selection of repositories, in words.
        """
        by_glob = {"*": candidates.policy_for_the_rest, **candidates.by_name}
        given = {glob: policy for glob, policy in by_glob.items() if policy is not None}
        if not given:
            return cls(selection=selection)
        lines = [f"{glob}\0{policy.fingerprint if policy else ''}" for glob, policy in by_glob.items()]
        fingerprint = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        texts = {policy.text for policy in given.values()}
        text = texts.pop() if len(texts) == 1 else None
        is_short = text is not None and len(text) <= MAX_POLICY_CHARACTERS
        name = _name_of(next(iter(given.values()))) if text else ", ".join(given)
        return cls(
            "candidate", fingerprint, text if is_short else None, selection, cut(visible(name), _MAX_NAME_CHARACTERS)
        )


def _name_of(policy: LifecyclePolicy) -> str:
    return "; ".join(rule.description or _rule_in_words(rule) for rule in policy.rules)


def _rule_in_words(rule: Rule) -> str:
    if rule.count_type == "imageCountMoreThan":
        return f"{rule.selector}: keep {rule.count_number}"
    return f"{rule.selector}: {counted(rule.count_number, 'day')}"


def selection_text(value: Any) -> str | None:
    """Describe the selection of repositories, always in the same words.

    :param value: text, or the parameters of the selection by name (``include``, ``exclude``, ``tags`` and
        ``with_policy``); None if unknown.
    :raises ValueError: if it is no selection.
    """
    if isinstance(value, Mapping):
        value = _in_words(value)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"selection is {cut(repr(value), 100)}. Give text, or include, exclude, tags and with_policy.")
    if not value:
        return None
    if len(value) <= _MAX_SELECTION_CHARACTERS:
        return value
    digest = hashlib.sha256(value.encode()).hexdigest()[:_FINGERPRINT_CHARACTERS]
    return f"{value[: _MAX_SELECTION_CHARACTERS - _FINGERPRINT_CHARACTERS - 2]}… {digest}"


def _in_words(value: Mapping[str, Any]) -> str:
    selection = RepositorySelection.of(value.get("include"), value.get("exclude"), value.get("tags"))
    parts = [", ".join(sorted(selection.include))]
    if selection.exclude:
        parts.append(f"but not {', '.join(sorted(selection.exclude))}")
    if selection.tags:
        tags = (f"{key}={'|'.join(sorted(values))}" for key, values in sorted(selection.tags.items()))
        parts.append(f"with the tags {', '.join(tags)}")
    with_policy = str(value.get("with_policy") or "").lower()
    if with_policy == "true":
        parts.append("that have a policy")
    elif with_policy == "false" or value.get("with_policy") is False:
        parts.append("that have no policy")
    return " ".join(parts)
