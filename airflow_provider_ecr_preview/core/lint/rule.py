"""Check one rule of a lifecycle policy, on its decoded JSON.

ECR refuses every null. Each is reported once, and its key then counts as missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from airflow_provider_ecr_preview.core.lint.finding import PolicyFinding, shown, shown_at

MAX_WILDCARDS = 4


MIN_DAYS_SINCE_TRANSITION = 90


TAG_STATUSES = ("tagged", "untagged", "any")


TAG_LISTS = ("tagPatternList", "tagPrefixList")


STORAGE_CLASSES = ("standard", "archive")


COUNT_TYPES_OF_STANDARD = ("imageCountMoreThan", "sinceImagePushed", "sinceImagePulled")


COUNT_TYPES_IN_DAYS = ("sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned")


COUNT_TYPES = ("imageCountMoreThan", *COUNT_TYPES_IN_DAYS)


ACTION_TYPES = ("expire", "transition")


_RULE_KEYS = frozenset({"rulePriority", "description", "selection", "action"})


_SELECTION_KEYS = frozenset({"tagStatus", *TAG_LISTS, "storageClass", "countType", "countUnit", "countNumber"})


_ACTION_KEYS = frozenset({"type", "targetStorageClass"})


_TAG_CHARACTERS = re.compile(r"[A-Za-z0-9._-]*")


def lint_rule(rule: object, position: int) -> Iterator[PolicyFinding]:
    """Yield a finding for everything in one rule that breaks a documented rule of the grammar.

    :param rule: a member of the policy's ``rules``, decoded.
    :param position: its place among them, counted from 1, to name a rule without a valid priority.
    """
    if not isinstance(rule, Mapping):
        yield PolicyFinding.error(
            "rule_not_an_object",
            None,
            f"number {position} of the rules is {shown(rule)}, not a JSON object.",
            'Write {"rulePriority": 1, "selection": {...}, "action": {...}}.',
        )
        return
    priority = priority_of(rule)
    yield from unknown_keys(rule, _RULE_KEYS, priority, "the rule")
    rule = _without_nulls(rule)
    if priority is None:
        yield PolicyFinding.error(
            "priority_invalid",
            None,
            f'"rulePriority" of number {position} of the rules is {shown_at(rule, "rulePriority")}.',
            "Write a whole number of 1 or more, different for each rule.",
        )
    if not isinstance(rule.get("description", ""), str):
        yield PolicyFinding.error(
            "description_invalid",
            priority,
            f'"description" is {shown_at(rule, "description")}, not a text.',
            "Write a text, or leave the key out.",
        )
    if not isinstance(rule.get("selection"), Mapping):
        yield PolicyFinding.error(
            "selection_missing",
            priority,
            f'"selection" is {shown_at(rule, "selection")}, not an object.',
            'Write "selection": {"tagStatus": ..., "countType": ..., "countNumber": ...}.',
        )
    else:
        yield from _lint_selection(rule["selection"], priority)
    if not isinstance(rule.get("action"), Mapping):
        yield PolicyFinding.error(
            "action_missing",
            priority,
            f'"action" is {shown_at(rule, "action")}, not an object.',
            'Write "action": {"type": "expire"}.',
        )
    else:
        yield from _lint_action(rule["action"], priority)
        yield from _lint_combination(selection_of(rule), rule["action"], priority)


def priority_of(rule: Mapping[str, Any]) -> int | None:
    """Return the ``rulePriority`` of a decoded rule, or None when it has no valid one."""
    priority = rule.get("rulePriority")
    return priority if _is_positive(priority) else None


def selection_of(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the ``selection`` of a decoded rule; empty when it has none."""
    selection = rule.get("selection")
    return _without_nulls(selection) if isinstance(selection, Mapping) else {}


def unknown_keys(
    mapping: Mapping[str, Any], known: frozenset[str], priority: int | None, where: str
) -> Iterator[PolicyFinding]:
    """Yield a finding for every key that ECR does not know, and for every null."""
    for key, value in mapping.items():
        if key not in known:
            yield PolicyFinding.error(
                "unknown_key",
                priority,
                f"{where} has the key {shown(key)}.",
                f"ECR knows {', '.join(sorted(known))}.",
            )
        elif value is None:
            yield PolicyFinding.error(
                "null_value",
                priority,
                f"{where} has a null at {key!r}, which ECR refuses.",
                "Leave the key out, or give it a value.",
            )


