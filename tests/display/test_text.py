from __future__ import annotations

import pytest

from airflow_provider_ecr_preview.core.preview.finding import Finding
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.display.preview import summary_table
from airflow_provider_ecr_preview.display.text import LOG_WIDTH, human_bytes, render
from tests.support.builders import previewed, stored, summary
from tests.support.policies import policy, rule


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "unknown"),
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (1_500_000, "1.5 MB"),
        (2 * 10**15, "2.0 PB"),
        (5 * 10**18, "5000.0 PB"),
    ],
)
def test_sizes_are_in_the_units_that_aws_bills(size: int | None, text: str) -> None:
    assert human_bytes(size) == text


def test_a_summary_shows_its_rules_findings_and_totals() -> None:
    inventory = RepositoryInventory()
    inventory.update([stored(1), stored(2)])
    of_preview = summary(previewed(1, image_size_in_bytes=2_000), of=policy(rule(1, description="Keep [one] :tada:")))
    value = summary_xcom(
        of_preview, inventory=inventory, findings=[Finding("dead_rule", "warning", "Nothing matches.")]
    )
    text = render(summary_table(value))
    assert "1 expiring, 0 archiving, of 2 images; at most 2.0 kB freed" in " ".join(text.split())
    assert "Keep [one] :tada:" in text
    assert "WARNING dead_rule: Nothing matches." in text
    assert max(map(len, text.splitlines())) <= LOG_WIDTH


def test_a_summary_that_was_not_enriched_says_what_is_unknown() -> None:
    text = " ".join(render(summary_table(summary_xcom(summary(previewed(1))))).split())
    assert "1 expiring, 0 archiving; at most unknown freed" in text
