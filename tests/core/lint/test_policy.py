from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.lint.policy import lint_policy
from airflow_provider_ecr_preview.core.lint.shadow import covers
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.rule import Rule
from tests.support.policies import EXPIRE, rule, tagged

ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}
IN_ARCHIVE = {
    "storageClass": "archive",
    "countType": "sinceImageTransitioned",
    "countUnit": "days",
    "countNumber": 90,
}


def without(key: str, document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != key}


def without_selection(key: str, document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "selection": without(key, document["selection"])}


def text(*rules: object) -> str:
    """Return the text of a policy, long enough for ECR whatever its rules are."""
    return json.dumps({"rules": rules}).ljust(100)


def archive_example() -> dict[str, Any]:
    """Return the archive example of the user guide: two `any` rules, one for each storage class."""
    return {
        "rules": [
            {
                "rulePriority": 1,
                "description": "Archive images not pulled in 90 days",
                "selection": {
                    "tagStatus": "any",
                    "countType": "sinceImagePulled",
                    "countUnit": "days",
                    "countNumber": 90,
                },
                "action": {"type": "transition", "targetStorageClass": "archive"},
            },
            {
                "rulePriority": 2,
                "description": "Delete images archived for more than 365 days",
                "selection": {
                    "tagStatus": "any",
                    "storageClass": "archive",
                    "countType": "sinceImageTransitioned",
                    "countUnit": "days",
                    "countNumber": 365,
                },
                "action": {"type": "expire"},
            },
        ]
    }


