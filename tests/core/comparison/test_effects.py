from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.comparison.effects import (
    Comparison,
    PolicyEffect,
    checked_by_simulation,
    compare_effects,
    new_findings,
)
from airflow_provider_ecr_preview.core.comparison.result import comparison_marker, comparison_xcom
from airflow_provider_ecr_preview.core.comparison.simulation import simulate
from airflow_provider_ecr_preview.core.xcom.audit import MAX_AUDIT_BYTES, FailedRepository, RepositoryRef
from airflow_provider_ecr_preview.core.xcom.comparison import ComparedRepository
from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary
from airflow_provider_ecr_preview.display.comparison import comparison_table
from airflow_provider_ecr_preview.display.text import render
from tests.support.builders import NOW, REGION, REGISTRY_ID, archiving, digest, previewed, stored
from tests.support.policies import policy, rule, tagged

NAMES = ["applied", "candidate"]


def ref(name: str = "payments/api") -> RepositoryRef:
    return RepositoryRef(registry_id=REGISTRY_ID, region_name=REGION, repository_name=name)


def finding(code: str = "dead_rule", severity: Any = "warning", message: str = "Look at it.") -> FindingSummary:
    return FindingSummary(code=code, severity=severity, message=message, image_digests=[digest(n) for n in range(10)])


def effect(*numbers: int, findings: list[FindingSummary] | None = None, size: int | None = 100) -> PolicyEffect:
    of = PolicyEffect("f" * 64, findings or [])
    for number in numbers:
        of.add(previewed(number, image_size_in_bytes=size))
    return of


def compared(first: PolicyEffect, second: PolicyEffect, name: str = "payments/api") -> ComparedRepository:
    return compare_effects(ref(name), dict(zip(NAMES, (first, second), strict=True)))


def failure(name: str = "a/failed", message: str = "no such repository") -> FailedRepository:
    return FailedRepository(**ref(name), error="RepositoryNotFoundError", message=message)


def comparison(*repositories: ComparedRepository, method: Any = "preview") -> Comparison:
    of = Comparison(NAMES, method, NOW)
    for repository in repositories:
        of.add(repository)
    return of


def test_the_images_that_only_one_policy_affects_are_listed_with_their_bytes() -> None:
    applied, candidate = compared(effect(1, 2), effect(2, 3, 4))["policies"]
    assert (applied["newly_affected_image_count"], applied["no_longer_affected_image_count"]) == (0, 0)
    assert candidate["newly_affected_image_digests"] == [digest(3), digest(4)]
    assert candidate["newly_affected_bytes_upper_bound"] == 200
    assert candidate["no_longer_affected_image_digests"] == [digest(1)]
    assert candidate["no_longer_affected_bytes_upper_bound"] == 100
    assert (candidate["expiring_image_count"], candidate["expiring_bytes_upper_bound"]) == (3, 300)


def test_an_image_that_is_archived_where_it_expired_before_has_another_action() -> None:
    archived = PolicyEffect("a" * 64)
    archived.add(archiving(1))
    _, candidate = compared(effect(1), archived)["policies"]
    assert (candidate["action_changed_image_count"], candidate["newly_affected_image_count"]) == (1, 0)
    assert (candidate["expiring_image_count"], candidate["archiving_image_count"]) == (0, 1)


def test_bytes_are_not_known_as_soon_as_one_size_is_not() -> None:
    _, candidate = compared(effect(), effect(1, size=None))["policies"]
    assert candidate["newly_affected_bytes_upper_bound"] is None
    value = comparison_xcom(comparison(compared(effect(), effect(1, size=None)), compared(effect(), effect(1))))
    assert value["policies"][1]["newly_affected_bytes_upper_bound"] is None
    assert value["policies"][1]["newly_affected_image_count"] == 2


def test_the_marker_counts_what_the_candidate_takes_and_leaves() -> None:
    marker = comparison_marker(comparison_xcom(comparison(compared(effect(1, 2), effect(2, 3, 4)))))
    assert (marker["kind"], marker["counts"]["policies"]) == ("comparison", NAMES)
    assert marker["counts"]["newly_affected_image_counts"] == [2]
    assert marker["counts"]["no_longer_affected_image_counts"] == [1]
    assert marker["counts"]["differing_repository_count"] == 1


def test_without_an_applied_policy_the_candidate_is_compared_with_no_policy() -> None:
    applied, candidate = compared(PolicyEffect(None), effect(1))["policies"]
    assert (applied["policy_fingerprint"], applied["expiring_image_count"]) == (None, 0)
    assert candidate["newly_affected_image_count"] == 1


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_both_sides_and_what_they_share_add_up(first: set[int], second: set[int]) -> None:
    _, candidate = compared(effect(*first), effect(*second))["policies"]
    shared = len(first & second)
    assert candidate["newly_affected_image_count"] + shared == len(second)
    assert candidate["no_longer_affected_image_count"] + shared == len(first)
    _, back = compared(effect(*second), effect(*first))["policies"]
    assert back["newly_affected_image_count"] == candidate["no_longer_affected_image_count"]


