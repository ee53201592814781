"""An affected image that is in use is a critical finding of a preview and of an audit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.in_use.images import ImagesInUse, ImageUser, UnreadSource
from airflow_provider_ecr_preview.core.in_use.reference import ImageReference
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from tests.support.contexts import audit_context

NAMES = ["payments/api", "shop/web"]
ACCOUNT, REGION = "123456789012", "us-east-1"


@pytest.fixture
def registry(local_ecr: LocalEcr) -> LocalEcr:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5}
    for name in NAMES:
        local_ecr.create_repository(
            name, policy={"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}
        )
        local_ecr.push_many(name, 8, newest_days_ago=40)
    return local_ecr


def collected(*references: ImageReference, unread: bool = False) -> dict[str, Any]:
    in_use = ImagesInUse(datetime.now(UTC))
    in_use.sources = [{"source": "ecs", "account_id": ACCOUNT, "region_name": REGION}]
    for reference in references:
        in_use.add(reference, ImageUser("ECS task", "checkout"))
    if unread:
        in_use.unread = [UnreadSource("lambda", "aws_default", REGION, "denied")]
    return {**in_use.as_xcom()}


def summarized(**kwargs: Any) -> Any:
    EcrStartLifecyclePolicyPreviewOperator(task_id="start", repository_name=NAMES[0]).execute(audit_context())
    return EcrSummarizeLifecyclePolicyPreviewOperator(task_id="summarize", repository_name=NAMES[0], **kwargs).execute(
        audit_context()
    )


def audited(**kwargs: Any) -> Any:
    return EcrAuditLifecyclePoliciesOperator(
        task_id="audit", repository_names=NAMES, audit_id="a", region_name=REGION, **kwargs
    ).execute(audit_context())


@pytest.mark.parametrize("by", ["tag", "digest"])
@pytest.mark.parametrize("enrich", [True, False])
def test_an_affected_image_that_runs_is_the_first_finding_of_the_summary(
    registry: LocalEcr, by: str, *, enrich: bool
) -> None:
    oldest = registry.repository(NAMES[0]).local_images[0].get_image_digest()
    reference = ImageReference(
        ACCOUNT, REGION, NAMES[0], oldest if by == "digest" else None, "build-0" if by == "tag" else None
    )
    finding = summarized(in_use=collected(reference), enrich=enrich)["findings"][0]
    assert (finding["code"], finding["severity"], finding["image_digests"]) == (
        "in_use_image_expires",
        "critical",
        [oldest],
    )
    assert "ECS task checkout" in finding["message"]


def test_an_image_that_stays_may_run_and_one_of_another_repository_too(registry: LocalEcr) -> None:
    stays = ImageReference(ACCOUNT, REGION, NAMES[0], None, "build-7")
    other = ImageReference(ACCOUNT, REGION, NAMES[1], None, "build-0")
    assert "in_use_image_expires" not in {
        finding["code"] for finding in summarized(in_use=collected(stays, other))["findings"]
    }


def test_the_audit_names_the_repository_whose_policy_expires_an_image_in_use(registry: LocalEcr) -> None:
    audit = audited(in_use=collected(ImageReference(ACCOUNT, REGION, NAMES[1], None, "build-0")))
    finding = audit["findings"][0]
    assert (finding["code"], finding["severity"]) == ("in_use_image_expires", "critical")
    assert [repository["repository_name"] for repository in finding["repositories"]] == [NAMES[1]]


@pytest.mark.parametrize("given", ["nothing that could be read", collected(unread=True)])
def test_what_could_not_be_read_is_a_finding_and_never_silence(registry: LocalEcr, given: Any) -> None:
    audit = audited(in_use=given)
    codes = {finding["code"]: finding["repository_count"] for finding in audit["findings"]}
    assert codes["in_use_unknown"] == 2


@pytest.mark.parametrize(("required_scope", "count"), [(None, 0), ("111111111111", 2), ("[]", 0)])
def test_a_place_that_has_to_be_read_and_was_not_is_a_finding(
    registry: LocalEcr, required_scope: Any, count: int
) -> None:
    audit = audited(in_use=collected(), required_scope=required_scope)
    found = [finding for finding in audit["findings"] if finding["code"] == "in_use_unknown"]
    assert sum(finding["repository_count"] for finding in found) == count
    summary = summarized(in_use=collected(), required_scope=required_scope)
    messages = [finding["message"] for finding in summary["findings"] if finding["code"] == "in_use_unknown"]
    assert ["111111111111/us-east-1 was not read" in message for message in messages] == [True] * bool(count)


def test_without_in_use_there_is_no_finding_about_it(registry: LocalEcr) -> None:
    assert not {finding["code"] for finding in audited()["findings"]} & {"in_use_unknown", "in_use_image_expires"}
