from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy, canonical_policy
from airflow_provider_ecr_preview.core.policy.rule import Rule
from airflow_provider_ecr_preview.core.repository import RepositoryImage

RELEASES = {
    "rulePriority": 10,
    "description": "Keep the last 30 releases — und ä",
    "selection": {
        "tagStatus": "tagged",
        "tagPatternList": ["v*", "release-*"],
        "countType": "imageCountMoreThan",
        "countNumber": 30,
    },
    "action": {"type": "expire"},
}
UNTAGGED = {
    "rulePriority": 2,
    "selection": {
        "tagStatus": "untagged",
        "storageClass": "standard",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 14,
    },
    "action": {"type": "transition", "targetStorageClass": "archive"},
}
POLICY = {"rules": [RELEASES, UNTAGGED]}


def fingerprint(document: object) -> str:
    return LifecyclePolicy.from_service(json.dumps(document)).fingerprint


def test_a_rule_has_the_fields_of_its_document() -> None:
    assert LifecyclePolicy.parse(POLICY).rules == (
        Rule(
            priority=2,
            description=None,
            tag_status="untagged",
            tag_patterns=(),
            storage_class="STANDARD",
            count_type="sinceImagePushed",
            count_number=14,
            action="TRANSITION",
        ),
        Rule(
            priority=10,
            description="Keep the last 30 releases — und ä",
            tag_status="tagged",
            tag_patterns=("v*", "release-*"),
            storage_class="STANDARD",
            count_type="imageCountMoreThan",
            count_number=30,
            action="EXPIRE",
        ),
    )


def test_the_text_of_a_policy_is_kept_as_it_was_written() -> None:
    text = json.dumps(POLICY, indent=3)

    assert LifecyclePolicy.parse(text).text == text


def test_a_policy_given_as_text_and_as_dict_is_the_same() -> None:
    assert LifecyclePolicy.parse(POLICY).rules == LifecyclePolicy.parse(json.dumps(POLICY)).rules
    assert LifecyclePolicy.parse(POLICY).fingerprint == LifecyclePolicy.parse(json.dumps(POLICY)).fingerprint


def test_parse_refuses_what_ecr_would_refuse_and_names_every_mistake() -> None:
    broken = {**UNTAGGED, "rulePriority": 10, "action": {"type": "delete"}}

    with pytest.raises(InvalidLifecyclePolicyError) as caught:
        LifecyclePolicy.parse({"rules": [RELEASES, broken]})

    assert str(caught.value) == (
        "The lifecycle policy is not valid:\n"
        "  - rule 10: \"type\" is 'delete'. [action_type_invalid] Write expire or transition.\n"
        "  - rule 10: rulePriority 10 is in more than one rule. [priority_duplicate] Give every rule a number of "
        "its own."
    )


def test_parse_accepts_what_is_only_suspicious() -> None:
    assert len(LifecyclePolicy.parse({"rules": [RELEASES]}).rules) == 1


def test_a_policy_of_the_service_may_have_a_grammar_newer_than_ours() -> None:
    newer = {**UNTAGGED, "selection": {**UNTAGGED["selection"], "countType": "sinceImageSigned"}, "grace": 3}  # type: ignore[dict-item]  # a plain dict

    assert LifecyclePolicy.from_service(json.dumps({"rules": [newer]})).rules[0].count_type == "sinceImageSigned"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param('{"rules": [{"rulePriority": 1', id="cut_off"),
        pytest.param("[]", id="not_an_object"),
        pytest.param('{"rules": 5}', id="rules_not_a_list"),
        pytest.param('{"rules": [5]}', id="rule_not_an_object"),
        pytest.param(json.dumps({"rules": [{**RELEASES, "selection": {}}]}), id="selection_empty"),
        pytest.param(json.dumps({"rules": [RELEASES, {**UNTAGGED, "rulePriority": "2"}]}), id="mixed_priorities"),
        pytest.param("[" * 100_000, id="too_deep"),
        pytest.param(
            json.dumps({"rules": [{**RELEASES, "selection": {**UNTAGGED["selection"], "tagPatternList": [1, "a"]}}]}),  # type: ignore[dict-item]  # a plain dict
            id="mixed_tag_list",
        ),
    ],
)
def test_a_text_that_cannot_be_read_as_a_policy_has_its_own_error(text: str) -> None:
    with pytest.raises(InvalidLifecyclePolicyError, match="cannot be read as a lifecycle policy") as caught:
        LifecyclePolicy.from_service(text)

    (finding,) = caught.value.findings
    assert (finding.code, finding.severity, finding.rule_priority) == ("not_readable", "error", None)
    assert finding.instead == "Look at the policy in the ECR console; a newer release of this package may know it."