# Each case: a policy with the mistake, all that is found in it, and the policy that follows the advice.
MISTAKES = [
    pytest.param(
        "[]".ljust(100),
        ['error policy: the policy is a list, not a JSON object. [not_an_object] Write {"rules": [...]}.'],
        text(rule()),
        id="not_an_object",
    ),
    pytest.param(
        '{"rules": {}}'.ljust(100),
        [
            'error policy: "rules" is an object, not a list. [rules_missing] Write {"rules": [{"rulePriority": 1, ...}]}.'
        ],
        text(rule()),
        id="rules_missing",
    ),
    pytest.param(
        '{"rules": null}'.ljust(100),
        [
            "error policy: the policy has a null at 'rules', which ECR refuses. [null_value] Leave the key out, or give it a value.",
            'error policy: "rules" is null, not a list. [rules_missing] Write {"rules": [{"rulePriority": 1, ...}]}.',
        ],
        text(rule()),
        id="rules_null",
    ),
    pytest.param(
        "{}".ljust(100),
        ['error policy: "rules" is missing, not a list. [rules_missing] Write {"rules": [{"rulePriority": 1, ...}]}.'],
        text(rule()),
        id="rules_absent",
    ),
    pytest.param(
        text(),
        ["error policy: the policy has no rule. [rules_empty] Write at least one rule."],
        text(rule()),
        id="rules_empty",
    ),
    pytest.param(
        json.dumps({"rules": [rule()], "Version": "1"}),
        ["error policy: the policy has the key 'Version'. [unknown_key] ECR knows rules."],
        text(rule()),
        id="unknown_key_in_policy",
    ),
    pytest.param(
        text(rule(7), None),
        [
            'error policy: number 2 of the rules is null, not a JSON object. [rule_not_an_object] Write {"rulePriority": 1, "selection": {...}, "action": {...}}.'
        ],
        text(rule(7)),
        id="rule_null",
    ),
    pytest.param(
        text("expire all"),
        [
            'error policy: number 1 of the rules is \'expire all\', not a JSON object. [rule_not_an_object] Write {"rulePriority": 1, "selection": {...}, "action": {...}}.'
        ],
        text(rule()),
        id="rule_not_an_object",
    ),
    pytest.param(
        text({**rule(7), "name": "x"}),
        [
            "error rule 7: the rule has the key 'name'. [unknown_key] ECR knows action, description, rulePriority, selection."
        ],
        text(rule(7)),
        id="unknown_key_in_rule",
    ),
    pytest.param(
        text(rule(7, size=1)),
        [
            "error rule 7: \"selection\" has the key 'size'. [unknown_key] ECR knows countNumber, countType, countUnit, storageClass, tagPatternList, tagPrefixList, tagStatus."
        ],
        text(rule(7)),
        id="unknown_key_in_selection",
    ),
    pytest.param(
        text(rule(7, {**EXPIRE, "dryRun": True})),
        ["error rule 7: \"action\" has the key 'dryRun'. [unknown_key] ECR knows targetStorageClass, type."],
        text(rule(7)),
        id="unknown_key_in_action",
    ),
    pytest.param(
        text({**rule(7), "description": None}),
        [
            "error rule 7: the rule has a null at 'description', which ECR refuses. [null_value] Leave the key out, or give it a value."
        ],
        text(rule(7)),
        id="null_in_rule",
    ),
    pytest.param(
        text(rule(7, tagPatternList=None)),
        [
            "error rule 7: \"selection\" has a null at 'tagPatternList', which ECR refuses. [null_value] Leave the key out, or give it a value."
        ],
        text(rule(7)),
        id="null_in_selection",
    ),
    pytest.param(
        text(rule(7, {**EXPIRE, "targetStorageClass": None})),
        [
            "error rule 7: \"action\" has a null at 'targetStorageClass', which ECR refuses. [null_value] Leave the key out, or give it a value."
        ],
        text(rule(7)),
        id="null_in_action",
    ),
    pytest.param(
        text(without("rulePriority", rule())),
        [
            'error policy: "rulePriority" of number 1 of the rules is missing. [priority_invalid] Write a whole number of 1 or more, different for each rule.'
        ],
        text(rule(1)),
        id="priority_absent",
    ),
    pytest.param(
        text(rule(0)),
        [
            'error policy: "rulePriority" of number 1 of the rules is 0. [priority_invalid] Write a whole number of 1 or more, different for each rule.'
        ],
        text(rule(1)),
        id="priority_zero",
    ),
    pytest.param(
        text(rule("1")),
        [
            "error policy: \"rulePriority\" of number 1 of the rules is '1'. [priority_invalid] Write a whole number of 1 or more, different for each rule."
        ],
        text(rule(1)),
        id="priority_text",
    ),
    pytest.param(
        text(rule(1.0)),
        [
            'error policy: "rulePriority" of number 1 of the rules is 1.0. [priority_invalid] Write a whole number of 1 or more, different for each rule.'
        ],
        text(rule(1)),
        id="priority_float",
    ),
    pytest.param(
        text(rule(True)),
        [
            'error policy: "rulePriority" of number 1 of the rules is true. [priority_invalid] Write a whole number of 1 or more, different for each rule.'
        ],
        text(rule(1)),
        id="priority_boolean",
    ),
    pytest.param(
        text({**rule(7), "description": 5}),
        ['error rule 7: "description" is 5, not a text. [description_invalid] Write a text, or leave the key out.'],
        text({**rule(7), "description": "5"}),
        id="description_invalid",
    ),
    pytest.param(
        text(without("selection", rule(7))),
        [
            'error rule 7: "selection" is missing, not an object. [selection_missing] Write "selection": {"tagStatus": ..., "countType": ..., "countNumber": ...}.'
        ],
        text(rule(7)),
        id="selection_missing",
    ),
    pytest.param(
        text({**rule(7), "selection": []}),
        [
            'error rule 7: "selection" is a list, not an object. [selection_missing] Write "selection": {"tagStatus": ..., "countType": ..., "countNumber": ...}.'
        ],
        text(rule(7)),
        id="selection_not_an_object",
    ),
    pytest.param(
        text(without("action", rule(7))),
        ['error rule 7: "action" is missing, not an object. [action_missing] Write "action": {"type": "expire"}.'],
        text(rule(7)),
        id="action_missing",
    ),
    pytest.param(
        text(rule(7, "expire")),
        ['error rule 7: "action" is \'expire\', not an object. [action_missing] Write "action": {"type": "expire"}.'],
        text(rule(7)),
        id="action_not_an_object",
    ),
    pytest.param(
        text(rule(7, tagStatus="Tagged")),
        ["error rule 7: \"tagStatus\" is 'Tagged'. [tag_status_invalid] Write tagged, untagged or any."],
        text(tagged(7, "v*")),
        id="tag_status_invalid",
    ),
    pytest.param(
        text(without_selection("tagStatus", rule(7))),
        ['error rule 7: "tagStatus" is missing. [tag_status_invalid] Write tagged, untagged or any.'],
        text(rule(7)),
        id="tag_status_absent",
    ),
    pytest.param(
        text(rule(7, tagStatus="tagged")),
        [
            'error rule 7: a rule with "tagStatus": "tagged" names no tags. [tag_list_missing] Add "tagPatternList": ["..."] (["*"] for every tagged image).'
        ],
        text(tagged(7, "*")),
        id="tag_list_missing",
    ),
    pytest.param(
        text(tagged(7, "v*", tagPrefixList=["v"])),
        [
            'error rule 7: the rule has tagPatternList and tagPrefixList. [tag_lists_both] Keep one: a prefix "v" is the pattern "v*".'
        ],
        text(tagged(7, "v*")),
        id="tag_lists_both",
    ),
    pytest.param(
        text(rule(7, tagPatternList=["v*"])),
        [
            'error rule 7: a rule with "tagStatus": "any" names tags. [tag_list_forbidden] Remove tagPatternList, or write "tagStatus": "tagged".'
        ],
        text(tagged(7, "v*")),
        id="tag_list_with_any",
    ),
    pytest.param(
        text(rule(7, tagStatus="untagged", tagPrefixList=["v"])),
        [
            'error rule 7: a rule with "tagStatus": "untagged" names tags. [tag_list_forbidden] Remove tagPrefixList, or write "tagStatus": "tagged".'
        ],
        text(rule(7, tagStatus="untagged")),
        id="tag_list_with_untagged",
    ),
    pytest.param(
        text(rule(7, tagStatus="tagged", tagPrefixList="v")),
        [
            'error rule 7: "tagPrefixList" is not a list of at least one non-empty text. [tag_list_invalid] Write "tagPrefixList": ["..."].'
        ],
        text(tagged(7, "v")),
        id="tag_list_text",
    ),
    pytest.param(
        text(tagged(7)),
        [
            'error rule 7: "tagPatternList" is not a list of at least one non-empty text. [tag_list_invalid] Write "tagPatternList": ["..."].'
        ],
        text(tagged(7, "v")),
        id="tag_list_empty",
    ),
    pytest.param(
        text(tagged(7, "")),
        [
            'error rule 7: "tagPatternList" is not a list of at least one non-empty text. [tag_list_invalid] Write "tagPatternList": ["..."].'
        ],
        text(tagged(7, "v")),
        id="tag_entry_empty",
    ),
    pytest.param(
        text(tagged(7, "a*", 1)),
        [
            'error rule 7: "tagPatternList" is not a list of at least one non-empty text. [tag_list_invalid] Write "tagPatternList": ["..."].'
        ],
        text(tagged(7, "a*")),
        id="tag_entry_not_a_text",
    ),  # type: ignore[arg-type]  # the mistake
    pytest.param(
        text(tagged(7, "*a*b*c*d*")),
        [
            "error rule 7: the pattern '*a*b*c*d*' has 5 wildcards, ECR takes at most 4. [too_many_wildcards] Match less of the tag, for example by its beginning only."
        ],
        text(tagged(7, "*a*b*c*d")),
        id="too_many_wildcards",
    ),
    pytest.param(
        text(rule(7, tagStatus="tagged", tagPrefixList=["v*"])),
        [
            "warning rule 7: the prefix 'v*' has a *, which no tag has: a prefix is taken literally. [wildcard_in_prefix] Use tagPatternList, or leave the * out."
        ],
        text(tagged(7, "v*")),
        id="wildcard_in_prefix",
    ),
    pytest.param(
        text(tagged(7, "v1+b")),
        [
            "warning rule 7: 'v1+b' has characters that no image tag can have, so it matches nothing. [tag_characters] Use letters, digits, '.', '_', '-' and, in a pattern, the one wildcard '*'."
        ],
        text(tagged(7, "v1-b")),
        id="tag_characters",
    ),
    pytest.param(
        text(tagged(7, "v*", "v*")),
        ["warning rule 7: tagPatternList has an entry more than once. [tag_list_repeats] Write every entry once."],
        text(tagged(7, "v*")),
        id="tag_list_repeats",
    ),
    pytest.param(
        text(tagged(7, "a*", "b*")),
        [
            "warning rule 7: tagPatternList has 2 entries: an image must match every one of them, not any. [and_patterns] Write one rule for each entry if any of them should be enough."
        ],
        text(tagged(7, "a*"), tagged(8, "b*")),
        id="and_patterns",
    ),
    pytest.param(
        text(rule(7, storageClass="STANDARD")),
        ["error rule 7: \"storageClass\" is 'STANDARD'. [storage_class_invalid] Write standard or archive."],
        text(rule(7, storageClass="standard")),
        id="storage_class",
    ),
    pytest.param(
        text(rule(7, countType="age")),
        [
            "error rule 7: \"countType\" is 'age'. [count_type_invalid] Write imageCountMoreThan, sinceImagePushed, sinceImagePulled or sinceImageTransitioned."
        ],
        text(rule(7)),
        id="count_type_invalid",
    ),
    pytest.param(
        text(without_selection("countType", rule(7))),
        [
            'error rule 7: "countType" is missing. [count_type_invalid] Write imageCountMoreThan, sinceImagePushed, sinceImagePulled or sinceImageTransitioned.'
        ],
        text(rule(7)),
        id="count_type_absent",
    ),
    pytest.param(
        text(rule(7, countNumber=0)),
        ['error rule 7: "countNumber" is 0. [count_number_invalid] Write a whole number of 1 or more.'],
        text(rule(7, countNumber=1)),
        id="count_number_zero",
    ),
    pytest.param(
        text(rule(7, countNumber="30")),
        ["error rule 7: \"countNumber\" is '30'. [count_number_invalid] Write a whole number of 1 or more."],
        text(rule(7, countNumber=30)),
        id="count_number_text",
    ),
    pytest.param(
        text(rule(7, countNumber=True)),
        ['error rule 7: "countNumber" is true. [count_number_invalid] Write a whole number of 1 or more.'],
        text(rule(7, countNumber=1)),
        id="count_number_boolean",
    ),
    pytest.param(
        text(rule(7, countNumber=1.5)),
        ['error rule 7: "countNumber" is 1.5. [count_number_invalid] Write a whole number of 1 or more.'],
        text(rule(7, countNumber=1)),
        id="count_number_float",
    ),
    pytest.param(
        text(rule(7, **{**IN_ARCHIVE, "countNumber": 89})),
        [
            'error rule 7: sinceImageTransitioned has 89 days, and archived images are kept for at least 90. [count_number_too_small] Write "countNumber": 90 or more.'
        ],
        text(rule(7, **IN_ARCHIVE)),
        id="count_number_too_small",
    ),
    pytest.param(
        text(rule(7, countUnit="days")),
        [
            'error rule 7: imageCountMoreThan counts images, so countUnit has no meaning. [count_unit_forbidden] Remove "countUnit".'
        ],
        text(rule(7)),
        id="count_unit_forbidden",
    ),
    pytest.param(
        text(rule(7, countType="sinceImagePushed")),
        [
            'error rule 7: sinceImagePushed counts days, and "countUnit" is missing. [count_unit_missing] Write "countUnit": "days".'
        ],
        text(rule(7, countType="sinceImagePushed", countUnit="days")),
        id="count_unit_missing_pushed",
    ),
    pytest.param(
        text(rule(7, ARCHIVE, countType="sinceImagePulled")),
        [
            'error rule 7: sinceImagePulled counts days, and "countUnit" is missing. [count_unit_missing] Write "countUnit": "days".'
        ],
        text(rule(7, ARCHIVE, countType="sinceImagePulled", countUnit="days")),
        id="count_unit_missing_pulled",
    ),
    pytest.param(
        text(without_selection("countUnit", rule(7, **IN_ARCHIVE))),
        [
            'error rule 7: sinceImageTransitioned counts days, and "countUnit" is missing. [count_unit_missing] Write "countUnit": "days".'
        ],
        text(rule(7, **IN_ARCHIVE)),
        id="count_unit_missing_transitioned",
    ),
    pytest.param(
        text(rule(7, countType="sinceImagePushed", countUnit="day")),
        [
            'error rule 7: sinceImagePushed counts days, and "countUnit" is \'day\'. [count_unit_invalid] Write "countUnit": "days".'
        ],
        text(rule(7, countType="sinceImagePushed", countUnit="days")),
        id="count_unit_invalid",
    ),
    pytest.param(
        text(rule(7, {"type": "delete"})),
        ["error rule 7: \"type\" is 'delete'. [action_type_invalid] Write expire or transition."],
        text(rule(7)),
        id="action_type_invalid",
    ),
    pytest.param(
        text(rule(7, {})),
        ['error rule 7: "type" is missing. [action_type_invalid] Write expire or transition.'],
        text(rule(7)),
        id="action_type_absent",
    ),
    pytest.param(
        text(rule(7, {**ARCHIVE, "type": "expire"})),
        [
            'error rule 7: expire has a targetStorageClass. [target_storage_class_forbidden] Remove "targetStorageClass", or write "type": "transition".'
        ],
        text(rule(7)),
        id="target_forbidden",
    ),
    pytest.param(
        text(rule(7, {"type": "transition"})),
        [
            'error rule 7: transition has to name its target, and "targetStorageClass" is missing. [target_storage_class_missing] Write "targetStorageClass": "archive", the only one there is.'
        ],
        text(rule(7, ARCHIVE)),
        id="target_missing",
    ),
    pytest.param(
        text(rule(7, {"type": "transition", "targetStorageClass": "glacier"})),
        [
            'error rule 7: transition has to name its target, and "targetStorageClass" is \'glacier\'. [target_storage_class_invalid] Write "targetStorageClass": "archive", the only one there is.'
        ],
        text(rule(7, ARCHIVE)),
        id="target_invalid",
    ),
    pytest.param(
        text(rule(7, countType="sinceImagePulled", countUnit="days")),
        [
            'error rule 7: sinceImagePulled can only archive. [action_not_allowed] Write "type": "transition", "targetStorageClass": "archive", or count by sinceImagePushed.'
        ],
        text(rule(7, ARCHIVE, countType="sinceImagePulled", countUnit="days")),
        id="expire_by_pull",
    ),
    pytest.param(
        text(rule(7, ARCHIVE, **IN_ARCHIVE)),
        [
            'error rule 7: sinceImageTransitioned can only expire: its images are archived already. [action_not_allowed] Write "type": "expire" and no targetStorageClass.'
        ],
        text(rule(7, **IN_ARCHIVE)),
        id="archive_the_archived",
    ),
    pytest.param(
        text(without_selection("storageClass", rule(7, **IN_ARCHIVE))),
        [
            'error rule 7: sinceImageTransitioned looks at archived images only. [storage_class_required] Write "storageClass": "archive".'
        ],
        text(rule(7, **IN_ARCHIVE)),
        id="storage_class_required",
    ),
    pytest.param(
        text(rule(7, storageClass="archive")),
        [
            'error rule 7: imageCountMoreThan looks at images of the standard storage class only. [storage_class_not_allowed] Remove "storageClass", or count by sinceImageTransitioned.'
        ],
        text(rule(7)),
        id="archive_by_count",
    ),
    pytest.param(
        text(rule(7, storageClass="archive", countType="sinceImagePushed", countUnit="days")),
        [
            'error rule 7: sinceImagePushed looks at images of the standard storage class only. [storage_class_not_allowed] Remove "storageClass", or count by sinceImageTransitioned.'
        ],
        text(rule(7, countType="sinceImagePushed", countUnit="days")),
        id="archive_by_push",
    ),
    pytest.param(
        text(rule(7, ARCHIVE, storageClass="archive", countType="sinceImagePulled", countUnit="days")),
        [
            'error rule 7: sinceImagePulled looks at images of the standard storage class only. [storage_class_not_allowed] Remove "storageClass", or count by sinceImageTransitioned.'
        ],
        text(rule(7, ARCHIVE, countType="sinceImagePulled", countUnit="days")),
        id="archive_by_pull",
    ),
    pytest.param(
        text(tagged(7, "a*"), rule(7)),
        [
            "error rule 7: rulePriority 7 is in more than one rule. [priority_duplicate] Give every rule a number of its own."
        ],
        text(tagged(7, "a*"), rule(8)),
        id="priority_duplicate",
    ),
    pytest.param(
        text(tagged(3, "a*"), tagged(7, "a*")),
        [
            "error rule 7: another rule of storage class standard has the same tagPatternList. [tag_list_duplicate] Keep one of the two: the rule with the lower number decides about their images anyway."
        ],
        text(tagged(3, "a*")),
        id="tag_list_duplicate",
    ),
    pytest.param(
        text(rule(3, tagStatus="untagged"), rule(7, tagStatus="untagged")),
        [
            'error rule 7: more than one rule of storage class standard has "tagStatus": "untagged". [untagged_duplicate] Keep one of them.'
        ],
        text(rule(3, tagStatus="untagged")),
        id="untagged_duplicate",
    ),
    pytest.param(
        text(rule(3), rule(7)),
        [
            'error rule 3: a rule with "tagStatus": "any" has a lower number than another rule, which could then do nothing. [any_rule_not_last] Write "rulePriority": 8.',
            'error rule 7: more than one rule of storage class standard has "tagStatus": "any". [any_duplicate] Keep one of them.',
        ],
        text(rule(7)),
        id="any_duplicate",
    ),
    pytest.param(
        text(rule(3), tagged(7, "a*")),
        [
            'error rule 3: a rule with "tagStatus": "any" has a lower number than another rule, which could then do nothing. [any_rule_not_last] Write "rulePriority": 8.'
        ],
        text(rule(8), tagged(7, "a*")),
        id="any_rule_not_last",
    ),
    pytest.param(
        text(rule(1), tagged(2, "a*"), rule(3, tagStatus="any", **IN_ARCHIVE)),
        [
            'error rule 1: a rule with "tagStatus": "any" has a lower number than another rule, which could then do nothing. [any_rule_not_last] Write "rulePriority": 4.'
        ],
        text(rule(4), tagged(2, "a*"), rule(3, tagStatus="any", **IN_ARCHIVE)),
        id="any_rule_not_last_of_its_storage_class",
    ),
]