def _lint_selection(selection: Mapping[str, Any], priority: int | None) -> Iterator[PolicyFinding]:
    yield from unknown_keys(selection, _SELECTION_KEYS, priority, '"selection"')
    selection = _without_nulls(selection)
    yield from _lint_tags(selection, priority)
    if selection.get("storageClass", "standard") not in STORAGE_CLASSES:
        yield _not_one_of("storage_class_invalid", "storageClass", selection, STORAGE_CLASSES, priority)
    yield from _lint_count(selection, priority)


def _lint_tags(selection: Mapping[str, Any], priority: int | None) -> Iterator[PolicyFinding]:
    tag_status = selection.get("tagStatus")
    lists = [key for key in TAG_LISTS if key in selection]
    if tag_status not in TAG_STATUSES:
        yield _not_one_of("tag_status_invalid", "tagStatus", selection, TAG_STATUSES, priority)
    if tag_status == "tagged" and not lists:
        yield PolicyFinding.error(
            "tag_list_missing",
            priority,
            'a rule with "tagStatus": "tagged" names no tags.',
            'Add "tagPatternList": ["..."] (["*"] for every tagged image).',
        )
    if len(lists) > 1:
        yield PolicyFinding.error(
            "tag_lists_both",
            priority,
            "the rule has tagPatternList and tagPrefixList.",
            'Keep one: a prefix "v" is the pattern "v*".',
        )
    if tag_status in ("untagged", "any") and lists:
        yield PolicyFinding.error(
            "tag_list_forbidden",
            priority,
            f'a rule with "tagStatus": "{tag_status}" names tags.',
            f'Remove {" and ".join(lists)}, or write "tagStatus": "tagged".',
        )
    for key in lists:
        yield from _lint_tag_list(key, selection[key], priority)


def _lint_tag_list(key: str, values: object, priority: int | None) -> Iterator[PolicyFinding]:
    if not isinstance(values, list) or not values or not all(isinstance(value, str) and value for value in values):
        yield PolicyFinding.error(
            "tag_list_invalid",
            priority,
            f'"{key}" is not a list of at least one non-empty text.',
            f'Write "{key}": ["..."].',
        )
        return
    distinct = list(dict.fromkeys(values))
    for value in distinct:
        yield from _lint_tag_entry(key, value, priority)
    if len(distinct) < len(values):
        yield PolicyFinding.warning(
            "tag_list_repeats",
            priority,
            f"{key} has an entry more than once.",
            "Write every entry once.",
        )
    if len(distinct) > 1:
        yield PolicyFinding.warning(
            "and_patterns",
            priority,
            f"{key} has {len(distinct)} entries: an image must match every one of them, not any.",
            "Write one rule for each entry if any of them should be enough.",
        )


def _lint_tag_entry(key: str, value: str, priority: int | None) -> Iterator[PolicyFinding]:
    if key == "tagPrefixList" and "*" in value:
        yield PolicyFinding.warning(
            "wildcard_in_prefix",
            priority,
            f"the prefix {shown(value)} has a *, which no tag has: a prefix is taken literally.",
            "Use tagPatternList, or leave the * out.",
        )
    elif value.count("*") > MAX_WILDCARDS:
        yield PolicyFinding.error(
            "too_many_wildcards",
            priority,
            f"the pattern {shown(value)} has {value.count('*')} wildcards, ECR takes at most {MAX_WILDCARDS}.",
            "Match less of the tag, for example by its beginning only.",
        )
    if not _TAG_CHARACTERS.fullmatch(value.replace("*", "")):
        yield PolicyFinding.warning(
            "tag_characters",
            priority,
            f"{shown(value)} has characters that no image tag can have, so it matches nothing.",
            "Use letters, digits, '.', '_', '-' and, in a pattern, the one wildcard '*'.",
        )