def test_findings_that_the_first_policy_raises_too_are_not_new() -> None:
    repository = compared(
        effect(findings=[finding("dead_rule")]),
        effect(findings=[finding("dead_rule"), finding("newest_image_expires", "critical"), finding("costs", "info")]),
    )
    assert [(name, finding["code"]) for name, finding in new_findings(repository, "warning")] == [
        ("candidate", "newest_image_expires")
    ]
    assert len(new_findings(repository, "info")) == 2


def test_where_preview_and_simulation_disagree_there_is_a_finding_that_names_the_images() -> None:
    checked = checked_by_simulation(effect(1, 2), effect(2, 3))
    (found,) = checked.findings
    assert (found["code"], found["severity"]) == ("simulation_disagrees", "warning")
    assert found["image_digests"] == [digest(1), digest(3)]
    assert checked.taken.keys() == effect(1, 2).taken.keys()
    assert not checked_by_simulation(effect(1), effect(1)).findings


def test_repositories_in_which_a_candidate_is_grave_come_first_and_failures_are_counted() -> None:
    of = comparison(
        compared(effect(), effect(*range(9)), "a/many"),
        compared(effect(), effect(1, findings=[finding("newest_image_expires", "critical")]), "b/grave"),
        compared(effect(1), effect(1), "c/same"),
    )
    of.fail(failure())
    value = comparison_xcom(of)
    assert [repository["repository_name"] for repository in value["repositories"]] == ["b/grave", "a/many", "c/same"]
    assert (value["repository_count"], value["failed_count"], value["differing_repository_count"]) == (4, 1, 2)
    assert value["policies"][1]["findings"] == {"newest_image_expires": 1}
    assert value["errors"] == {"RepositoryNotFoundError": 1}
    assert json.loads(json.dumps(value)) == value


@pytest.mark.parametrize("message", ["short", "ü" * 3000])
def test_the_comparison_of_however_many_repositories_fits(message: str) -> None:
    of = comparison()
    for number in range(300):
        findings = [finding(f"code_{code}", "critical", message) for code in range(20)]
        of.add(compared(effect(), effect(*range(20), findings=findings), f"{'n' * 200}/{number}"))
        of.fail(failure(f"failed/{number}", message))
    value = comparison_xcom(of)
    assert len(json.dumps(value)) <= MAX_AUDIT_BYTES
    assert (value["repository_count"], value["policies"][1]["newly_affected_image_count"]) == (600, 6000)


def test_names_that_leave_no_room_for_a_repository_leave_the_sums() -> None:
    of = Comparison([f"{'long' * 750} {number}" for number in range(10)], "preview", NOW)
    of.add(compare_effects(ref("a"), {total["policy"]: effect(1) for total in of.totals}))
    value = comparison_xcom(of)
    assert not value["repositories"]
    assert value["repository_count"] == 1


def test_the_table_says_how_it_was_found_out_and_shows_where_the_policies_differ() -> None:
    of = comparison(
        compared(effect(1), effect(2, 3, findings=[finding()]), "[bold]a/one[/bold]"),
        compared(effect(1), effect(1), "a/same"),
        method="simulation",
    )
    of.fail(failure())
    text = render(comparison_table(comparison_xcom(of)), width=160)
    assert "A SIMULATION" in text
    assert "[bold]a/one[/bold]" in text
    assert "a/same" not in text
    assert "FAILED a/failed: RepositoryNotFoundError: no such repository" in text
    assert "dead_rule (1)" in text


def test_policies_that_do_the_same_have_no_table_of_repositories() -> None:
    assert "Repository" not in render(comparison_table(comparison_xcom(comparison(compared(effect(1), effect(1))))))


def test_a_simulation_takes_what_the_policy_takes_and_raises_its_findings() -> None:
    images = [stored(n, image_size_in_bytes=10, last_recorded_pull_time=NOW - timedelta(days=1)) for n in range(1, 6)]
    of = simulate(policy(rule(), tagged(2, "gone")), images, NOW, ref=ref())
    assert of.taken.keys() == effect(2, 3, 4, 5).taken.keys()
    assert {image.action for image in of.taken.values()} == {"EXPIRE"}
    assert {finding["code"] for finding in of.findings} == {"recently_pulled_image_expires", "dead_rule"}


@pytest.mark.parametrize("is_listed", [True, False])
def test_an_effect_survives_as_json(is_listed: bool) -> None:
    of = PolicyEffect("f" * 64, [finding()], is_listed=is_listed)
    of.add(previewed(1, image_tags=("v1", "latest"), image_size_in_bytes=7))
    of.add(archiving(2))
    of.add(previewed(3, image_digest="sha512:odd", image_pushed_at=None))
    assert PolicyEffect.from_dict(json.loads(json.dumps(of.as_dict()))) == of
