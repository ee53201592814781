"""An image with the tag of an environment does not expire without a word."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_compare import EcrCompareLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from airflow_provider_ecr_preview.task_groups.lifecycle_audit import lifecycle_audit
from tests.support.contexts import audit_context
from tests.support.policies import keep

NAME = "payments/api"
CODE = "protected_tag_expires"


@pytest.fixture
def live(local_ecr: LocalEcr) -> str:
    """Return the digest of the image that was deployed long ago, in a repository whose policy keeps the newest five."""
    local_ecr.create_repository(NAME, policy=keep(5))
    digest = local_ecr.push(NAME, tags=["build-0", "live"], pushed_days_ago=90)
    local_ecr.push_many(NAME, 8, tags=lambda index: (f"build-{index + 1}",), newest_days_ago=40, oldest_days_ago=80)
    return digest


def summarized(**kwargs: Any) -> Any:
    EcrStartLifecyclePolicyPreviewOperator(task_id="start", repository_name=NAME).execute(audit_context())
    return EcrSummarizeLifecyclePolicyPreviewOperator(task_id="summarize", repository_name=NAME, **kwargs).execute(
        audit_context()
    )


def audited(**kwargs: Any) -> Any:
    return EcrAuditLifecyclePoliciesOperator(
        task_id="audit", repository_names=[NAME], audit_id="a", region_name="us-east-1", **kwargs
    ).execute(audit_context())


def compared(**kwargs: Any) -> Any:
    comparison = EcrCompareLifecyclePoliciesOperator(
        task_id="compare", repository_names=[NAME], candidates={"tight": keep(2)}, **{"method": "simulation", **kwargs}
    ).execute(audit_context())
    return comparison["repositories"][0]["policies"][1]


@pytest.mark.parametrize("found_by", [summarized, compared])
def test_the_tag_of_an_environment_is_a_finding(live: str, found_by: Any) -> None:
    findings = {finding["code"]: finding for finding in found_by()["findings"]}
    assert findings[CODE]["severity"] == "critical"
    assert findings[CODE]["image_digests"] == [live]
    assert "(live)" in findings[CODE]["message"]


def test_the_audit_names_the_repository(live: str) -> None:
    findings = {finding["code"]: finding for finding in audited()["findings"]}
    assert findings[CODE]["severity"] == "critical"
    assert [repository["repository_name"] for repository in findings[CODE]["repositories"]] == [NAME]
    assert CODE not in {finding["code"] for finding in audited(protected_tags=["v*"])["findings"]}


@pytest.mark.parametrize("found_by", [summarized, compared])
@pytest.mark.parametrize("value", ["build-1, v*", "['build-1']", ["build-1"]])
def test_which_tags_are_protected_is_a_parameter_in_any_form(live: str, found_by: Any, value: Any) -> None:
    findings = {finding["code"]: finding for finding in found_by(protected_tags=value)["findings"]}
    assert findings[CODE]["image_digests"] != [live]
    assert "(build-1)" in findings[CODE]["message"]


@pytest.mark.parametrize("found_by", [summarized, audited, compared])
def test_no_tag_may_be_protected_on_purpose(live: str, found_by: Any) -> None:
    assert CODE not in {finding["code"] for finding in found_by(protected_tags=[])["findings"]}


@pytest.mark.parametrize("found_by", [summarized, audited, compared])
@pytest.mark.parametrize("value", ["", "None", ["v*", ""], {"latest": 1}])
def test_a_value_that_protects_nothing_by_accident_is_an_error(live: str, found_by: Any, value: Any) -> None:
    with pytest.raises(ValueError, match="protected_tags"):
        found_by(protected_tags=value)


@pytest.mark.parametrize(
    "operator",
    [
        EcrSummarizeLifecyclePolicyPreviewOperator,
        EcrAuditLifecyclePoliciesOperator,
        EcrCompareLifecyclePoliciesOperator,
    ],
)
def test_it_is_a_template_field(operator: Any) -> None:
    assert "protected_tags" in operator.template_fields


def test_the_task_group_hands_it_to_the_audits() -> None:
    from airflow.sdk import DAG  # noqa: PLC0415

    with DAG("audit", schedule=None) as dag:
        lifecycle_audit(protected_tags=["live"])
    assert dag.get_task("lifecycle_audit.audit").partial_kwargs["protected_tags"] == ["live"]  # type: ignore[union-attr]