def _lint_count(selection: Mapping[str, Any], priority: int | None) -> Iterator[PolicyFinding]:
    count_type, count_number = selection.get("countType"), selection.get("countNumber")
    if count_type not in COUNT_TYPES:
        yield _not_one_of("count_type_invalid", "countType", selection, COUNT_TYPES, priority)
    if not _is_positive(count_number):
        yield PolicyFinding.error(
            "count_number_invalid",
            priority,
            f'"countNumber" is {shown_at(selection, "countNumber")}.',
            "Write a whole number of 1 or more.",
        )
    elif count_type == "sinceImageTransitioned" and count_number < MIN_DAYS_SINCE_TRANSITION:
        yield PolicyFinding.error(
            "count_number_too_small",
            priority,
            f"sinceImageTransitioned has {count_number} days, and archived images are kept for at least "
            f"{MIN_DAYS_SINCE_TRANSITION}.",
            f'Write "countNumber": {MIN_DAYS_SINCE_TRANSITION} or more.',
        )
    if count_type == "imageCountMoreThan" and "countUnit" in selection:
        yield PolicyFinding.error(
            "count_unit_forbidden",
            priority,
            "imageCountMoreThan counts images, so countUnit has no meaning.",
            'Remove "countUnit".',
        )
    elif count_type in COUNT_TYPES_IN_DAYS and selection.get("countUnit") != "days":
        code = "count_unit_invalid" if "countUnit" in selection else "count_unit_missing"
        yield PolicyFinding.error(
            code,
            priority,
            f'{count_type} counts days, and "countUnit" is {shown_at(selection, "countUnit")}.',
            'Write "countUnit": "days".',
        )


def _lint_action(action: Mapping[str, Any], priority: int | None) -> Iterator[PolicyFinding]:
    yield from unknown_keys(action, _ACTION_KEYS, priority, '"action"')
    action = _without_nulls(action)
    action_type = action.get("type")
    if action_type not in ACTION_TYPES:
        yield _not_one_of("action_type_invalid", "type", action, ACTION_TYPES, priority)
    if action_type == "expire" and "targetStorageClass" in action:
        yield PolicyFinding.error(
            "target_storage_class_forbidden",
            priority,
            "expire has a targetStorageClass.",
            'Remove "targetStorageClass", or write "type": "transition".',
        )
    if action_type == "transition" and action.get("targetStorageClass") != "archive":
        code = "target_storage_class_invalid" if "targetStorageClass" in action else "target_storage_class_missing"
        yield PolicyFinding.error(
            code,
            priority,
            f'transition has to name its target, and "targetStorageClass" is {shown_at(action, "targetStorageClass")}.',
            'Write "targetStorageClass": "archive", the only one there is.',
        )


def _lint_combination(
    selection: Mapping[str, Any], action: Mapping[str, Any], priority: int | None
) -> Iterator[PolicyFinding]:
    count_type = selection.get("countType")
    archived = selection.get("storageClass", "standard") == "archive"
    if count_type == "sinceImagePulled" and action.get("type") == "expire":
        yield PolicyFinding.error(
            "action_not_allowed",
            priority,
            "sinceImagePulled can only archive.",
            'Write "type": "transition", "targetStorageClass": "archive", or count by sinceImagePushed.',
        )
    if count_type == "sinceImageTransitioned" and action.get("type") == "transition":
        yield PolicyFinding.error(
            "action_not_allowed",
            priority,
            "sinceImageTransitioned can only expire: its images are archived already.",
            'Write "type": "expire" and no targetStorageClass.',
        )
    if count_type == "sinceImageTransitioned" and not archived:
        yield PolicyFinding.error(
            "storage_class_required",
            priority,
            "sinceImageTransitioned looks at archived images only.",
            'Write "storageClass": "archive".',
        )
    if count_type in COUNT_TYPES_OF_STANDARD and archived:
        yield PolicyFinding.error(
            "storage_class_not_allowed",
            priority,
            f"{count_type} looks at images of the standard storage class only.",
            'Remove "storageClass", or count by sinceImageTransitioned.',
        )


def _not_one_of(
    code: str, key: str, mapping: Mapping[str, Any], allowed: tuple[str, ...], priority: int | None
) -> PolicyFinding:
    return PolicyFinding.error(code, priority, f'"{key}" is {shown_at(mapping, key)}.', f"Write {_either(allowed)}.")


def _either(allowed: tuple[str, ...]) -> str:
    return f"{', '.join(allowed[:-1])} or {allowed[-1]}"


def _is_positive(value: object) -> TypeGuard[int]:
    # bool is an int in Python, but not in JSON.
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _without_nulls(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if value is not None}