@pytest.mark.parametrize(("policy", "findings"), [pytest.param(*case.values[:2], id=case.id) for case in MISTAKES])
def test_a_mistake_is_reported_with_its_code_its_rule_and_what_to_write(policy: str, findings: list[str]) -> None:
    assert [f"{finding.severity} {finding}" for finding in lint_policy(policy)] == findings


@pytest.mark.parametrize("mended", [pytest.param(case.values[2], id=case.id) for case in MISTAKES])
def test_a_policy_that_follows_the_advice_has_no_finding(mended: str) -> None:
    assert lint_policy(mended) == []


def test_the_archive_example_of_the_guide_has_no_finding() -> None:
    assert lint_policy(archive_example()) == []


@pytest.mark.parametrize(
    ("length", "codes"),
    [
        pytest.param(99, ["policy_too_short"], id="99"),
        pytest.param(100, [], id="100"),
        pytest.param(30_720, [], id="30720"),
        pytest.param(30_721, ["policy_too_long"], id="30721"),
    ],
)
def test_a_policy_text_has_100_to_30720_characters(length: int, codes: list[str]) -> None:
    findings = lint_policy('{"rules": []}'.ljust(length))

    assert [finding.code for finding in findings if finding.code != "rules_empty"] == codes


def test_the_length_of_a_text_counts_characters_not_bytes() -> None:
    policy = json.dumps({"rules": [{**rule(), "description": "é" * 30_500}]}, ensure_ascii=False)

    assert lint_policy(policy) == []


