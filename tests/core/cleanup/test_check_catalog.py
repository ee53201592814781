"""Every check and every reason to spare an image says how to fix it."""

from __future__ import annotations

import pickle

import pytest

from airflow_provider_ecr_preview import exceptions
from airflow_provider_ecr_preview.core.cleanup.answers import Answer, Verdict
from airflow_provider_ecr_preview.core.cleanup.check_catalog import CHECKS, SPARED_REASONS, lifting
from airflow_provider_ecr_preview.core.cleanup.check_functions import CHECK_FUNCTIONS
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult
from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared

IN_OTHER_PLACES = {
    "approval_given",
    "change_permissions",
    "read_permissions",
    "run_max_images",
    "run_max_bytes",
    "applied_policy",
    "former_policies_kept",
}


def test_every_check_is_explained_and_nothing_else() -> None:
    assert set(CHECKS) == {*CHECK_FUNCTIONS, *IN_OTHER_PLACES}


def test_every_reason_to_spare_an_image_is_explained_and_nothing_else() -> None:
    assert set(SPARED_REASONS) == {str(reason) for reason in Spared}
    assert {reason.check for reason in SPARED_REASONS.values()} <= {*CHECKS, None}


def test_explanations_are_whole_sentences() -> None:
    assert all(check.question.rstrip(".").count("?") == 1 for check in CHECKS.values())
    sentences = [check.remedy for check in CHECKS.values()]
    sentences += [text for reason in SPARED_REASONS.values() for text in (reason.meaning, reason.remedy)]
    assert all(sentence.endswith(".") and sentence[0].isupper() for sentence in sentences)


@pytest.mark.parametrize("verdict", ["blocked", "unknown", "spared"])
def test_a_check_that_blocks_or_spares_says_what_lifts_it(verdict: Verdict) -> None:
    known = CheckResult.of("max_images", Answer(verdict, "2 images; max_images is 1."))
    assert known.remedy == CHECKS["max_images"].remedy
    assert str(known) == f"max_images ({verdict}): 2 images; max_images is 1. To fix this: {known.remedy}"
    assert known.as_dict()["remedy"] == known.remedy
    assert CheckResult.of("max_images", Answer(verdict, "", remedy="Do this.")).remedy == "Do this."


@pytest.mark.parametrize("verdict", ["passed", "off"])
def test_a_check_with_nothing_to_lift_says_nothing_of_it(verdict: Verdict) -> None:
    check = CheckResult.of("max_images", Answer(verdict, "1 image; max_images is 1."))
    assert check.remedy is None
    assert str(check) == f"max_images ({verdict}): 1 image; max_images is 1."


ERRORS = [
    error for name in exceptions.__all__ if issubclass(error := getattr(exceptions, name), exceptions.RepositoryError)
]


@pytest.mark.parametrize("error", ERRORS, ids=[error.__name__ for error in ERRORS])
def test_every_error_about_a_repository_has_a_remedy(error: type[exceptions.RepositoryError]) -> None:
    assert lifting(error("it failed.", repository_name="payments/api")).endswith(".")


def test_an_error_of_permissions_names_the_action_also_across_a_process_boundary() -> None:
    error = exceptions.AccessDeniedError("no.", repository_name="payments/api", action="ecr:DescribeImages")
    assert "Allow ecr:DescribeImages" in lifting(pickle.loads(pickle.dumps(error)))


def test_refused_credentials_are_not_a_missing_permission() -> None:
    assert "valid credentials" in lifting(exceptions.AccessDeniedError("no.", repository_name="payments/api"))
