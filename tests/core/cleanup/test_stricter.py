"""A rule that is stricter than it was warns by its name and says the way out."""

from __future__ import annotations

import re

import pytest

from airflow_provider_ecr_preview.core.cleanup.answers import Verdict
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult
from airflow_provider_ecr_preview.core.cleanup.remedies import CHECKS
from airflow_provider_ecr_preview.core.cleanup.stricter import STRICTER, stricter_warnings
from airflow_provider_ecr_preview.core.repository import RepositoryId

FORM = re.compile(r"(\w+): stricter than in release 0\.1: .+; set (\w+)=.+ to .+\.")


def check(code: str, verdict: Verdict) -> tuple[RepositoryId, CheckResult]:
    return RepositoryId("123456789012", "eu-west-1", "a"), CheckResult(code, verdict, "3 images are affected.")


@pytest.mark.parametrize("code", STRICTER)
def test_every_warning_has_the_same_form_and_names_a_parameter_of_its_check(code: str) -> None:
    (warning,) = stricter_warnings([check(code, next(iter(STRICTER[code].verdicts)))])
    match = FORM.fullmatch(warning)
    assert match is not None, warning
    assert match[1] == code
    assert match[2] in CHECKS[code].parameters


def test_one_warning_for_every_rule_that_has_an_effect() -> None:
    checks = [
        *[check("referrers", "spared")] * 3,
        check("replicas", "blocked"),
        check("replicas", "unknown"),
        check("manifest_lists", "passed"),
        check("in_use", "spared"),
        check("image_age", "blocked"),
    ]
    replicas, referrers = stricter_warnings(checks)
    assert replicas.startswith(
        "replicas: stricter than in release 0.1: a (123456789012, eu-west-1) (and 1 more repository)"
    )
    assert "(and 2 more repositories): 3 images are affected; set check_referrers=False" in referrers
    assert stricter_warnings([check("referrers", "passed")]) == []
