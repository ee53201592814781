"""Findings about pull-through caches, creation templates, the quota of images and families of repositories."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.repository_families import family_findings, family_notes
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.reading import Lookout
from airflow_provider_ecr_preview.core.preview.registry_findings import (
    CreationTemplate,
    RegistryFacts,
    quota_findings,
    registry_findings,
    unused_template_notes,
)
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from tests.core.policy.test_expected import policy

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
APPLIED = policy((1, 50))


def inventory(*days_ago: float, keep_images: bool = True) -> RepositoryInventory:
    images = RepositoryInventory(keep_images=keep_images)
    images.update(
        RepositoryImage(f"sha256:{number:064x}", (f"v{number}",), NOW - timedelta(days=days))
        for number, days in enumerate(days_ago)
    )
    return images


def codes(facts: RegistryFacts, name: str = "docker/library/nginx", **more: Any) -> dict[str, str]:
    found = registry_findings(facts, name, more.get("applied", APPLIED), more.get("images"), NOW)
    return {finding.code: finding.message for finding in found}


def test_a_repository_of_a_pull_through_cache_is_named_with_the_longest_prefix() -> None:
    facts = RegistryFacts(cache_prefixes=("ROOT", "docker", "docker/library"))
    assert "rule docker/library fills" in codes(facts)["pull_through_cache_repository"]
    assert "rule ROOT fills" in codes(facts, "shop/web")["pull_through_cache_repository"]
    assert not codes(RegistryFacts(cache_prefixes=("docker",)), "docker-own/web")
    assert not codes(RegistryFacts(), applied=None)


def template(policy_text: str | None, prefix: str = "docker/") -> RegistryFacts:
    return RegistryFacts(templates=(CreationTemplate(prefix, policy_text), CreationTemplate("ROOT", None)))


def test_a_template_with_another_policy_is_compared_and_simulated() -> None:
    facts = template(policy((1, 2)).text)
    message = codes(facts, images=inventory(3, 4, 5))["creation_template_differs"]
    assert (
        "template docker/ gives new repositories another policy: rule 1 changed. Here it would expire 1 image of 3."
        in message
    )
    assert "Here" not in codes(facts, images=inventory(3, keep_images=False))["creation_template_differs"]
    assert "no policy is applied. Decide" in codes(facts, applied=None)["creation_template_differs"]
    assert not codes(template(APPLIED.text))
    assert not codes(facts, "shop/web")
    assert not codes(template(None))


def test_mistakes_of_a_template_are_named() -> None:
    assert set(codes(template("{"))) == {"creation_template_mistake"}
    rules = [{**rule, "rulePriority": 0} for rule in json.loads(policy(*((n, 1) for n in range(1, 9))).text)["rules"]]
    found = codes(template(json.dumps({"rules": rules})))
    assert " more. New repositories get this policy" in found["creation_template_mistake"]


@pytest.mark.parametrize(
    ("days_ago", "expiring", "quota", "words"),
    [
        ([1] * 8, 0, 10, "has 8 of the 10 images"),
        ([40] * 8, 0, 10, "expires 0. Pushes fail"),
        ([1] * 10, 0, 10, "it reaches the quota in 0 days"),
        ([1] * 6, 3, 15, "it reaches the quota in 60 days"),
        ([1] * 6, 3, 1_000, None),
        ([40] * 6, 0, 100, None),
    ],
)
def test_the_quota_is_near_by_share_or_by_the_pace_of_the_pushes(
    days_ago: list[float], expiring: int, quota: int, words: str | None
) -> None:
    found = quota_findings(inventory(*days_ago), expiring, quota, NOW)
    assert [words in finding.message for finding in found if words] == ([True] if words else [])
    assert len(found) == (words is not None)


def test_the_findings_of_a_policy_come_together() -> None:
    lookout = Lookout(registry_facts=template(policy((1, 2)).text))
    assert [finding.code for finding in lookout.of_policy("docker/a", APPLIED, NOW)] == ["creation_template_differs"]


def outcome(name: str, fingerprint: str | None, status: Any = "previewed") -> RepositoryOutcome:
    summary: Any = None if fingerprint is None else {"policy_fingerprint": fingerprint, "findings": []}
    return RepositoryOutcome(name, "123456789012", "us-east-1", status, summary)


def test_a_policy_that_differs_from_most_of_the_family_is_found() -> None:
    found = family_findings(
        [
            *(outcome(f"payments/{name}", "a") for name in "pqr"),
            outcome("payments/odd", "b"),
            outcome("payments/none", None, "without_policy"),
            outcome("payments/failed", None, "failed"),
            *(outcome(f"small/{name}", name) for name in "xy"),
            *(outcome(f"split/{name}", name) for name in "aabb"),
            *(outcome(f"bare/{name}", None, "without_policy") for name in "abc"),
            outcome("alone", "z"),
        ]
    )
    assert set(found) == {"payments/odd", "payments/none"}
    assert found["payments/odd"].message.startswith(
        "3 repositories of 5 in payments/ share a policy, but this one has another"
    )
    assert "has no policy" in found["payments/none"].message


def test_a_finding_that_is_added_later_is_counted_like_the_others() -> None:
    audit, of = Audit("a", NOW), outcome("payments/none", None, "without_policy")
    audit.add(of)
    audit.add_finding(of, {"code": "policy_differs_in_family", "severity": "info", "message": "", "image_digests": []})
    value = audit.as_dict()
    assert (value["info_finding_count"], value["registries"][0]["info_finding_count"]) == (1, 1)
    assert value["findings"][0]["repositories"][0]["repository_name"] == "payments/none"


def test_a_template_that_no_repository_would_get_is_linted_too() -> None:
    templates = (CreationTemplate("docker", "{"), CreationTemplate("team", "{"), CreationTemplate("good", APPLIED.text))
    facts = RegistryFacts(templates=templates)
    (note,) = unused_template_notes(facts, ["team/api"])
    assert note.startswith("The policy of the repository creation template docker has mistakes: ")
    assert note.endswith("correct the template. No repository of this audit has its prefix.")
    assert unused_template_notes(facts, ["team/api", "docker/nginx"]) == []
    assert len(unused_template_notes(facts, [])) == 2


def test_the_notes_of_a_registry_stay_through_xcom_and_a_merge() -> None:
    audit, other = Audit("a", NOW), Audit("b", NOW)
    assert "registry_notes" not in audit_xcom(audit)
    audit.registry_notes.add("The template is [b]wrong[/b].")
    other.merge(Audit.from_xcom(audit_xcom(audit)))
    value = audit_xcom(other)
    assert value["registry_notes"] == ["The template is [b]wrong[/b]."]
    other.registry_notes |= {f"{number} {'x' * 400}" for number in range(300)}
    assert len(audit_xcom(other)["registry_notes"]) < 300


def test_only_families_that_several_parts_share_are_compared_over_the_parts() -> None:
    alone = {"web/a": "1", "web/b": "1", "web/c": "2", "single": "3"}
    assert family_notes([alone, {"other/a": "1"}]) == []
    assert family_notes([{"web/a": "1", "web/b": "2"}, {"web/c": "3"}]) == []
    (note,) = family_notes([{"web/a": "1", "web/b": "1"}, {"web/c": None}])
    assert note.startswith("web/c: 2 repositories of 3 in web/ share a policy, but this one has no policy.")
