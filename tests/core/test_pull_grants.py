from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.pull_grants import PullGrants, pull_grants

OWN, A, B = "123456789012", "111111111111", "222222222222"
ARN = f"arn:aws:ecr:us-east-1:{OWN}:repository/payments/api"
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def grants(*statements: dict[str, Any]) -> PullGrants:
    return pull_grants(json.dumps({"Version": "2012-10-17", "Statement": [*statements]}), OWN, ARN)


def allow(principal: Any, action: Any = PULL, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


def of(*account_ids: str, others: tuple[str, ...] = ()) -> PullGrants:
    return PullGrants(frozenset(account_ids), frozenset(others))


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ({"AWS": A}, of(A)),
        ({"AWS": f"arn:aws:iam::{A}:root"}, of(A)),
        ({"AWS": [f"arn:aws-cn:iam::{A}:role/build", f"arn:aws:sts::{B}:assumed-role/x/y"]}, of(A, B)),
        ({"AWS": f"arn:aws:iam::{OWN}:root"}, of()),
        # A role that was deleted.
        ({"AWS": "AROAEXAMPLEEXAMPLE123"}, of()),
        ({"AWS": "something new"}, of(others=("something new",))),
        ("*", of(others=("every AWS account",))),
        ({"AWS": "*"}, of(others=("every AWS account",))),
        ({"Service": "codebuild.amazonaws.com"}, of(others=("codebuild.amazonaws.com, for any account",))),
        (None, of()),
    ],
)
def test_who_is_named(principal: Any, expected: PullGrants) -> None:
    assert grants(allow(principal)) == expected


@pytest.mark.parametrize(
    ("principal", "condition", "expected"),
    [
        ("*", {"StringEquals": {"aws:PrincipalAccount": [A, B]}}, of(A, B)),
        ("*", {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, of(others=("every account of the organization o-1",))),
        (
            "*",
            {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-1/r-1/ou-1/*"]}},
            of(others=("every account of the organization o-1",)),
        ),
        ("*", {"StringNotEquals": {"aws:PrincipalAccount": A}}, of(others=("every AWS account, under conditions",))),
        ("*", {"StringEquals": {"aws:SourceVpce": "vpce-1"}}, of(others=("every AWS account, under conditions",))),
        (
            {"Service": "lambda.amazonaws.com"},
            {"StringLike": {"aws:sourceARN": f"arn:aws:lambda:us-east-1:{A}:function:*"}},
            of(A),
        ),
        ({"Service": "lambda.amazonaws.com"}, {"StringEqualsIfExists": {"AWS:SourceAccount": A}}, of(A)),
        ({"AWS": A}, {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, of(A)),
        ("*", "nonsense", of(others=("every AWS account, under conditions",))),
    ],
)
def test_conditions_say_who_is_meant(principal: Any, condition: Any, expected: PullGrants) -> None:
    assert grants(allow(principal, Condition=condition)) == expected


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("ecr:BatchGetImage", True),
        ("ECR:batchget*", True),
        ("ecr:*", True),
        ("*", True),
        (["ecr:DescribeImages", "ecr:PutImage"], False),
        ("ecr:ReplicateImage", False),
        ("ecr:BatchGetImag[e]", False),
        (None, False),
    ],
)
def test_only_what_allows_to_pull_counts(action: Any, allowed: bool) -> None:
    assert grants(allow({"AWS": A}, action)) == (of(A) if allowed else of())


def test_what_is_allowed_by_exception_counts_and_what_is_denied_does_not() -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": A}, "NotAction": "ecr:PutImage"}
    assert grants(statement) == of(A)
    assert grants({**statement, "NotAction": ["ecr:Batch*"]}) == of()
    assert grants({"Effect": "Allow", "NotPrincipal": {"AWS": A}, "Action": "*"}).others == {"every AWS account"}
    assert grants({**allow({"AWS": A}), "Effect": "Deny"}) == of()


@pytest.mark.parametrize(
    ("resource", "counts"),
    [
        ({"Resource": "*"}, True),
        ({"Resource": [f"arn:aws:ecr:us-east-1:{OWN}:repository/payments/*"]}, True),
        ({"Resource": f"arn:aws:ecr:us-east-1:{OWN}:repository/other"}, False),
        ({"NotResource": f"arn:aws:ecr:us-east-1:{OWN}:repository/other"}, True),
        ({"NotResource": "*"}, False),
    ],
)
def test_a_policy_of_the_registry_counts_for_the_repositories_that_it_names(
    resource: dict[str, Any], counts: bool
) -> None:
    assert grants(allow({"AWS": A}, **resource)) == (of(A) if counts else of())


def test_all_statements_count_together() -> None:
    assert grants(allow({"AWS": A}), allow("*", Condition={}), allow({"AWS": B})) == of(
        A, B, others=("every AWS account",)
    )
    assert pull_grants(json.dumps({"Statement": allow({"AWS": A})}), OWN, ARN) == of(A)


@pytest.mark.parametrize("policy", ["", "[]", "{}", '"text"', '{"Statement": "x"}'])
def test_what_is_no_policy_is_an_error(policy: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # what it says differs
        pull_grants(policy, OWN, ARN)
