"""Check a lifecycle policy against everything Amazon ECR documents about the grammar.

The checks run on the decoded JSON, not on :class:`~airflow_provider_ecr_preview.policy.Rule`, so that a policy with
ten mistakes is told all ten at once.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

Severity = Literal["error", "warning", "info"]

MIN_TEXT_LENGTH = 100
MAX_TEXT_LENGTH = 30_720
MAX_RULES = 50
MAX_WILDCARDS = 4
MIN_DAYS_SINCE_TRANSITION = 90

TAG_STATUSES = ("tagged", "untagged", "any")
STORAGE_CLASSES = ("standard", "archive")
COUNT_TYPES = ("imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned")
ACTION_TYPES = ("expire", "transition")

_POLICY_KEYS = frozenset({"rules"})
_RULE_KEYS = frozenset({"rulePriority", "description", "selection", "action"})
_SELECTION_KEYS = frozenset(
    {
        "tagStatus",
        "tagPatternList",
        "tagPrefixList",
        "storageClass",
        "countType",
        "countUnit",
        "countNumber",
    }
)
_ACTION_KEYS = frozenset({"type", "targetStorageClass"})

_TAG_CHARACTERS = re.compile(r"[A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class PolicyFinding:
    """One thing that is wrong, or suspicious, in a lifecycle policy.

    :param code: a stable name for the kind of mistake, for example ``count_unit_missing``.
    :param severity: ``error`` when ECR refuses the policy or would not do what it says; ``warning`` when it is
        accepted and rarely meant.
    :param rule_priority: ``rulePriority`` of the rule, or None when the rule has none or the policy is meant.
    :param message: what was found, in one sentence.
    :param instead: what to write instead, in one sentence.
    """

    code: str
    severity: Severity
    rule_priority: int | None
    message: str
    instead: str

    def __str__(self) -> str:
        where = "policy" if self.rule_priority is None else f"rule {self.rule_priority}"
        return f"{where}: {self.message} [{self.code}] {self.instead}"


def lint_text_length(text: str) -> Iterator[PolicyFinding]:
    """Yield a finding when ``text`` is shorter or longer than ECR accepts."""
    if len(text) < MIN_TEXT_LENGTH:
        yield _error(
            "policy_too_short",
            None,
            f"the policy text has {len(text)} characters, ECR wants at least {MIN_TEXT_LENGTH}.",
            "Write at least one complete rule.",
        )
    if len(text) > MAX_TEXT_LENGTH:
        yield _error(
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
        yield _error(
            "not_an_object",
            None,
            f"the policy is {_kind(document)}, not a JSON object.",
            'Write {"rules": [...]}.',
        )
        return
    yield from _unknown_keys(document, _POLICY_KEYS, None, "the policy")
    rules = document.get("rules")
    if not isinstance(rules, list):
        yield _error(
            "rules_missing",
            None,
            f'"rules" is {_kind(rules)}, not a list.',
            'Write {"rules": [{"rulePriority": 1, ...}]}.',
        )
        return
    if not rules:
        yield _error("rules_empty", None, "the policy has no rule.", "Write at least one rule.")
    if len(rules) > MAX_RULES:
        yield _error(
            "too_many_rules",
            None,
            f"the policy has {len(rules)} rules, ECR takes at most {MAX_RULES}.",
            "Merge rules, or drop those that match nothing.",
        )
    for rule in rules:
        yield from _lint_rule(rule)
    yield from _lint_between_rules([rule for rule in rules if isinstance(rule, Mapping)])


def _lint_rule(rule: object) -> Iterator[PolicyFinding]:
    if not isinstance(rule, Mapping):
        yield _error("rule_not_an_object", None, f"a rule is {_kind(rule)}, not a JSON object.", "Write {...}.")
        return
    priority = _priority(rule)
    yield from _unknown_keys(rule, _RULE_KEYS, priority, "the rule")
    if priority is None:
        yield _error(
            "priority_invalid",
            None,
            f'"rulePriority" is {rule.get("rulePriority")!r}.',
            "Write a whole number of 1 or more, another for every rule.",
        )
    if "description" in rule and not isinstance(rule["description"], str):
        yield _error(
            "description_invalid",
            priority,
            f'"description" is {_kind(rule["description"])}.',
            "Write a text, or leave the key out.",
        )
    selection, action = rule.get("selection"), rule.get("action")
    if isinstance(selection, Mapping):
        yield from _unknown_keys(selection, _SELECTION_KEYS, priority, '"selection"')
        yield from _lint_tags(selection, priority)
        yield from _lint_storage_class(selection, priority)
        yield from _lint_count(selection, priority)
    else:
        yield _error(
            "selection_missing",
            priority,
            f'"selection" is {_kind(selection)}, not an object.',
            'Write "selection": {"tagStatus": ..., "countType": ..., "countNumber": ...}.',
        )
    if isinstance(action, Mapping):
        yield from _unknown_keys(action, _ACTION_KEYS, priority, '"action"')
        yield from _lint_action(action, priority)
    else:
        yield _error(
            "action_missing",
            priority,
            f'"action" is {_kind(action)}, not an object.',
            'Write "action": {"type": "expire"}.',
        )
    if isinstance(selection, Mapping) and isinstance(action, Mapping):
        yield from _lint_combination(selection, action, priority)


def _lint_tags(selection: Mapping[str, Any], priority: int | None) -> Iterator[PolicyFinding]:
    tag_status = selection.get("tagStatus")
    lists = [key for key in ("tagPatternList", "tagPrefixList") if key in selection]
    if tag_status not in TAG_STATUSES:
        yield _not_one_of("tag_status_invalid", "tagStatus", tag_status, TAG_STATUSES, priority)
    if tag_status == "tagged" and not lists:
        yield _error(
            "tag_list_missing",
            priority,
            'a rule with "tagStatus": "tagged" names no tags.',
            'Add "tagPatternList": ["..."] (["*"] for every tagged image).',
        )
    if len(lists) > 1:
        yield _error(
            "tag_lists_both",
            priority,
            "the rule has tagPatternList and tagPrefixList.",
            'Keep one: a prefix "v" is the pattern "v*".',
        )
    if tag_status in ("untagged", "any") and lists:
        yield _error(
            "tag_list_forbidden",
            priority,
            f'a rule with "tagStatus": "{tag_status}" names tags.',
            f'Remove {" and ".join(lists)}, or write "tagStatus": "tagged".',
        )
    for key in lists:
        yield from _lint_tag_list(key, selection[key], priority)


def _lint_tag_list(key: str, values: object, priority: int | None) -> Iterator[PolicyFinding]:
    if not isinstance(values, list) or not values or not all(isinstance(value, str) and value for value in values):
        yield _error(
            "tag_list_invalid",
            priority,
            f'"{key}" is not a list of at least one non-empty text.',
            f'Write "{key}": ["..."].',
        )
        return
    for value in values:
        if key == "tagPrefixList" and "*" in value:
            yield _warning(
                "wildcard_in_prefix",
                priority,
                f"the prefix {value!r} has a *, which no tag has: a prefix is taken literally.",
                "Use tagPatternList, or leave the * out.",
            )
        elif value.count("*") > MAX_WILDCARDS:
            yield _error(
                "too_many_wildcards",
                priority,
                f"the pattern {value!r} has {value.count('*')} wildcards, ECR takes at most {MAX_WILDCARDS}.",
                "Split it over several rules, or match less of the tag.",
            )
        if not _TAG_CHARACTERS.fullmatch(value.replace("*", "")):
            yield _warning(
                "tag_characters",
                priority,
                f"{value!r} has characters that no image tag can have, so it matches nothing.",
                "Use letters, digits, '.', '_', '-' and the one wildcard '*'.",
            )
    if len(values) > 1:
        yield _warning(
            "and_patterns",
            priority,
            f"{key} has {len(values)} entries: an image must match every one of them, not any.",
            "Write one rule for each entry if any of them should be enough.",
        )


def _lint_storage_class(selection: Mapping[str, Any], priority: int | None) -> Iterator[PolicyFinding]:
    if "storageClass" in selection and selection["storageClass"] not in STORAGE_CLASSES:
        yield _not_one_of("storage_class_invalid", "storageClass", selection["storageClass"], STORAGE_CLASSES, priority)


def _lint_count(selection: Mapping[str, Any], priority: int | None) -> Iterator[PolicyFinding]:
    count_type, count_number = selection.get("countType"), selection.get("countNumber")
    if count_type not in COUNT_TYPES:
        yield _not_one_of("count_type_invalid", "countType", count_type, COUNT_TYPES, priority)
    if not _is_positive(count_number):
        yield _error(
            "count_number_invalid",
            priority,
            f'"countNumber" is {count_number!r}.',
            "Write a whole number of 1 or more.",
        )
    elif count_type == "sinceImageTransitioned" and count_number < MIN_DAYS_SINCE_TRANSITION:
        yield _error(
            "count_number_too_small",
            priority,
            f"sinceImageTransitioned with {count_number} days: archived images are kept for at least "
            f"{MIN_DAYS_SINCE_TRANSITION}.",
            f'Write "countNumber": {MIN_DAYS_SINCE_TRANSITION} or more.',
        )
    if count_type == "imageCountMoreThan" and "countUnit" in selection:
        yield _error(
            "count_unit_forbidden",
            priority,
            "imageCountMoreThan counts images, so countUnit has no meaning.",
            'Remove "countUnit".',
        )
    elif count_type in COUNT_TYPES[1:] and selection.get("countUnit") != "days":
        code = "count_unit_invalid" if "countUnit" in selection else "count_unit_missing"
        yield _error(
            code,
            priority,
            f'{count_type} has "countUnit" {selection.get("countUnit")!r}.',
            'Write "countUnit": "days".',
        )


def _lint_action(action: Mapping[str, Any], priority: int | None) -> Iterator[PolicyFinding]:
    action_type = action.get("type")
    if action_type not in ACTION_TYPES:
        yield _not_one_of("action_type_invalid", "type", action_type, ACTION_TYPES, priority)
    if action_type == "expire" and "targetStorageClass" in action:
        yield _error(
            "target_storage_class_forbidden",
            priority,
            "expire has a targetStorageClass.",
            'Remove "targetStorageClass", or write "type": "transition".',
        )
    if action_type == "transition" and action.get("targetStorageClass") != "archive":
        code = "target_storage_class_invalid" if "targetStorageClass" in action else "target_storage_class_missing"
        yield _error(
            code,
            priority,
            f'transition has "targetStorageClass" {action.get("targetStorageClass")!r}.',
            'Write "targetStorageClass": "archive", the only one there is.',
        )


def _lint_combination(
    selection: Mapping[str, Any], action: Mapping[str, Any], priority: int | None
) -> Iterator[PolicyFinding]:
    count_type = selection.get("countType")
    archived = selection.get("storageClass", "standard") == "archive"
    if count_type == "sinceImagePulled" and action.get("type") == "expire":
        yield _error(
            "action_not_allowed",
            priority,
            "sinceImagePulled can only archive.",
            'Write "type": "transition", "targetStorageClass": "archive", or count by sinceImagePushed.',
        )
    if count_type == "sinceImageTransitioned" and action.get("type") == "transition":
        yield _error(
            "action_not_allowed",
            priority,
            "sinceImageTransitioned can only expire: its images are archived already.",
            'Write "type": "expire".',
        )
    if count_type == "sinceImageTransitioned" and not archived:
        yield _error(
            "storage_class_required",
            priority,
            "sinceImageTransitioned looks at archived images only.",
            'Write "storageClass": "archive".',
        )
    if count_type in COUNT_TYPES[:3] and archived:
        yield _error(
            "storage_class_not_allowed",
            priority,
            f"{count_type} looks at images of the standard storage class only.",
            'Remove "storageClass", or count by sinceImageTransitioned.',
        )


def _lint_between_rules(rules: list[Mapping[str, Any]]) -> Iterator[PolicyFinding]:
    priorities = [priority for rule in rules if (priority := _priority(rule)) is not None]
    yield from _repeated(
        [(priority, priority) for priority in priorities],
        "priority_duplicate",
        "rulePriority {value} stands in more than one rule.",
        "Give every rule a number of its own.",
    )
    for storage_class in STORAGE_CLASSES:
        of_class = [rule for rule in rules if _selection(rule).get("storageClass", "standard") == storage_class]
        yield from _repeated(
            [(_priority(rule), entry) for rule in of_class for entry in dict.fromkeys(_tag_entries(rule))],
            "tag_list_duplicate",
            f"{{value[1]!r}} stands in {{value[0]}} of more than one rule of storage class {storage_class}.",
            "Use every prefix and pattern once; the rule with the lower number would take its images anyway.",
        )
        for tag_status in ("untagged", "any"):
            yield from _repeated(
                [(_priority(rule), tag_status) for rule in of_class if _selection(rule).get("tagStatus") == tag_status],
                f"{tag_status}_duplicate",
                f'more than one rule of storage class {storage_class} has "tagStatus": "{{value}}".',
                "Keep one of them.",
            )
        yield from _any_rule_not_last(of_class)


def _any_rule_not_last(rules: list[Mapping[str, Any]]) -> Iterator[PolicyFinding]:
    highest = max((_priority(rule) or 0 for rule in rules), default=0)
    for rule in rules:
        priority = _priority(rule)
        if _selection(rule).get("tagStatus") == "any" and priority is not None and priority < highest:
            yield _error(
                "any_rule_not_last",
                priority,
                'a rule with "tagStatus": "any" has a lower number than another rule, which could then do nothing.',
                f'Write "rulePriority": {highest + 1}.',
            )


def _repeated(
    entries: Iterable[tuple[int | None, Hashable]], code: str, message: str, instead: str
) -> Iterator[PolicyFinding]:
    seen: set[Hashable] = set()
    for priority, value in entries:
        if value in seen:
            yield _error(code, priority, message.format(value=value), instead)
        seen.add(value)


def _tag_entries(rule: Mapping[str, Any]) -> list[tuple[str, str]]:
    selection = _selection(rule)
    return [
        (key, value)
        for key in ("tagPatternList", "tagPrefixList")
        if isinstance(selection.get(key), list)
        for value in selection[key]
        if isinstance(value, str)
    ]


def _selection(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    selection = rule.get("selection")
    return selection if isinstance(selection, Mapping) else {}


def _priority(rule: Mapping[str, Any]) -> int | None:
    priority = rule.get("rulePriority")
    return priority if _is_positive(priority) else None


def _is_positive(value: object) -> TypeGuard[int]:
    # bool is an int in Python, not in JSON.
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _unknown_keys(
    mapping: Mapping[str, Any], known: frozenset[str], priority: int | None, where: str
) -> Iterator[PolicyFinding]:
    for key in mapping:
        if key not in known:
            yield _error(
                "unknown_key",
                priority,
                f"{where} has the key {key!r}.",
                f"ECR knows {', '.join(sorted(known))}.",
            )
        elif mapping[key] is None:
            yield _error(
                "null_value", priority, f"{where} has a null at {key!r}, which ECR refuses.", "Leave the key out."
            )


def _not_one_of(code: str, key: str, value: object, allowed: tuple[str, ...], priority: int | None) -> PolicyFinding:
    return _error(code, priority, f'"{key}" is {value!r}.', f"Write one of {', '.join(allowed)}.")


def _kind(value: object) -> str:
    if value is None:
        return "missing"
    return {dict: "an object", list: "a list", str: "a text", bool: "a boolean"}.get(type(value), "a number")


def _error(code: str, priority: int | None, message: str, instead: str) -> PolicyFinding:
    return PolicyFinding(code, "error", priority, message, instead)


def _warning(code: str, priority: int | None, message: str, instead: str) -> PolicyFinding:
    return PolicyFinding(code, "warning", priority, message, instead)
