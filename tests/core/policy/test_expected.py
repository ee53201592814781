"""How the applied policy differs from the expected one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.expected import (
    MAX_RULES_NAMED,
    ExpectedPolicies,
    ExpectedPolicy,
    difference,
)


def policy(*rules: tuple[int, int], **more: Any) -> LifecyclePolicy:
    """Return a policy of (priority, count) rules."""
    document = {
        **more,
        "rules": [
            {
                "rulePriority": number,
                "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count},
                "action": {"type": "expire"},
            }
            for number, count in rules
        ],
    }
    return LifecyclePolicy.from_service(json.dumps(document))


@pytest.mark.parametrize(
    ("applied", "expected", "words"),
    [
        (None, policy((1, 5)), "no policy is applied"),
        (policy((1, 5)), None, "a policy is applied, and none is expected"),
        (policy((1, 5)), policy((1, 6)), "rule 1 changed"),
        (policy((1, 5), (3, 1)), policy((1, 6), (2, 2), (4, 4)), "rule 1 changed; rules 2, 4 missing; rule 3 added"),
        (policy((1, 5), note="a"), policy((1, 5)), "only outside of its rules"),
    ],
)
def test_the_rules_that_differ_are_named(
    applied: LifecyclePolicy | None, expected: LifecyclePolicy | None, words: str
) -> None:
    assert ExpectedPolicy("p.json", expected).differs_from(applied)
    assert difference(applied, expected) == words


def test_the_order_of_the_rules_makes_no_difference() -> None:
    expected = ExpectedPolicy("p.json", policy((1, 5), (2, 6)))
    assert not expected.differs_from(policy((2, 6), (1, 5)))
    assert not ExpectedPolicy("p.json", None).differs_from(None)


def test_a_bounded_number_of_rules_is_named() -> None:
    text = difference(policy((1, 1)), policy(*((number, 9) for number in range(1, 30))))
    assert text.count(",") == MAX_RULES_NAMED
    assert text.endswith("11, ... missing")


def test_a_name_counts_before_globs_and_the_first_glob_counts() -> None:
    named, first, second = (ExpectedPolicy(name, None) for name in ("named", "first", "second"))
    policies = ExpectedPolicies({"payments/api": named}, {"payments/*": first, "*": second})
    assert [policies.of(name) for name in ("payments/api", "payments/web", "shop")] == [named, first, second]
    assert ExpectedPolicies().of("shop") is None
