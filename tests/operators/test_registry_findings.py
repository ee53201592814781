"""Audits that look at what the registry does by itself, on the local ECR."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.exceptions import AccessDeniedError
from airflow_provider_ecr_preview.local import AccessDenied, LocalEcr
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_merge import EcrMergeLifecycleAuditsOperator
from tests.support.contexts import audit_context

pytestmark = pytest.mark.changes_registry

NAMES = ["docker/nginx", "payments/a", "payments/b", "payments/c", "payments/odd"]


def keep(count: int) -> dict[str, Any]:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}
    return {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}


@pytest.fixture
def registry(local_ecr: LocalEcr) -> LocalEcr:
    for name in NAMES:
        local_ecr.create_repository(name, policy=keep(7 if name == "payments/odd" else 5))
        local_ecr.push_many(name, 6, newest_days_ago=40)
    client = local_ecr.client()
    client.create_pull_through_cache_rule(ecrRepositoryPrefix="docker", upstreamRegistryUrl="registry-1.docker.io")
    client.create_repository_creation_template(
        prefix="docker", appliedFor=["PULL_THROUGH_CACHE"], lifecyclePolicy=json.dumps(keep(2))
    )
    local_ecr.calls.clear()
    return local_ecr


def audit(**parameters: Any) -> Any:
    return EcrAuditLifecyclePoliciesOperator(
        task_id="audit", repository_names=NAMES, audit_id="a", audit_name="a", **parameters
    ).execute(audit_context())


def found(value: Any) -> dict[str, list[str]]:
    return {
        finding["code"]: [repository["repository_name"] for repository in finding["repositories"]]
        for finding in value["findings"]
    }


def test_caches_templates_the_quota_and_families_are_findings(registry: LocalEcr, tmp_path: Path) -> None:
    value = audit(check_registry=True, image_quota=7, reports_path=f"file://{tmp_path}")
    codes = found(value)
    assert codes["pull_through_cache_repository"] == codes["creation_template_differs"] == ["docker/nginx"]
    assert codes["policy_differs_in_family"] == ["payments/odd"]
    assert codes["image_quota_near"] == NAMES
    of = {summary["repository_name"]: summary for summary in value["summaries"]}
    messages = [finding["message"] for finding in of["docker/nginx"]["findings"]]
    assert any("Here it would expire 4 images of 6." in message for message in messages)
    assert "policy_differs_in_family" in "".join(path.read_text() for path in tmp_path.rglob("*.csv"))
    assert "registry_notes" not in value
    assert not registry.calls.mutating


def test_a_template_that_no_repository_would_get_is_linted_too(registry: LocalEcr) -> None:
    limit = {"tagStatus": "tagged", "countType": "imageCountMoreThan", "countNumber": 5}
    selections = [{**limit, "tagPrefixList": ["v"]}, {**limit, "tagPatternList": ["v*"]}]
    policy = {
        "rules": [
            {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}
            for priority, selection in enumerate(selections, 1)
        ]
    }
    registry.client().create_repository_creation_template(
        prefix="later", appliedFor=["CREATE_ON_PUSH"], lifecyclePolicy=json.dumps(policy)
    )
    (note,) = audit(check_registry=True)["registry_notes"]
    assert "creation template later has mistakes" in note


def test_by_default_the_registry_is_not_read_and_no_quota_is_near(registry: LocalEcr) -> None:
    assert not {"pull_through_cache_repository", "creation_template_differs", "image_quota_near"} & set(found(audit()))
    assert not registry.calls.count("DescribePullThroughCacheRules")


def test_what_may_not_be_read_fails_before_any_preview(registry: LocalEcr) -> None:
    registry.inject(AccessDenied(), "DescribePullThroughCacheRules")
    with pytest.raises(AccessDeniedError, match="DescribePullThroughCacheRules"):
        audit(check_registry=True)
    assert not registry.calls.count("StartLifecyclePolicyPreview")


def test_a_family_in_several_parts_is_compared_by_the_merge(registry: LocalEcr, tmp_path: Path) -> None:
    parts = [
        EcrAuditLifecyclePoliciesOperator(
            task_id=f"audit_{number}",
            repository_names=names,
            audit_id="a",
            audit_name="a",
            reports_path=f"file://{tmp_path}",
        ).execute(audit_context())
        for number, names in enumerate([NAMES[1:3], NAMES[3:]])
    ]
    merge = EcrMergeLifecycleAuditsOperator(task_id="merge", audits=parts, audit_id="a")
    (note,) = merge.execute(audit_context())["registry_notes"]
    assert note.startswith(
        "payments/odd: 3 repositories of 4 in payments/ share a policy, but this one has another policy"
    )
    for table in tmp_path.rglob("*.csv"):
        table.write_bytes(b"\xff")
    assert "registry_notes" not in merge.execute(audit_context())
