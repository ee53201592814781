"""Whether ECR records the pulls of a caller."""

from __future__ import annotations

import pytest

from airflow_provider_ecr_preview.core.pull_exclusions import is_excluded, principal_of, refusal

ROLE = "arn:aws:iam::123456789012:role/audit"
CALLER = "arn:aws:sts::123456789012:assumed-role/audit/session"


@pytest.mark.parametrize(
    ("caller", "exclusions", "excluded"),
    [
        (CALLER, [ROLE], True),
        (CALLER, ["arn:aws:iam::123456789012:role/team/path/audit"], True),
        (CALLER, [], False),
        (CALLER, ["arn:aws:iam::999999999999:role/audit"], False),
        (CALLER, ["arn:aws:iam::123456789012:role/my-audit", "arn:aws:iam::123456789012:user/audit"], False),
        ("arn:aws:iam::123456789012:user/anna", ["arn:aws:iam::123456789012:user/anna"], True),
        ("arn:aws:iam::123456789012:user/anna", ["arn:aws:iam::123456789012:user/team/anna"], False),
        ("arn:aws-cn:sts::123456789012:assumed-role/audit/s", [ROLE], False),
    ],
)
def test_a_role_is_excluded_by_its_name_in_its_account(caller: str, exclusions: list[str], excluded: bool) -> None:
    assert is_excluded(caller, exclusions) is excluded


def test_the_refusal_has_the_call_that_adds_the_exclusion() -> None:
    text = refusal(CALLER, "eu-west-1")
    assert f"aws ecr register-pull-time-update-exclusion --principal-arn {ROLE} --region eu-west-1" in text
    assert "with the path of the role" in text
    user = "arn:aws:iam::123456789012:user/anna"
    assert principal_of(user) == user
    assert "path of the role" not in refusal(user, "eu-west-1")
