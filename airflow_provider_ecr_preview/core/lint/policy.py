"""Check a lifecycle policy against the grammar that Amazon ECR documents.

The checks run on the decoded JSON, not on :class:`~airflow_provider_ecr_preview.core.policy.rule.Rule`, so that a policy with
ten mistakes gets ten findings. This module checks the policy as a whole;
:mod:`~airflow_provider_ecr_preview.core.lint.rule` checks one rule alone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_ecr_preview.core.lint.finding import PolicyFinding, Severity, shown, shown_at
from airflow_provider_ecr_preview.core.lint.rule import (
    STORAGE_CLASSES,
    TAG_LISTS,
    lint_rule,
    priority_of,
    selection_of,
    unknown_keys,
)
from airflow_provider_ecr_preview.core.lint.shadow import covers, covers_every_tag
from airflow_provider_ecr_preview.core.parameters.forms import USE_JSON, is_python_text

__all__ = [
    "MAX_RULES",
    "MAX_TEXT_LENGTH",
    "MIN_TEXT_LENGTH",
    "PolicyFinding",
    "Severity",
    "lint_document",
    "lint_text_length",
]


MIN_TEXT_LENGTH = 100


MAX_TEXT_LENGTH = 30_720


MAX_RULES = 50


_POLICY_KEYS = frozenset({"rules"})


def lint_text_length(text: str) -> Iterator[PolicyFinding]:
    """Yield a finding when ``text`` is shorter or longer than ECR accepts."""
    if len(text) < MIN_TEXT_LENGTH:
        yield PolicyFinding.error(
            "policy_too_short",
            None,
            f"the policy text has {len(text)} characters, ECR wants at least {MIN_TEXT_LENGTH}.",
            "Write at least one complete rule.",
        )
    if len(text) > MAX_TEXT_LENGTH:
        yield PolicyFinding.error(
            "policy_too_long",
            None,
            f"the policy text has {len(text)} characters, ECR takes at most {MAX_TEXT_LENGTH}.",
            "Shorten descriptions and white space, or merge rules.",
        )


def lint_document(document: object) -> Iterator[PolicyFinding]:
    """Yield a finding for everything in the decoded policy that breaks a documented rule of the grammar.

    :param document: the policy as ``json.loads`` returns it.
    """
    if not isinstance(document, Mapping):
        yield PolicyFinding.error(
            "not_an_object",
            None,
            f"the policy is {shown(document)}, not a JSON object.",
            'Write {"rules": [...]}.',
        )
        return
    yield from unknown_keys(document, _POLICY_KEYS, None, "the policy")
    rules = document.get("rules")
    if not isinstance(rules, list):
        yield PolicyFinding.error(
            "rules_missing",
            None,
            f'"rules" is {shown_at(document, "rules")}, not a list.',
            'Write {"rules": [{"rulePriority": 1, ...}]}.',
        )
        return
    if not rules:
        yield PolicyFinding.error("rules_empty", None, "the policy has no rule.", "Write at least one rule.")
    if len(rules) > MAX_RULES:
        yield PolicyFinding.error(
            "too_many_rules",
            None,
            f"the policy has {len(rules)} rules, ECR takes at most {MAX_RULES}.",
            "Merge rules, or drop those that match nothing.",
        )
    for position, rule in enumerate(rules, 1):
        yield from lint_rule(rule, position)
    yield from _lint_between_rules([rule for rule in rules if isinstance(rule, Mapping)])


def _lint_between_rules(rules: list[Mapping[str, Any]]) -> Iterator[PolicyFinding]:
    priorities = [priority for rule in rules if (priority := priority_of(rule)) is not None]
    free = max(priorities, default=0) + 1
    yield from _repeated(
        [(priority, priority) for priority in priorities],
        "priority_duplicate",
        "rulePriority {value} is in more than one rule.",
        "Give every rule a number of its own.",
    )
    for storage_class in STORAGE_CLASSES:
        of_class = [rule for rule in rules if selection_of(rule).get("storageClass", "standard") == storage_class]
        yield from _repeated(
            [(priority_of(rule), (key, entries)) for rule in of_class for key, entries in _tag_lists(rule).items()],
            "tag_list_duplicate",
            f"another rule of storage class {storage_class} has the same {{value[0]}}.",
            "Keep one of the two: the rule with the lower number decides about their images anyway.",
        )
        yield from _shared_entries(of_class, storage_class)
        yield from _shadowed(of_class)
        for tag_status in ("untagged", "any"):
            yield from _repeated(
                [
                    (priority_of(rule), tag_status)
                    for rule in of_class
                    if selection_of(rule).get("tagStatus") == tag_status
                ],
                f"{tag_status}_duplicate",
                f'more than one rule of storage class {storage_class} has "tagStatus": "{{value}}".',
                "Keep one of them.",
            )
        yield from _any_rule_not_last(of_class, free)


def _any_rule_not_last(rules: list[Mapping[str, Any]], free: int) -> Iterator[PolicyFinding]:
    highest = max((priority_of(rule) or 0 for rule in rules), default=0)
    for rule in rules:
        priority = priority_of(rule)
        if selection_of(rule).get("tagStatus") == "any" and priority is not None and priority < highest:
            yield PolicyFinding.error(
                "any_rule_not_last",
                priority,
                'a rule with "tagStatus": "any" has a lower number than another rule, which could then do nothing.',
                f'Write "rulePriority": {free}.',
            )


def _repeated(
    entries: Iterable[tuple[int | None, Hashable]], code: str, message: str, instead: str
) -> Iterator[PolicyFinding]:
    seen: set[Hashable] = set()
    for priority, value in entries:
        if value in seen:
            yield PolicyFinding.error(code, priority, message.format(value=value), instead)
        seen.add(value)


def _shared_entries(rules: list[Mapping[str, Any]], storage_class: str) -> Iterator[PolicyFinding]:
    """Yield a warning for every tag that appears in different lists of two rules."""
    lists = [(priority_of(rule), key, entries) for rule in rules for key, entries in _tag_lists(rule).items()]
    for position, (priority, key, entries) in enumerate(lists):
        earlier = [other for _, other_key, other in lists[:position] if other_key == key and other != entries]
        for value in sorted(entries & frozenset[str]().union(*earlier)):
            yield PolicyFinding.warning(
                "tag_list_shared",
                priority,
                f"{value!r} is in {key} of more than one rule of storage class {storage_class}; the lists differ, "
                "and AWS does not document whether ECR accepts that.",
                "Keep it in one rule only: the rule with the lower number decides about images that both select.",
            )


def _shadowed(rules: list[Mapping[str, Any]]) -> Iterator[PolicyFinding]:
    """Yield a warning for every rule that can never act because a rule with a lower number decides all its images."""
    tagged = [
        (priority, patterns, _tag_lists(rule))
        for rule in rules
        if (priority := priority_of(rule)) is not None and (patterns := _patterns(rule))
    ]
    tagged.sort(key=lambda entry: entry[0])
    for position, (priority, patterns, lists) in enumerate(tagged):
        for above, wide, other_lists in tagged[:position]:
            if above < priority and lists != other_lists and covers(wide, patterns):
                yield PolicyFinding.warning(
                    "rule_shadowed",
                    priority,
                    f"rule {above} selects every image that this rule selects and has the lower number, so this rule does "
                    "nothing.",
                    f"Give this rule a lower number than {above}, or remove it.",
                )
                break
    every_tag = next((priority for priority, patterns, _ in tagged if covers_every_tag(patterns)), None)
    untagged = min(_priorities_of(rules, "untagged"), default=None)
    if every_tag is None or untagged is None:
        return
    for priority in _priorities_of(rules, "any"):
        if priority > max(every_tag, untagged):
            first, second = sorted((every_tag, untagged))
            yield PolicyFinding.warning(
                "rule_shadowed",
                priority,
                f"rules {first} and {second} together select every image and have the lower numbers, so this rule does "
                "nothing.",
                f"Remove it, or let one of rules {first} and {second} select fewer images.",
            )


def _priorities_of(rules: list[Mapping[str, Any]], tag_status: str) -> list[int]:
    return [
        priority
        for rule in rules
        if selection_of(rule).get("tagStatus") == tag_status and (priority := priority_of(rule)) is not None
    ]


def _patterns(rule: Mapping[str, Any]) -> list[str]:
    """Return the tag patterns of a rule, with each prefix as its equivalent pattern."""
    if selection_of(rule).get("tagStatus") != "tagged":
        return []
    lists = _tag_lists(rule)
    patterns, prefixes = lists.get("tagPatternList", ()), lists.get("tagPrefixList", ())
    return [*patterns, *(f"{prefix}*" for prefix in prefixes if "*" not in prefix)]


def _tag_lists(rule: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    selection = selection_of(rule)
    return {
        key: entries
        for key in TAG_LISTS
        if isinstance(selection.get(key), list)
        and (entries := frozenset(value for value in selection[key] if isinstance(value, str)))
    }


PolicySource = str | Mapping[str, Any]


def lint_policy(source: PolicySource) -> list[PolicyFinding]:
    """Return the mistakes and suspicious parts of a policy, by rule; an empty list if there are none.

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
        PolicyFinding.warning(
            "duplicate_key",
            None,
            f"the key {shown(key)} is twice in one object; AWS does not document which of the two ECR reads. Only the last "
            "one is checked here.",
            "Keep one of them.",
        )
        for key in repeated
    ]
    return sorted(findings, key=lambda finding: finding.rule_priority or 0)


def _text_of(source: PolicySource) -> str:
    return source if isinstance(source, str) else json.dumps(source, ensure_ascii=False, allow_nan=False)


def _why_not_json(source: PolicySource, error: Exception) -> tuple[str, str]:
    """Explain why a text is not JSON, and how to fix it."""
    if isinstance(source, str) and is_python_text(source):
        return "the policy is a Python dict as text, not JSON.", f"{USE_JSON}."
    if isinstance(source, str) and source.strip().endswith(".json"):
        return (
            f"the policy is {shown(source.strip())}, the name of a file that was not found.",
            "Write its name in the DAG, relative to the folder of the DAG file or to template_searchpath of the DAG.",
        )
    return f"the policy is not JSON: {error}.", "Check commas, quotes and braces."


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is a number in Python only")
