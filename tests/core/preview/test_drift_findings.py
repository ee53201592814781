"""The findings about a policy that is not the expected one."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow_provider_ecr_preview.core.policy.expected import ExpectedPolicy
from airflow_provider_ecr_preview.core.preview.drift_findings import drift_findings
from airflow_provider_ecr_preview.core.preview.reading import Lookout
from tests.core.policy.test_expected import policy

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_a_policy_that_differs_is_a_warning_that_names_the_file_and_the_rules() -> None:
    (finding,) = drift_findings(policy((1, 5)), ExpectedPolicy("policies/api.json", policy((1, 6))))
    assert (finding.code, finding.severity) == ("applied_policy_differs", "warning")
    assert "policies/api.json: rule 1 changed" in finding.message


def test_the_expected_policy_and_a_repository_that_no_file_is_about_are_no_findings() -> None:
    assert not drift_findings(policy((1, 5)), ExpectedPolicy("api.json", policy((1, 5))))
    assert not drift_findings(policy((1, 5)), None)
    assert not Lookout().of_policy("api", None, NOW)


def test_a_policy_that_is_not_known_yet_is_said_to_be_unknown() -> None:
    (finding,) = Lookout(expected_policy_of=lambda _: ExpectedPolicy("plan", None, "Not yet.")).of_policy(
        "api", None, NOW
    )
    assert (finding.code, finding.as_dict()["message"][-8:]) == ("expected_policy_unknown", "Not yet.")