@pytest.mark.parametrize(
    ("selection", "selector"),
    [
        pytest.param({"tagStatus": "any"}, "any images", id="any"),
        pytest.param({"tagStatus": "untagged"}, "untagged images", id="untagged"),
        pytest.param({"tagStatus": "tagged", "tagPatternList": ["a*", "*-b"]}, "a* and *-b", id="patterns"),
        pytest.param({"tagStatus": "tagged", "tagPrefixList": ["a", "b*"]}, "a* and b**", id="prefixes"),
    ],
)
def test_the_selector_says_the_tag_requirements_in_a_few_words(selection: dict[str, object], selector: str) -> None:
    document = {**RELEASES, "selection": {"countType": "imageCountMoreThan", "countNumber": 1, **selection}}

    assert Rule.from_document(document).selector == selector


@pytest.mark.parametrize(
    ("selection", "tags", "matches"),
    [
        pytest.param({"tagStatus": "any"}, [], True, id="any_takes_untagged"),
        pytest.param({"tagStatus": "any"}, ["v1"], True, id="any_takes_tagged"),
        pytest.param({"tagStatus": "untagged"}, [], True, id="untagged_takes_untagged"),
        pytest.param({"tagStatus": "untagged"}, ["v1"], False, id="untagged_leaves_tagged"),
        pytest.param({"tagStatus": "tagged", "tagPatternList": ["*"]}, [], False, id="star_leaves_untagged"),
        pytest.param({"tagStatus": "tagged", "tagPatternList": ["*"]}, ["x"], True, id="star_takes_tagged"),
        pytest.param({"tagStatus": "tagged", "tagPatternList": ["v1"]}, ["v1"], True, id="literal"),
        pytest.param({"tagStatus": "tagged", "tagPatternList": ["v1"]}, ["v10"], False, id="literal_is_whole"),
        pytest.param({"tagStatus": "tagged", "tagPatternList": ["v1*"]}, ["v1"], True, id="star_may_be_empty"),
        pytest.param({"tagStatus": "tagged", "tagPatternList": ["*-rc"]}, ["v1-rc"], True, id="leading_star"),
        pytest.param({"tagStatus": "tagged", "tagPatternList": ["*-rc"]}, ["v1-rc2"], False, id="end_is_anchored"),
        pytest.param({"tagStatus": "tagged", "tagPatternList": ["a*b*c"]}, ["a1b2c"], True, id="inner_stars"),
        pytest.param({"tagStatus": "tagged", "tagPatternList": ["v1.2"]}, ["v1x2"], False, id="dot_is_a_dot"),
        pytest.param({"tagStatus": "tagged", "tagPatternList": ["V*"]}, ["v1"], False, id="case_matters"),
        pytest.param({"tagStatus": "tagged", "tagPatternList": ["a*", "b*"]}, ["a1"], False, id="every_pattern"),
        pytest.param({"tagStatus": "tagged", "tagPatternList": ["a*", "b*"]}, ["a1", "b1"], True, id="by_some_tag"),
        pytest.param({"tagStatus": "tagged", "tagPatternList": ["a*", "*1"]}, ["a1"], True, id="by_one_tag"),
        pytest.param({"tagStatus": "tagged", "tagPrefixList": ["v"]}, ["v1"], True, id="prefix"),
        pytest.param({"tagStatus": "tagged", "tagPrefixList": ["v"]}, ["dev"], False, id="prefix_is_at_the_start"),
        pytest.param({"tagStatus": "tagged", "tagPrefixList": ["a", "b"]}, ["a1"], False, id="every_prefix"),
        pytest.param({"tagStatus": "tagged", "tagPrefixList": ["v*1"]}, ["v01"], False, id="star_in_prefix_literal"),
    ],
)
def test_a_rule_matches_the_images_that_meet_its_tag_requirements(
    selection: dict[str, object], tags: list[str], matches: bool
) -> None:
    document = {**RELEASES, "selection": {"countType": "imageCountMoreThan", "countNumber": 1, **selection}}

    assert Rule.from_document(document).matches_tags(tags) is matches


def test_a_policy_says_for_every_image_what_it_does_with_it() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    images = [RepositoryImage(f"sha256:{days}", (), now - timedelta(days=days)) for days in (20, 3)]

    verdicts = LifecyclePolicy.parse(POLICY).evaluate(images, now)

    assert [(verdict.image.image_digest, verdict.action) for verdict in verdicts] == [
        ("sha256:20", "TRANSITION"),
        ("sha256:3", None),
    ]


def test_the_canonical_form_sorts_rules_keys_and_tag_lists_and_leaves_the_default_out() -> None:
    assert canonical_policy(json.dumps(POLICY, indent=2)) == (
        '{"rules":[{"action":{"targetStorageClass":"archive","type":"transition"},"rulePriority":2,"selection":'
        '{"countNumber":14,"countType":"sinceImagePushed","countUnit":"days","tagStatus":"untagged"}},{"action":'
        '{"type":"expire"},"description":"Keep the last 30 releases \\u2014 und \\u00e4","rulePriority":10,"selection":'
        '{"countNumber":30,"countType":"imageCountMoreThan","tagPatternList":["release-*","v*"],"tagStatus":"tagged"}}]}'
    )


def test_the_fingerprint_is_the_sha256_of_the_canonical_form() -> None:
    assert fingerprint(POLICY) == "3ab46da505fda56065aa2c93e820b3f1ebfd62a60c47fa6699a753668fb541aa"


