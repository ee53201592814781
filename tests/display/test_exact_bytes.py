"""What logs and reports say about the bytes that are freed by the manifests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.display.audit import _exactly as of_audit
from airflow_provider_ecr_preview.display.audit import audit_table
from airflow_provider_ecr_preview.display.audit_report import _exactly as of_report
from airflow_provider_ecr_preview.display.audit_report import audit_markdown
from airflow_provider_ecr_preview.display.preview import _exactly as of_preview
from airflow_provider_ecr_preview.display.text import SHARED_LAYERS, render


def test_a_summary_says_what_is_freed_and_what_stays_shared() -> None:
    value: Any = {"expiring_bytes_exact": 2_000_000, "shared_bytes": 5_000, "expiring_family_count": 1}
    assert of_preview(value).startswith("; 2")
    assert "1 family of images" in of_preview(value)
    assert of_preview({}) == ""  # type: ignore[typeddict-item]
    unknown: Any = {"expiring_bytes_exact": None, "exact_bytes_message": "Too many."}
    assert of_preview(unknown) == "; exactly how much is unknown: Too many."


@pytest.mark.parametrize(("unknown", "words"), [(0, ""), (2, ", without 2 repositories")])
def test_an_audit_says_for_how_many_repositories_it_is_unknown(unknown: int, words: str) -> None:
    value: Any = {"expiring_bytes_exact_known": 2_000_000, "exact_bytes_unknown_repository_count": unknown}
    assert f"by the manifests{words}; {SHARED_LAYERS}" in of_audit(value)
    assert f"by the manifests{words}; {SHARED_LAYERS}" in next(of_report(value))


def test_notes_of_the_registry_are_shown_as_they_are() -> None:
    audit = Audit("a", datetime(2026, 11, 23, tzinfo=UTC))
    audit.registry_notes.add("The template is [b]wrong[/b].")
    assert "The template is [b]wrong[/b]." in render(audit_table(audit.as_dict()))
    assert "- The template is" in audit_markdown(audit.as_dict())


def test_without_manifests_nothing_is_said() -> None:
    nothing: Any = {}
    assert of_audit(nothing) == ""
    assert not [*of_report(nothing)]
