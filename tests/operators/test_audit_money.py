"""What an audit says of money and owners, against the local ECR, and the calls that it costs."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import pytest

from airflow_provider_ecr_preview.local import LocalEcr, Refused
from airflow_provider_ecr_preview.operators.ecr_audit import (
    EcrAuditLifecyclePoliciesOperator,
    EcrMergeLifecycleAuditsOperator,
)
from airflow_provider_ecr_preview.reports import read_owners
from tests.operators.test_ecr_audit import audit
from tests.support.contexts import audit_context
from tests.support.policies import keep

NAMES = ["payments/api", "payments/worker", "web/shop", "web/old"]


@pytest.fixture
def registry(local_ecr: LocalEcr) -> LocalEcr:
    for name in NAMES:
        local_ecr.create_repository(name, policy=None if name == "web/old" else keep(2))
        local_ecr.push_many(name, 5)
    ecr = boto3.client("ecr", region_name="us-east-1")
    for name, tags in {"payments/api": {"team": "payments"}, "payments/worker": {"team": "payments"}}.items():
        arn = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryArn"]
        ecr.tag_resource(resourceArn=arn, tags=[{"Key": key, "Value": value} for key, value in tags.items()])
    local_ecr.calls.clear()
    return local_ecr


def run(**kwargs: Any) -> Any:
    task: EcrAuditLifecyclePoliciesOperator = audit(repository_names=NAMES, fail_on="none", **kwargs)
    return task.execute(audit_context())


def test_money_and_owners_cost_the_calls_that_are_stated(registry: LocalEcr, tmp_path: Path) -> None:
    value = run(measure_storage=True, owner_tag="team", reports_path=tmp_path.as_uri())
    assert value["storage"]["measured_repository_count"] == 4
    assert value["storage"]["stored_image_count"] == 20
    assert value["storage"]["leaving_bytes_upper_bound"] == value["expiring_bytes_upper_bound"]
    assert {owner["owner"]: owner["repository_count"] for owner in value["owners"]} == {"payments": 2, "": 2}
    calls = Counter(registry.calls.operations)
    assert calls["StartLifecyclePolicyPreview"] == 4
    assert calls["GetLifecyclePolicyPreview"] == 3
    assert calls["DescribeImages"] == 4
    assert calls["ListTagsForResource"] == 4
    assert calls["DescribeRepositories"] <= 4
    rows = [row for file in value["table_uris"] if file.endswith(".csv") for row in _rows(file)]
    cost = sum(float(row["monthly_cost_usd"]) for row in rows)
    assert round(cost, 6) == value["storage"]["monthly_cost_usd"]


def _rows(uri: str) -> list[dict[str, str]]:
    with Path(uri.removeprefix("file://")).open() as file:
        return list(csv.DictReader(file))


def test_without_the_parameters_no_call_is_added(registry: LocalEcr) -> None:
    value = run()
    calls = Counter(registry.calls.operations)
    assert calls["DescribeImages"] == 3
    assert not calls["ListTagsForResource"]
    assert not calls["DescribeRepositories"]
    assert "storage" not in value
    assert "owners" not in value


def test_a_candidate_saves_what_the_applied_policy_would_not_take(registry: LocalEcr) -> None:
    storage = run(measure_storage=True, lifecycle_policy_text=keep(1))["storage"]
    assert storage["leaving_bytes_upper_bound"] == 0
    assert storage["saved_bytes_upper_bound"] > 0


def test_tags_that_may_not_be_read_leave_the_owner_unknown_and_lose_no_repository(registry: LocalEcr) -> None:
    registry.inject(Refused("AccessDeniedException"), operation="ListTagsForResource", calls=None)
    value = run(owner_tag="team")
    assert value["failed_count"] == 0
    assert "owners" not in value


def test_each_rule_has_the_cost_of_what_it_deletes(registry: LocalEcr) -> None:
    value = run(measure_storage=True)
    costs = [rule["monthly_cost_usd"] for summary in value["summaries"] for rule in summary["rules"]]
    assert sum(costs) == pytest.approx(value["storage"]["leaving_monthly_cost_usd"], abs=len(costs) / 1e6)
    assert all("monthly_cost_usd" not in rule for summary in run()["summaries"] for rule in summary["rules"])


def test_each_owner_has_a_report_whose_sums_are_those_of_the_result(registry: LocalEcr, tmp_path: Path) -> None:
    value = run(measure_storage=True, owner_tag="team", reports_path=tmp_path.as_uri())
    owners = read_owners(value["owners_uri"])
    assert owners == value["owners"]
    assert {owner["owner"] for owner in owners} == {"payments", ""}
    assert sum(owner["monthly_cost_usd"] for owner in owners) == pytest.approx(value["storage"]["monthly_cost_usd"])
    for owner in owners:
        text = Path(str(owner["report_uri"]).removeprefix("file://")).read_text()
        assert ("payments/api" in text) == (owner["owner"] == "payments")
        assert ("web/old" in text) == (owner["owner"] == "")


def test_a_merged_audit_takes_the_owners_from_the_tables_of_its_parts(registry: LocalEcr, tmp_path: Path) -> None:
    parts = []
    for number, names in enumerate((NAMES[:1], NAMES[1:])):
        task = audit(
            repository_names=names,
            fail_on="none",
            measure_storage=True,
            owner_tag="team",
            reports_path=tmp_path.as_uri(),
        )
        parts.append(task.execute(audit_context(map_index=number)))
    assert not any("owners_uri" in part for part in parts)
    merge = EcrMergeLifecycleAuditsOperator(
        task_id="merge", audits=parts, reports_path=tmp_path.as_uri(), audit_id="weekly"
    )
    value: Any = merge.execute(audit_context(states={}))
    owners = read_owners(value["owners_uri"])
    assert {owner["owner"]: owner["repository_count"] for owner in owners} == {"payments": 2, "": 2}
    assert owners == value["owners"]
    [point] = map(json.loads, Path(value["trend_uri"].removeprefix("file://")).read_text().splitlines())
    assert point["monthly_cost_usd"] == value["storage"]["monthly_cost_usd"]
    assert not any("trend_uri" in part for part in parts)