def test_the_fingerprint_of_a_lone_surrogate_can_be_computed() -> None:
    assert len(fingerprint({"rules": [{**RELEASES, "description": "\ud800"}]})) == 64


def test_a_policy_survives_pickle_with_its_fingerprint() -> None:
    policy = LifecyclePolicy.parse(POLICY)

    assert pickle.loads(pickle.dumps(policy)) == policy
    assert pickle.loads(pickle.dumps(policy)).fingerprint == policy.fingerprint


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({**RELEASES, "rulePriority": 11}, id="priority"),
        pytest.param({**RELEASES, "description": "Keep the last 30 releases"}, id="description"),
        pytest.param({key: value for key, value in RELEASES.items() if key != "description"}, id="no_description"),
        pytest.param({**RELEASES, "action": {"type": "transition", "targetStorageClass": "archive"}}, id="action"),
        *(
            pytest.param({**RELEASES, "selection": {**RELEASES["selection"], **change}}, id=name)  # type: ignore[dict-item]  # a plain dict
            for name, change in {
                "tag_status": {"tagStatus": "any"},
                "tag_entry": {"tagPatternList": ["v*", "release*"]},
                "tag_list": {"tagPrefixList": ["v"]},
                "storage_class": {"storageClass": "archive"},
                "count_type": {"countType": "sinceImagePushed"},
                "count_unit": {"countUnit": "days"},
                "count_number": {"countNumber": 31},
            }.items()
        ),
    ],
)
def test_any_change_of_a_rule_changes_the_fingerprint(changed: dict[str, object]) -> None:
    assert fingerprint({"rules": [changed, UNTAGGED]}) != fingerprint(POLICY)


WORDS = st.sampled_from(["v", "v*", "*-rc", "a", "ä"])
RULES = st.fixed_dictionaries(
    {
        "rulePriority": st.integers(1, 5),
        "selection": st.fixed_dictionaries(
            {
                "tagStatus": st.sampled_from(["tagged", "untagged", "any"]),
                "countType": st.sampled_from(["imageCountMoreThan", "sinceImagePushed"]),
                "countNumber": st.integers(1, 2),
            },
            optional={
                "tagPatternList": st.lists(WORDS, min_size=1, max_size=3),
                "tagPrefixList": st.lists(WORDS, min_size=1, max_size=3),
                "storageClass": st.sampled_from(["standard", "archive"]),
                "countUnit": st.just("days"),
            },
        ),
        "action": st.fixed_dictionaries({"type": st.sampled_from(["expire", "transition"])}),
    },
    optional={"description": WORDS},
)
POLICIES = st.fixed_dictionaries(
    {"rules": st.lists(RULES, min_size=1, max_size=3, unique_by=lambda rule: rule["rulePriority"])}
)


def rewritten(value: Any, random: Random) -> Any:
    """Return a JSON value with every list and every object in another order, as ECR may write it."""
    if isinstance(value, Mapping):
        keys = random.sample(list(value), len(value))
        return {key: rewritten(value[key], random) for key in keys}
    if isinstance(value, list):
        return [rewritten(member, random) for member in random.sample(value, len(value))]
    return value


def meaning(document: Mapping[str, Any]) -> list[Any]:
    """Return what a policy says, without looking at the canonical form."""
    rules = []
    for rule in document["rules"]:
        selection = {"storageClass": "standard", **rule["selection"]}
        for key in ("tagPatternList", "tagPrefixList"):
            selection[key] = sorted(selection.get(key, []))
        rules.append({**rule, "selection": selection})
    return sorted(rules, key=lambda rule: rule["rulePriority"])


@given(policy=POLICIES, random=st.randoms(use_true_random=False), indent=st.sampled_from([None, 0, 4]))
def test_order_and_white_space_do_not_change_the_fingerprint(
    policy: dict[str, Any], random: Random, indent: int | None
) -> None:
    other = json.dumps(rewritten(policy, random), indent=indent, ensure_ascii=indent is None)

    assert LifecyclePolicy.from_service(other).fingerprint == fingerprint(policy)


@given(policy=POLICIES, other=POLICIES)
def test_two_policies_have_one_fingerprint_only_when_they_say_the_same(
    policy: dict[str, Any], other: dict[str, Any]
) -> None:
    assert (fingerprint(policy) == fingerprint(other)) is (meaning(policy) == meaning(other))


@given(policy=POLICIES)
def test_the_canonical_form_is_its_own_canonical_form(policy: dict[str, Any]) -> None:
    canonical = canonical_policy(json.dumps(policy))

    assert canonical_policy(canonical) == canonical


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(document=JSON | st.fixed_dictionaries({"rules": st.lists(RULES | JSON, max_size=3) | JSON}))
def test_whatever_the_service_returns_is_read_or_refused_and_what_is_read_has_a_fingerprint(document: Any) -> None:
    try:
        policy = LifecyclePolicy.from_service(json.dumps(document))
    except InvalidLifecyclePolicyError:
        return

    assert len(policy.fingerprint) == 64