def test_the_length_of_a_dict_is_that_of_the_text_that_would_be_sent() -> None:
    policy = {"rules": [{**rule(), "description": "é" * 30_500}]}

    assert lint_policy(policy) == []
    assert LifecyclePolicy.parse(policy).text.count("é") == 30_500


@pytest.mark.parametrize(("rules", "codes"), [(50, []), (51, ["too_many_rules"])], ids=["50", "51"])
def test_a_policy_has_at_most_50_rules(rules: int, codes: list[str]) -> None:
    policy = {"rules": [tagged(number, f"v{number}") for number in range(1, rules + 1)]}

    assert [finding.code for finding in lint_policy(policy)] == codes


@pytest.mark.parametrize(
    "selection",
    [
        pytest.param({"countType": "imageCountMoreThan", "countNumber": 1}, id="imageCountMoreThan"),
        pytest.param({"countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1}, id="sinceImagePushed"),
    ],
)
@pytest.mark.parametrize("action", [EXPIRE, ARCHIVE], ids=["expire", "transition"])
@pytest.mark.parametrize("storage_class", [{}, {"storageClass": "standard"}], ids=["default", "standard"])
def test_rules_by_count_and_by_push_may_expire_and_archive(
    selection: dict[str, object], action: dict[str, str], storage_class: dict[str, str]
) -> None:
    assert lint_policy({"rules": [rule(1, action, **selection, **storage_class)]}) == []


def test_patterns_and_prefixes_may_stand_in_one_policy() -> None:
    policy = {"rules": [tagged(1, "v*"), rule(2, tagStatus="tagged", tagPrefixList=["x"])]}

    assert lint_policy(policy) == []


def test_the_same_pattern_may_stand_once_in_each_storage_class() -> None:
    assert lint_policy({"rules": [tagged(1, "v*"), tagged(2, "v*", **IN_ARCHIVE)]}) == []


def test_each_storage_class_may_have_its_untagged_rule() -> None:
    policy = {"rules": [rule(1, tagStatus="untagged"), rule(2, tagStatus="untagged", **IN_ARCHIVE)]}

    assert lint_policy(policy) == []


def test_priorities_may_have_gaps_and_stand_in_any_order() -> None:
    assert lint_policy({"rules": [rule(900), tagged(20, "a"), tagged(3, "b")]}) == []


def test_a_prefix_may_not_stand_in_two_rules() -> None:
    rules = [rule(number, tagStatus="tagged", tagPrefixList=["v"]) for number in (1, 2)]

    assert [(finding.code, finding.rule_priority) for finding in lint_policy({"rules": rules})] == [
        ("tag_list_duplicate", 2)
    ]


def codes_of(*rules: dict[str, Any]) -> list[tuple[str, str, int | None]]:
    return [(finding.severity, finding.code, finding.rule_priority) for finding in lint_policy({"rules": rules})]


def test_lists_that_share_a_tag_and_differ_are_a_warning_only() -> None:
    rules = tagged(1, "a*", "b"), tagged(2, "a*", "c"), tagged(3, "a*", "b", **IN_ARCHIVE)
    shared = [finding for finding in codes_of(*rules) if finding[1] != "and_patterns"]
    assert shared == [("warning", "tag_list_shared", 2)]
    LifecyclePolicy.parse({"rules": rules})


def test_a_key_that_stands_twice_is_a_warning_only() -> None:
    doubled = json.dumps({"rules": [rule()]}).replace('"type": "expire"', '"type": "expire", "type": "expire"')
    assert [finding.severity for finding in lint_policy(doubled)] == ["warning"]
    LifecyclePolicy.parse(doubled)


def prefixed(priority: int, *prefixes: str) -> dict[str, Any]:
    return rule(priority, tagStatus="tagged", tagPrefixList=list(prefixes))


@pytest.mark.parametrize(
    ("above", "below"),
    [
        pytest.param(prefixed(1, "v"), tagged(2, "v*"), id="a prefix and its pattern"),
        pytest.param(tagged(1, "v*"), prefixed(2, "v"), id="a pattern and its prefix"),
        pytest.param(tagged(1, "v*"), tagged(2, "v1"), id="a tag"),
        pytest.param(tagged(1, "*"), prefixed(2, "x"), id="everything"),
        pytest.param(tagged(1, "a*c"), tagged(2, "a*b*c"), id="a wildcard within"),
        pytest.param(tagged(1, "v*"), tagged(2, "v*-rc", "prod"), id="one of two"),
        pytest.param(tagged(1, "v*", "*"), tagged(2, "v1*"), id="all of two"),
    ],
)
def test_a_rule_whose_images_a_rule_above_decides_about_is_a_warning(
    above: dict[str, Any], below: dict[str, Any]
) -> None:
    found = lint_policy({"rules": [below, above]})
    assert ("warning", "rule_shadowed", 2) in codes_of(below, above)
    (shadowed,) = [finding for finding in found if finding.code == "rule_shadowed"]
    assert str(shadowed) == (
        "rule 2: rule 1 selects every image that this rule selects and has the lower number, so this rule does nothing. "
        "[rule_shadowed] Give this rule a lower number than 1, or remove it."
    )


@pytest.mark.parametrize(
    ("above", "below"),
    [
        pytest.param(tagged(2, "v*"), prefixed(1, "v1"), id="the narrow one first"),
        pytest.param(tagged(1, "v1*"), tagged(2, "v*"), id="the narrow one above"),
        pytest.param(tagged(1, "a*b*c"), tagged(2, "a*c"), id="a wildcard less"),
        pytest.param(tagged(1, "v*", "prod"), tagged(2, "v1"), id="more to match above"),
        pytest.param(tagged(1, "v*"), tagged(2, "v1*", **IN_ARCHIVE), id="another storage class"),
        pytest.param(tagged(1, "v*"), rule(2, tagStatus="untagged"), id="untagged images"),
        pytest.param(tagged(1, "*"), rule(2), id="all images, with the untagged ones"),
    ],
)
def test_a_rule_that_selects_images_of_its_own_is_not_shadowed(above: dict[str, Any], below: dict[str, Any]) -> None:
    assert "rule_shadowed" not in {finding.code for finding in lint_policy({"rules": [above, below]})}


def test_a_rule_for_any_image_above_rules_for_all_tagged_and_all_untagged_images_is_not_shadowed() -> None:
    rules = [rule(1), tagged(2, "*"), rule(3, tagStatus="untagged")]
    assert "rule_shadowed" not in {
        finding.code for finding in lint_policy({"rules": rules}) if finding.rule_priority == 1
    }


@pytest.mark.parametrize("below", [rule(3), rule(9)])
@pytest.mark.parametrize(
    "above", [(tagged(1, "*"), rule(2, tagStatus="untagged")), (rule(1, tagStatus="untagged"), tagged(2, "*", "**"))]
)
def test_a_rule_for_any_image_below_rules_for_all_tagged_and_all_untagged_images_is_a_warning(
    above: tuple[dict[str, Any], ...], below: dict[str, Any]
) -> None:
    (shadowed,) = [finding for finding in lint_policy({"rules": [*above, below]}) if finding.code == "rule_shadowed"]
    assert str(shadowed) == (
        f"rule {below['rulePriority']}: rules 1 and 2 together select every image and have the lower numbers, so this rule "
        "does nothing. [rule_shadowed] Remove it, or let one of rules 1 and 2 select fewer images."
    )


@pytest.mark.parametrize(
    "above",
    [
        pytest.param([tagged(1, "*")], id="untagged images are left"),
        pytest.param([rule(1, tagStatus="untagged")], id="tagged images are left"),
        pytest.param([tagged(1, "v*"), tagged(2, "*-rc"), rule(3, tagStatus="untagged")], id="some tags are left"),
        pytest.param([tagged(1, "*", "v*"), rule(3, tagStatus="untagged")], id="images without v are left"),
        pytest.param([tagged(1, "*", **IN_ARCHIVE), rule(3, tagStatus="untagged")], id="another storage class"),
        pytest.param([prefixed(1, "*"), rule(3, tagStatus="untagged")], id="a prefix has no wildcard"),
    ],
)
def test_a_rule_for_any_image_that_is_left_some_is_not_shadowed(above: list[dict[str, Any]]) -> None:
    assert "rule_shadowed" not in {finding.code for finding in lint_policy({"rules": [*above, rule(9)]})}


@given(
    st.lists(st.lists(st.text("ab*", min_size=1, max_size=3), min_size=1, max_size=2), min_size=1, max_size=4),
    st.lists(st.text("ab*", min_size=1, max_size=4), min_size=1, max_size=2),
)
def test_rules_for_tagged_images_leave_nothing_to_another_only_if_one_does_alone(
    wide: list[list[str]], narrow: list[str]
) -> None:
    rules = [Rule(1, None, "tagged", tuple(of), "standard", "imageCountMoreThan", 1, "expire") for of in wide]
    tags = [pattern.replace("*", "c") for pattern in narrow]
    assert any(rule.matches_tags(tags) for rule in rules) == any(covers(of, narrow) for of in wide)


@given(
    st.lists(st.text("ab*", min_size=1, max_size=4), min_size=1, max_size=2),
    st.lists(st.text("ab*", min_size=1, max_size=4), min_size=1, max_size=2),
    st.lists(st.lists(st.text("abc", min_size=1, max_size=4), max_size=3), max_size=6),
)
def test_no_image_belongs_to_a_shadowed_rule_alone(wide: list[str], narrow: list[str], images: list[list[str]]) -> None:
    above, below = (
        Rule(number, None, "tagged", tuple(patterns), "standard", "imageCountMoreThan", 1, "expire")
        for number, patterns in enumerate((wide, narrow), 1)
    )
    if covers(wide, narrow):
        assert all(above.matches_tags(tags) for tags in images if below.matches_tags(tags))
    else:
        # Each pattern of the narrow rule with a letter for its wildcards is a tag that only the narrow rule selects.
        tags = [pattern.replace("*", "c") for pattern in narrow]
        assert below.matches_tags(tags)
        assert not above.matches_tags(tags)


def test_all_mistakes_of_a_policy_are_reported_together_by_rule() -> None:
    policy = {"rules": [rule(9, countNumber=0), tagged(4, "a*", countUnit="days"), "x"]}

    assert [(finding.rule_priority, finding.code) for finding in lint_policy(policy)] == [
        (None, "rule_not_an_object"),
        (4, "count_unit_forbidden"),
        (9, "count_number_invalid"),
    ]


def test_a_long_value_is_cut_in_the_message() -> None:
    (finding,) = lint_policy({"rules": [rule(1, tagStatus="x" * 1_000)]})

    assert finding.message == f'"tagStatus" is \'{"x" * 78}….'


def test_a_duplicate_key_is_reported_once_for_each_object() -> None:
    policy = json.dumps({"rules": [rule()]}).replace(
        '"type": "expire"', '"type": "delete", "type": "x", "type": "expire"'
    )

    assert [str(finding) for finding in lint_policy(policy)] == [
        (
            "policy: the key 'type' is twice in one object; AWS does not document which of the two ECR reads. Only the last "
            "one is checked here. [duplicate_key] Keep one of them."
        )
    ]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param('{"rules": [', id="cut_off"),
        pytest.param("", id="empty"),
        pytest.param('{"rules": NaN}', id="nan"),
        pytest.param("[" * 100_000, id="too_deep"),
        pytest.param("9" * 5_000, id="number_too_long"),
        pytest.param({"rules": float("nan")}, id="nan_in_a_dict"),
        pytest.param({"rules": {1, 2}}, id="set_in_a_dict"),
        pytest.param({"rules": 10**5_000}, id="number_too_long_in_a_dict"),
    ],
)
def test_text_that_is_not_json_is_reported(source: Any) -> None:
    (finding,) = lint_policy(source)

    assert (finding.code, finding.severity, finding.rule_priority) == ("not_json", "error", None)
    assert finding.message.startswith("the policy is not JSON: ")
    assert finding.instead == "Check commas, quotes and braces."


