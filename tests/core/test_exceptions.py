from __future__ import annotations

import pickle

import pytest

from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError, PreviewFailedError
from airflow_provider_ecr_preview.core.lint.policy import lint_policy


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ({}, "payments/api: "),
        ({"region_name": "eu-west-1"}, "payments/api (eu-west-1): "),
        ({"registry_id": "123456789012"}, "payments/api (123456789012): "),
        (
            {"registry_id": "123456789012", "region_name": "eu-west-1"},
            "payments/api (123456789012, eu-west-1): ",
        ),
    ],
)
def test_an_error_about_a_repository_begins_with_what_is_known_of_its_place(where: dict[str, str], place: str) -> None:
    assert str(PreviewFailedError("it failed.", repository_name="payments/api", **where)) == f"{place}it failed."


def test_an_error_about_a_repository_crosses_a_process_boundary() -> None:
    error = PreviewFailedError("it failed.", repository_name="payments/api", region_name="eu-west-1")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.repository_name) == (PreviewFailedError, str(error), "payments/api")


@pytest.mark.parametrize("repository", [None, "payments/api (eu-west-1)"])
def test_an_invalid_policy_names_every_mistake_and_crosses_a_process_boundary(repository: str | None) -> None:
    findings = lint_policy('{"rules": []}')
    error = InvalidLifecyclePolicyError(findings, repository)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.findings, copy.repository) == (str(error), tuple(findings), repository)
    assert all(str(finding) in str(error) for finding in findings)
    assert ("payments/api" in str(error)) == (repository is not None)
