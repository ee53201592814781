"""A mistake, or something suspicious, in a lifecycle policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider_ecr_preview.core.text.visible import visible

Severity = Literal["error", "warning"]


MAX_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class PolicyFinding:
    """A mistake, or something suspicious, in a lifecycle policy.

    :param code: a stable name for the kind of mistake, for example ``count_unit_missing``.
    :param severity: ``error`` when ECR refuses the policy or would not do what it says; ``warning`` when it is
        accepted but rarely meant.
    :param rule_priority: ``rulePriority`` of the rule, or None if it has none or the whole policy is meant.
    :param message: the problem, in one sentence.
    :param instead: what to write instead, in one sentence.
    """

    code: str
    severity: Severity
    rule_priority: int | None
    message: str
    instead: str

    def __str__(self) -> str:
        where = "policy" if self.rule_priority is None else f"rule {self.rule_priority}"
        return visible(f"{where}: {self.message} [{self.code}] {self.instead}")

    @classmethod
    def error(cls, code: str, rule_priority: int | None, message: str, instead: str) -> PolicyFinding:
        """Return a finding about something that ECR refuses."""
        return cls(code, "error", rule_priority, message, instead)

    @classmethod
    def warning(cls, code: str, rule_priority: int | None, message: str, instead: str) -> PolicyFinding:
        """Return a finding about something that ECR accepts but is rarely meant."""
        return cls(code, "warning", rule_priority, message, instead)


def shown(value: object) -> str:
    """Return a decoded JSON value as a message shows it: text and numbers as they are, cut if long."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"


def shown_at(mapping: Mapping[str, Any], key: str) -> str:
    """Return the value of ``key`` as a message shows it, or ``missing``."""
    return shown(mapping[key]) if key in mapping else "missing"
