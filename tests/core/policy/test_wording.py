"""A rule as a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ecr_preview.core.policy.rule import Rule
from airflow_provider_ecr_preview.core.policy.wording import rule_sentence


def rule(**fields: Any) -> Rule:
    values: dict[str, Any] = {
        "priority": 1,
        "description": None,
        "tag_status": "any",
        "tag_patterns": (),
        "storage_class": "STANDARD",
        "count_type": "imageCountMoreThan",
        "count_number": 1000,
        "action": "EXPIRE",
    }
    return Rule(**{**values, **fields})


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Expires all images beyond the newest 1,000."),
        (
            {"tag_status": "tagged", "tag_patterns": ("v*", "*-rc"), "count_number": 3},
            "Expires images tagged v* and *-rc beyond the newest 3.",
        ),
        (
            {"tag_status": "untagged", "count_type": "sinceImagePushed", "count_number": 1},
            "Expires untagged images pushed more than 1 day ago.",
        ),
        (
            {"count_type": "sinceImagePulled", "count_number": 90, "action": "TRANSITION"},
            "Archives all images last pulled more than 90 days ago.",
        ),
        (
            {"count_type": "sinceImageTransitioned", "count_number": 90, "storage_class": "ARCHIVE"},
            "Expires all archived images archived more than 90 days ago.",
        ),
        ({"count_type": "sinceNew", "count_number": 2}, "Expires all images sinceNew more than 2 days ago."),
    ],
)
def test_a_rule_says_what_it_does(fields: dict[str, Any], sentence: str) -> None:
    assert rule_sentence(rule(**fields)) == sentence
