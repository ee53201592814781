"""Recommended policies as text and as Markdown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from airflow_provider_ecr_preview.core.recommendation.case import RepositoryFacts
from airflow_provider_ecr_preview.core.recommendation.keeping import RecommendationSettings
from airflow_provider_ecr_preview.core.recommendation.result import (
    RecommendationRequest,
    recommendation_xcom,
    recommended_policy,
)
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.core.xcom.audit import FailedRepository
from airflow_provider_ecr_preview.core.xcom.recommendation import RecommendationXCom
from airflow_provider_ecr_preview.display.recommendation import recommendation_markdown, recommendation_table
from airflow_provider_ecr_preview.display.text import render
from tests.support.builders import NOW, digest

REQUEST = RecommendationRequest(RecommendationSettings(), NOW, in_use_is_known=True)


def facts(name: str = "api", tag: str = "v{}", count: int = 40) -> RepositoryFacts:
    images = [
        RepositoryImage(
            digest(number),
            (tag.format(number),) if tag else (),
            NOW - timedelta(days=10 * number + 1),
            NOW - timedelta(days=80) if number > 20 else None,
            image_size_in_bytes=1_000_000,
        )
        for number in range(count)
    ]
    return RepositoryFacts(name, images, frozenset({digest(15)}))


def value_of(*repositories: RepositoryFacts, proven: int | None = None, known: bool = True) -> RecommendationXCom:
    request = replace(REQUEST, in_use_is_known=known)
    failure = FailedRepository(
        registry_id=None, region_name=None, repository_name="gone", error="NotFound", message="it is gone"
    )
    policies = [recommended_policy([of], request)[1] for of in repositories]
    for policy in policies:
        policy["proven_repository_count"] = proven
    return recommendation_xcom(policies, request, [failure])


def shown(value: RecommendationXCom, form: str, **options: int) -> str:
    text = (
        render(recommendation_table(value, **options), width=200)
        if form == "text"
        else recommendation_markdown(value, **options).replace("\\", "")
    )
    return " ".join(text.split())


FORMS = pytest.mark.parametrize("form", ["text", "markdown"])


@FORMS
def test_a_policy_is_shown_with_what_it_keeps_and_frees(form: str) -> None:
    text = shown(value_of(facts(), proven=1), form)
    assert "What has to be kept survives 14 days and 10 pushes of each kind, by simulation." in text
    assert (
        "0 of the 6 images that have to be kept are affected. ECR's own preview agrees for 1 of 1 repository." in text
    )
    assert "Rule 1 (release, v*) keeps those of the last 165 days" in text
    assert "No pattern separates v15 of api (in use) from images that may go, so a number keeps it." in text
    assert "was pulled on 2026-09-04, when rule 1 would already have expired it." in text
    assert "further recorded pulls would have come too late." in text
    assert text.index("cautious") < text.index("recommended ") < text.index("bold")
    assert "gone: NotFound: it is gone" in text
    assert "The images in use are not known" not in text


@FORMS
def test_an_untagged_image_is_named_by_its_digest(form: str) -> None:
    text = shown(value_of(facts(tag="")), form)
    assert f"No pattern separates the untagged {digest(15)} of api" in text
    assert "The untagged sha256:" in text


@FORMS
def test_it_is_said_that_what_is_in_use_is_not_known(form: str) -> None:
    assert "The images in use are not known" in shown(value_of(facts(), known=False), form)


@FORMS
def test_no_policy_is_said_to_be_none(form: str) -> None:
    text = shown(value_of(RepositoryFacts("empty", [])), form)
    assert "No rule can expire anything without putting at risk what has to be kept." in text
    assert "```json" not in text


def test_more_policies_and_repositories_than_fit_are_counted() -> None:
    value = value_of(facts("a"), facts("b"), facts("c"))
    value["policies"][0]["repository_count"] = 1_205
    text = shown(value, "text", policies=1)
    assert "a and 1,204 more: " in text
    assert "and 2 more policies" in text
    assert "Rule 1" in shown(value, "markdown", policies=1)


def test_markdown_ends_with_the_policy_itself() -> None:
    text = recommendation_markdown(value_of(facts()))
    assert '```json\n{\n  "rules": [\n' in text


@FORMS
def test_the_numbers_of_ecrs_preview_are_shown_and_those_of_the_simulation_only_where_they_differ(form: str) -> None:
    value = value_of(facts(), proven=1)
    (policy,) = value["policies"]
    simulated = policy["expiring_image_count"]
    policy["proven_expiring_image_count"] = simulated
    policy["proven_expiring_bytes_upper_bound"] = policy["expiring_bytes_upper_bound"]
    same = shown(value, form)
    assert f"{simulated} of 40 images would expire" in same
    assert "This is ECR's own preview" not in same
    policy["proven_expiring_image_count"] = simulated - 2
    policy["proven_expiring_bytes_upper_bound"] = (simulated - 2) * 1_000_000
    text = shown(value, form)
    assert f"{simulated - 2} of 40 images would expire (at most {simulated - 2}.0 MB)" in text
    assert f"This is ECR's own preview. The simulation expires {simulated} (at most {simulated}.0 MB), because" in text
    assert "recommended, by ECR's preview" in text


@FORMS
def test_a_preview_of_some_of_the_repositories_does_not_stand_for_all(form: str) -> None:
    request = replace(REQUEST, in_use_is_known=True)
    _, policy = recommended_policy([facts("api"), facts("web")], request)
    policy |= {
        "proven_repository_count": 1,
        "proven_expiring_image_count": 1,
        "proven_expiring_bytes_upper_bound": 1_000_000,
    }
    text = shown(recommendation_xcom([policy], request), form)
    assert f"{policy['expiring_image_count']} of 80 images would expire" in text
    assert "ECR's own preview agrees for 1 of 2 repositories, where it expires 1 image." in text
