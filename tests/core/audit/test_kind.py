"""An audit is compared with those of its own kind only: the same policies, and the same selection."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.audit.kind import AuditKind, selection_text
from airflow_provider_ecr_preview.core.audit.marker import marker
from airflow_provider_ecr_preview.core.audit.result import audit_xcom, fitted_audit
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.policy.candidates import CandidatePolicies
from tests.support.policies import keep

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def kind(text: Any = None, by_glob: Any = None, selection: str | None = None) -> AuditKind:
    return AuditKind.of(CandidatePolicies(text, by_glob), selection)


@pytest.mark.parametrize("by_glob", [None, {}, {"payments/*": None}])
def test_without_a_candidate_it_is_of_the_applied_policies(by_glob: Any) -> None:
    assert kind(by_glob=by_glob, selection="*") == AuditKind(selection="*")


def test_the_same_candidate_is_the_same_kind_and_another_one_is_another() -> None:
    assert kind(keep(10)) == kind(json.dumps(keep(10)))
    assert kind(keep(10)).series != kind(keep(11)).series
    assert kind(keep(10)).series != kind(by_glob={"payments/*": keep(10)}).series
    assert kind(keep(10)).policies == "candidate"


def test_the_order_of_globs_matters_because_the_first_that_matches_counts() -> None:
    first = kind(by_glob={"a*": keep(1), "ab": keep(2)})
    other = kind(by_glob={"ab": keep(2), "a*": keep(1)})
    assert first.series != other.series


def test_the_text_of_one_candidate_is_kept_and_that_of_several_or_a_long_one_is_not() -> None:
    assert json.loads(kind(keep(10)).text or "") == keep(10)
    assert kind(keep(10), {"a": keep(11)}).text is None
    long = {"rules": [{**keep(10)["rules"][0], "description": "x" * 250, "rulePriority": at} for at in range(1, 20)]}
    for rule in long["rules"][:-1]:
        rule["selection"] = {**rule["selection"], "tagStatus": "tagged", "tagPrefixList": [f"p{rule['rulePriority']}"]}
    assert kind(long).text is None


def test_a_candidate_is_named_by_what_its_rules_say_and_candidates_by_their_globs() -> None:
    described = {"rules": [{**keep(10)["rules"][0], "description": "Keep the newest ten"}]}
    assert kind(described).name == "Keep the newest ten"
    assert kind(keep(10)).name == "any images: keep 10"
    assert kind(keep(10), {"payments/*": keep(11)}).name == "*, payments/*"
    assert kind(selection="*").name is None
    days = {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1, "tagStatus": "untagged"}
    assert kind({"rules": [{**keep(10)["rules"][0], "selection": days}]}).name == "untagged images: 1 day"
    long = {"rules": [{**keep(10)["rules"][0], "description": "x" * 200}]}
    assert len(kind(long).name or "") == 80
    assert AuditKind.from_xcom({"policies": kind(described).as_dict()}).name == "Keep the newest ten"
    assert marker(audit_xcom(audit(kind(described))))["counts"]["policies_name"] == "Keep the newest ten"


@pytest.mark.parametrize(
    ("row", "is_its"),
    [
        ({}, True),
        ({"policies": "", "selection": ""}, True),
        ({"policies": "applied", "selection": "*"}, True),
        ({"policies": "applied", "selection": "payments/*"}, False),
        ({"policies": "candidate 0123456789abcdef", "selection": "*"}, False),
    ],
)
def test_an_audit_of_the_applied_policies_is_compared_with_its_like(row: dict[str, str], is_its: bool) -> None:
    assert AuditKind(selection="*").is_of_row(row) is is_its


def test_a_candidate_is_never_compared_with_what_has_no_kind() -> None:
    candidate = kind(keep(10))
    assert not candidate.is_of_row({})
    assert candidate.is_of_row({"policies": candidate.series})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", None),
        ("ours", "ours"),
        ({}, "*"),
        ({"include": None, "exclude": "", "tags": None, "with_policy": None}, "*"),
        ({"include": "b, a", "exclude": ["z"]}, "a, b but not z"),
        ({"tags": {"team": ["b", "a"], "env": None}}, "* with the tags env=*, team=a|b"),
        ({"with_policy": True}, "* that have a policy"),
        ({"with_policy": "True"}, "* that have a policy"),
        ({"with_policy": False}, "* that have no policy"),
        ({"with_policy": "false"}, "* that have no policy"),
    ],
)
def test_a_selection_is_the_same_words_at_every_run(value: Any, text: str | None) -> None:
    assert selection_text(value) == text


def test_a_long_selection_is_cut_and_stays_different_from_others() -> None:
    one, other = (selection_text({"include": [f"team-{number}" for number in range(last)]}) for last in (100, 101))
    assert one != other
    assert len(one or "") <= 300


def test_a_selection_of_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="selection is 7"):
        selection_text(7)


def audit(its: AuditKind | None) -> Audit:
    return Audit("a", NOW, its)


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([AuditKind(selection="*"), AuditKind(selection="*")], AuditKind(selection="*")),
        ([AuditKind(selection="*"), AuditKind(selection="a")], AuditKind()),
        ([AuditKind(selection="*"), AuditKind("candidate", "f", "t", "*")], AuditKind("mixed", selection="*")),
        ([AuditKind(selection="a"), AuditKind("candidate", "f", "t", "*")], AuditKind("mixed")),
        ([None, AuditKind("candidate", "f", "t")], AuditKind("mixed")),
    ],
)
def test_the_parts_of_an_audit_say_together_what_it_is_of(parts: list[AuditKind | None], whole: AuditKind) -> None:
    merged = Audit("whole", NOW)
    for part in parts:
        merged.merge(Audit.from_xcom(audit_xcom(audit(part))))
    value = audit_xcom(merged)
    assert AuditKind.from_xcom(value) == whole
    assert marker(value)["counts"]["policies"] == whole.policies


def test_an_audit_without_a_kind_is_of_the_applied_policies_and_stays_so_when_it_is_cut() -> None:
    value = audit_xcom(audit(None))
    del value["policies"], value["selection"]  # as before audits had a kind
    assert Audit.from_xcom(value).kind == AuditKind()
    value["errors"] = {f"{number} {'x' * 100}": 1 for number in range(1000)}
    assert "policies" not in fitted_audit(value)


def test_the_text_of_a_candidate_goes_before_the_sums_do() -> None:
    value = audit_xcom(audit(AuditKind("candidate", "f", "t" * 3_000, "*")))
    value["errors"] = {f"{number} {'x' * 3_000}": 1 for number in range(50)}
    assert fitted_audit(value)["policies"]["lifecycle_policy_text"] is None
