"""The search is exact: no order of the same selectors frees more."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.recommendation.case import Case
from airflow_provider_ecr_preview.core.recommendation.keeping import RecommendationSettings
from airflow_provider_ecr_preview.core.recommendation.model import gain_of
from airflow_provider_ecr_preview.core.recommendation.search import best_rules
from airflow_provider_ecr_preview.core.recommendation.tag_families import ANY, UNTAGGED, Selector
from tests.core.recommendation.registries import NOW, random_repository


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_no_order_of_three_rules_frees_more(seed: int) -> None:
    case = Case.of([random_repository(seed, 30)], RecommendationSettings(safe_days=2, safe_pushes=1), NOW)
    found = sum(rule.gain.freed_bytes for rule in best_rules(case.models, case.selectors, 3))
    best = 0
    for order in permutations(range(len(case.selectors)), 3):
        freed = covered = 0
        for number in order:
            freed += gain_of(case.models, number, covered).freed_bytes
            covered |= 1 << number
            if case.selectors[number] == ANY:
                break
        best = max(best, freed)
    assert found == best


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_more_rules_never_free_less_and_every_rule_affects_an_image(seed: int) -> None:
    case = Case.of([random_repository(seed)], RecommendationSettings(), NOW)
    freed = []
    for most in range(1, 5):
        rules = best_rules(case.models, case.selectors, most)
        freed.append(sum(rule.gain.freed_bytes for rule in rules))
        assert all(rule.selector != ANY for rule in rules[:-1])
        assert not rules or rules[-1].gain.freed_images
    assert freed == sorted(freed)


def test_without_images_there_is_no_rule() -> None:
    case = Case.of([random_repository(1)], RecommendationSettings(), NOW)
    assert best_rules([], [], 3) == []
    assert best_rules(case.models[:1], [], 3) == []
    assert [str(selector) for selector in (ANY, UNTAGGED, Selector("tagged", "v*", ANY.kind))] == [
        "any",
        "untagged",
        "v*",
    ]
