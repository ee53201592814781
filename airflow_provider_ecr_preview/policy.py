"""A lifecycle policy: parse, lint, canonical form, fingerprint, evaluate.

Two ways lead in. A policy that a person wrote goes through :meth:`LifecyclePolicy.parse`, which refuses what ECR
would refuse. A policy that ECR returned goes through :meth:`LifecyclePolicy.from_service`, which takes whatever ECR
takes, so that a newer grammar than ours does not stop a preview.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from airflow_provider_ecr_preview.core.parameter_text import USE_JSON, is_python_text
from airflow_provider_ecr_preview.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.policy_evaluation import RepositoryImage, Verdict, compile_pattern, evaluate
from airflow_provider_ecr_preview.policy_finding import PolicyFinding, shown
from airflow_provider_ecr_preview.policy_lint import lint_document, lint_text_length
from airflow_provider_ecr_preview.policy_lint_rule import TAG_LISTS

PolicySource = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a lifecycle policy.

    :param priority: ``rulePriority``; lower is applied first.
    :param description: the description, or None.
    :param tag_status: ``tagged``, ``untagged`` or ``any``.
    :param tag_patterns: the patterns that an image's tags must match, all of them; a prefix ``v`` is the pattern ``v*``.
    :param storage_class: ``standard`` or ``archive``: the images that the rule looks at.
    :param count_type: ``imageCountMoreThan``, ``sinceImagePushed``, ``sinceImagePulled`` or ``sinceImageTransitioned``.
    :param count_number: number of images kept, or age in days.
    :param action: ``expire`` or ``transition``.
    """

    priority: int
    description: str | None
    tag_status: str
    tag_patterns: tuple[str, ...]
    storage_class: str
    count_type: str
    count_number: int
    action: str

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Rule:
        """Return the rule that a member of the policy's ``rules`` describes."""
        selection = document["selection"]
        patterns = selection.get("tagPatternList", [])
        prefixes = selection.get("tagPrefixList", [])
        return cls(
            priority=document["rulePriority"],
            description=document.get("description"),
            tag_status=selection["tagStatus"],
            # A * in a prefix is a character that no tag has; \0 keeps it from being read as the wildcard.
            tag_patterns=(*patterns, *(prefix.replace("*", "\0") + "*" for prefix in prefixes)),
            storage_class=selection.get("storageClass", "standard"),
            count_type=selection["countType"],
            count_number=selection["countNumber"],
            action=document["action"]["type"],
        )

    @property
    def selector(self) -> str:
        """The tag requirements in a few words, for tables and messages."""
        if self.tag_status != "tagged":
            return f"{self.tag_status} images"
        return " and ".join(self.tag_patterns).replace("\0", "*")

    def matches_tags(self, image_tags: Sequence[str]) -> bool:
        """Return whether an image with these tags meets the tag requirements of the rule."""
        if self.tag_status == "any":
            return True
        if self.tag_status == "untagged":
            return not image_tags
        return all(any(map(compile_pattern(pattern).fullmatch, image_tags)) for pattern in self.tag_patterns)


@dataclass(frozen=True)
class LifecyclePolicy:
    """A lifecycle policy.

    :param rules: its rules by ascending priority.
    :param text: the JSON text as it was written.
    """

    rules: tuple[Rule, ...]
    text: str

    @classmethod
    def parse(cls, source: PolicySource) -> LifecyclePolicy:
        """Return the policy that a person wrote.

        :param source: JSON text, or the same as a dict.
        :raises InvalidLifecyclePolicyError: if ECR would refuse it; names every mistake and what to write instead.
        """
        errors = [finding for finding in lint_policy(source) if finding.severity == "error"]
        if errors:
            raise InvalidLifecyclePolicyError(errors)
        return cls.from_service(_text_of(source))

    @classmethod
    def from_service(cls, text: str) -> LifecyclePolicy:
        """Return the policy that ECR returned, without asking whether we would have accepted it.

        :param text: ``lifecyclePolicyText`` of a response.
        :raises InvalidLifecyclePolicyError: if it cannot be read as a policy at all.
        """
        try:
            rules = sorted(map(Rule.from_document, json.loads(text)["rules"]), key=lambda rule: rule.priority)
            policy = cls(tuple(rules), text)
            # Worked out here and kept, so that a policy that was read can also be compared.
            policy.canonical  # noqa: B018
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            finding = PolicyFinding.error(
                "not_readable",
                None,
                f"the text cannot be read as a lifecycle policy ({type(error).__name__}: {error}).",
                "Look at the policy in the ECR console; a newer release of this package may know it.",
            )
            raise InvalidLifecyclePolicyError([finding]) from error
        return policy

    @cached_property
    def canonical(self) -> str:
        """The policy in the one form that all its texts share."""
        return canonical_policy(self.text)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical form, in hexadecimal."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    def evaluate(self, images: Iterable[RepositoryImage], now: datetime) -> list[Verdict]:
        """Return for every image what the policy does with it, and why.

        :param images: every image of one repository, archived ones included.
        :param now: the time at which the policy acts (aware).
        """
        return evaluate(self.rules, images, now)


def lint_policy(source: PolicySource) -> list[PolicyFinding]:
    """Return what is wrong or suspicious in a policy, by rule; an empty list if nothing is.

    :param source: JSON text, or the same as a dict.
    """
    repeated: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        repeated.extend(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        return dict(pairs)

    try:
        text = _text_of(source)
        document = json.loads(text, object_pairs_hook=collect, parse_constant=_refuse_constant)
    except (ValueError, TypeError, RecursionError) as error:
        return [PolicyFinding.error("not_json", None, *_why_not_json(source, error))]
    findings = [*lint_text_length(text), *lint_document(document)]
    findings += [
        PolicyFinding.error(
            "duplicate_key", None, f"the key {shown(key)} stands twice in one object.", "Keep one of them."
        )
        for key in repeated
    ]
    return sorted(findings, key=lambda finding: finding.rule_priority or 0)


def canonical_policy(text: str) -> str:
    """Return the one form that all texts of a policy share.

    ECR sorts the rules of a policy by priority and may write keys and white space as it likes, so two texts are
    compared by this form. The order within a tag list means nothing either, and ``standard`` is the default
    ``storageClass``.

    :param text: a policy that is valid JSON.
    """
    document = json.loads(text)
    for rule in document["rules"]:
        selection = rule["selection"]
        for key in TAG_LISTS:
            if key in selection:
                selection[key] = sorted(selection[key])
        if selection.get("storageClass") == "standard":
            del selection["storageClass"]
    document["rules"].sort(key=lambda rule: rule["rulePriority"])
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _text_of(source: PolicySource) -> str:
    return source if isinstance(source, str) else json.dumps(source, ensure_ascii=False, allow_nan=False)


def _why_not_json(source: PolicySource, error: Exception) -> tuple[str, str]:
    """Return what is the matter with a text that is not JSON, and what to do."""
    if isinstance(source, str) and is_python_text(source):
        return "the policy is a text as Python writes a dict, not JSON.", f"{USE_JSON}."
    if isinstance(source, str) and source.strip().endswith(".json"):
        return (
            f"the policy is {shown(source.strip())}, the name of a file that was not found.",
            "Write its name in the DAG, relative to the folder of the DAG file or to template_searchpath of the DAG.",
        )
    return f"the policy is not JSON: {error}.", "Check commas, quotes and braces."


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is a number in Python only")