def test_a_dict_that_jinja_turned_into_text_is_reported_with_what_to_write() -> None:
    (finding,) = lint_policy("{'rules': [{'rulePriority': 1}]}")

    assert (finding.code, finding.message) == ("not_json", "the policy is a Python dict as text, not JSON.")
    assert "| tojson" in finding.instead
    assert "render_template_as_native_obj=True" in finding.instead


def test_the_name_of_a_file_that_was_not_found_is_reported_as_such() -> None:
    (finding,) = lint_policy(" policies/keep.json ")

    assert (finding.code, finding.severity) == ("not_json", "error")
    assert finding.message == "the policy is 'policies/keep.json', the name of a file that was not found."
    assert "template_searchpath" in finding.instead


KEYS = st.sampled_from(
    [
        "rules",
        "rulePriority",
        "description",
        "selection",
        "action",
        "tagStatus",
        "tagPatternList",
        "tagPrefixList",
        "storageClass",
        "countType",
        "countUnit",
        "countNumber",
        "type",
        "targetStorageClass",
    ]
)
WORDS = st.sampled_from(
    [
        "tagged",
        "any",
        "archive",
        "imageCountMoreThan",
        "sinceImageTransitioned",
        "days",
        "expire",
        "transition",
        "v*",
        "*a*b*c*d*",
        "\ud800",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=7),
    max_leaves=30,
)
NEARLY_RULES = st.fixed_dictionaries(
    {},
    optional={
        "rulePriority": st.integers(0, 3) | JSON,
        "description": st.text(max_size=3) | JSON,
        "selection": st.fixed_dictionaries(
            {},
            optional={
                "tagStatus": WORDS | JSON,
                "tagPatternList": st.lists(WORDS, max_size=3) | JSON,
                "tagPrefixList": st.lists(WORDS, max_size=3) | JSON,
                "storageClass": WORDS | JSON,
                "countType": WORDS | JSON,
                "countUnit": WORDS | JSON,
                "countNumber": st.integers(0, 100) | JSON,
            },
        )
        | JSON,
        "action": st.fixed_dictionaries({"type": WORDS | JSON}, optional={"targetStorageClass": WORDS | JSON}) | JSON,
    },
)
NEARLY_POLICIES = st.fixed_dictionaries({"rules": st.lists(NEARLY_RULES | JSON, max_size=3)})


@given(document=JSON | NEARLY_POLICIES)
def test_whatever_json_is_given_lint_returns_findings_and_parse_agrees_with_them(document: Any) -> None:
    # As Python writes it, NaN included, because a person's text may hold anything.
    source = json.dumps(document)
    refused = any(finding.severity == "error" for finding in lint_policy(source))

    try:
        LifecyclePolicy.parse(source)
    except InvalidLifecyclePolicyError:
        assert refused
    else:
        assert not refused


@given(source=st.text(max_size=40))
def test_whatever_text_is_given_lint_finds_a_mistake_in_it(source: str) -> None:
    assert lint_policy(source)
