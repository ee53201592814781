"""A rule that is stricter than it was warns by its name and says the way out."""

from __future__ import annotations

import re

import pytest

from airflow_provider_ecr_preview.core.cleanup.answers import Verdict
from airflow_provider_ecr_preview.core.cleanup.check_catalog import CHECKS
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult
from airflow_provider_ecr_preview.core.cleanup.stricter_checks import STRICTER, stricter_warnings
from airflow_provider_ecr_preview.core.repository import RepositoryId

FORM = re.compile(r"(\w+): stricter than in release 0\.1: .+; set (\w+)=.+ to .+\.")


MESSAGES = {
    "protected_tags": "1 approved image is protected by a tag. For example sha256:1: Its tag live-1 is protected by live*.",
    "findings": "The preview has critical findings: protected_tag_expires.",
}


def check(code: str, verdict: Verdict, message: str | None = None) -> tuple[RepositoryId, CheckResult]:
    message = message or MESSAGES.get(code, "3 images are affected.")
    return RepositoryId("123456789012", "eu-west-1", "a"), CheckResult(code, verdict, message)


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


def test_a_check_of_which_a_part_is_stricter_warns_for_that_part_alone() -> None:
    as_before = [
        check(
            "protected_tags", "spared", "1 approved image is protected by a tag. Its tag prod is protected by prod*."
        ),
        check("findings", "blocked", "The preview has critical findings: recently_pulled_image_expires."),
        check("images_left", "blocked"),
    ]
    assert stricter_warnings(as_before) == []


def test_every_check_that_release_0_1_did_not_have_is_listed_or_never_stops_a_clean_up_of_that_release() -> None:
    new = {"approval_given", "approved_unchanged", "manifest_lists", "pulling_accounts", "referrers", "replicas"}
    only_where_approved_is_given = {"approval_given", "approved_unchanged"}
    only_warns = {"pulling_accounts"}
    assert new - only_where_approved_is_given - only_warns <= STRICTER.keys()
    assert STRICTER.keys() <= CHECKS.keys()
