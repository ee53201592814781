from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.local import AccessDenied, LocalEcr
from tests.support.policies import keep

RunDag = Callable[..., dict[str, Any]]
Form = Callable[[str], dict[str, Any]]


def test_the_weekly_audit_with_its_form_untouched_covers_every_repository_of_both_regions(
    team_ecr: LocalEcr, run_dag: RunDag, untouched_form: Form
) -> None:
    result = run_dag("ecr_audit_registry", untouched_form("ecr_audit_registry"))
    assert result["state"] == "success", result["log"][-3000:]
    audit = result["values"]["lifecycle_audit.merge[-1]"]
    assert (audit["repository_count"], audit["failed_count"], audit["missing_part_count"]) == (46, 0, 0)
    assert {registry["region_name"]: registry["repository_count"] for registry in audit["registries"]} == {
        "us-east-1": 34,
        "eu-west-1": 12,
    }
    assert {"newest_image_expires", "dead_rule", "and_patterns_match_nothing"} <= {
        finding["code"] for finding in audit["findings"]
    }
    assert result["values"]["look_at[-1]"]
    (event,) = result["events"]
    assert event["expiring_image_count"] == audit["expiring_image_count"] > 0
    assert "ECR: 46 repositories audited" in result["log"], "the notifier's message"
    assert team_ecr.calls.count("StartLifecyclePolicyPreview") == 46


@pytest.mark.nightly
def test_the_form_of_the_weekly_audit_chooses_repositories_regions_and_policy(
    team_ecr: LocalEcr, run_dag: RunDag
) -> None:
    conf = {
        "include": "payments/*, web/*",
        "exclude": "*/search",
        "region_names": ["eu-west-1"],
        "lifecycle_policy": keep(5),
    }
    result = run_dag("ecr_audit_registry", conf)
    assert result["state"] == "success", result["log"][-3000:]
    audit = result["values"]["lifecycle_audit.merge[-1]"]
    assert (audit["repository_count"], audit["previewed_count"]) == (5, 5)
    assert audit["total_image_count"] - audit["expiring_image_count"] == 5 * 5


@pytest.mark.nightly
def test_the_organisation_audit_merges_the_audits_of_all_sites(team_ecr: LocalEcr, run_dag: RunDag) -> None:
    sites = [
        {"aws_conn_id": "aws_default", "region_name": region} for region in ("us-east-1", "eu-west-1", "us-west-2")
    ]
    result = run_dag("ecr_audit_organisation", {"sites": sites})
    assert result["state"] == "success", result["log"][-3000:]
    audit = result["values"]["merge[-1]"]
    assert (audit["repository_count"], len(audit["registries"])) == (46, 2)


def test_a_site_without_an_answer_makes_the_organisation_audit_incomplete(
    team_ecr: LocalEcr, run_dag: RunDag, untouched_form: Form
) -> None:
    team_ecr.inject(AccessDenied(), "DescribeRepositories", region="eu-west-1", calls=None)
    result = run_dag("ecr_audit_organisation", untouched_form("ecr_audit_organisation"))
    assert result["state"] == "failed"
    assert result["tasks"]["merge[-1]"] == "failed"
    audit = result["values"]["merge[-1]"]
    assert (audit["missing_part_count"], audit["repository_count"]) == (1, 34)


def test_the_check_of_a_policy_with_its_form_untouched_simulates_it_and_starts_no_preview(
    team_ecr: LocalEcr, run_dag: RunDag, untouched_form: Form
) -> None:
    result = run_dag("ecr_compare_policies", untouched_form("ecr_compare_policies"))
    assert result["state"] == "success", result["log"][-3000:]
    comparison = result["values"]["compare[-1]"]
    assert comparison["method"] == "simulation"
    applied, candidate = comparison["policies"]
    assert (applied["policy"], candidate["policy"]) == ("applied", "candidate")
    assert candidate["newly_affected_image_count"] > 0
    assert "images affected in addition: " in result["values"]["report[-1]"]
    assert not team_ecr.calls.count("StartLifecyclePolicyPreview")


def test_the_search_for_policies_with_its_form_untouched_proves_them_and_audits_them(
    team_ecr: LocalEcr, run_dag: RunDag, untouched_form: Form
) -> None:
    result = run_dag("ecr_recommend_policies", untouched_form("ecr_recommend_policies"))
    assert result["state"] == "success", result["log"][-3000:]
    recommendation = result["values"]["recommend[-1]"]
    assert recommendation["in_use_is_known"]
    assert recommendation["lifecycle_policies"]
    assert {policy["lost_image_count"] for policy in recommendation["policies"]} == {0}
    expiring = sum(policy["expiring_image_count"] for policy in recommendation["policies"])
    # DescribeImages does not say which images a list holds, so the simulation may count some that ECR keeps.
    assert expiring >= result["values"]["audit[-1]"]["expiring_image_count"] > 0.9 * expiring
    assert f"{expiring} images would expire." in result["values"]["report[-1]"]


@pytest.mark.nightly
def test_the_check_of_a_policy_fails_if_it_affects_too_many_images(team_ecr: LocalEcr, run_dag: RunDag) -> None:
    conf = {"lifecycle_policy": keep(5), "max_newly_affected": 10, "method": "preview"}
    result = run_dag("ecr_compare_policies", conf)
    assert result["state"] == "failed"
    assert result["tasks"]["compare[-1]"] == "failed"
    assert "10 are allowed (max_newly_affected)" in result["log"]
    assert result["values"]["compare[-1]"]["policies"][1]["newly_affected_image_count"] > 10


def test_the_reconciliation_of_a_preview_that_ecr_has_not_acted_upon_says_so(
    team_ecr: LocalEcr, run_dag: RunDag, untouched_form: Form, tmp_path: Path
) -> None:
    form = {**untouched_form("ecr_reconcile"), "reports_path": f"file://{tmp_path}/reports"}
    result = run_dag("ecr_reconcile", form, approve="a_day_later")
    assert result["state"] == "success", result["log"][-3000:]
    reconciled = result["values"]["reconcile[-1]"]
    assert reconciled["statuses"] == {"not_executed_yet": 1}
