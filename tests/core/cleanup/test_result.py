"""The result of a clean-up: what was done, examples of what was not, and the cost of archiving."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ecr_preview.core.cleanup.check_catalog import SPARED_REASONS
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult, decide
from airflow_provider_ecr_preview.core.cleanup.outcome import ImageOutcome, ImageStatus, RepositoryCleanup
from airflow_provider_ecr_preview.core.cleanup.result import MAX_EXAMPLES, archive_cost, check_xcom, cleanup_xcom
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from tests.support.builders import NOW, digest
from tests.support.evidence import evidence


def outcomes(*statuses: ImageStatus, reason: str | None = None) -> list[ImageOutcome]:
    return [
        ImageOutcome(digest(number), status=status, reason=reason, image_size_in_bytes=1_000_000_000)
        for number, status in enumerate(statuses)
    ]


def result(*images: ImageOutcome, action: Any = "delete", **settings: Any) -> Any:
    cleanup = RepositoryCleanup(
        decide(evidence(), CleanupSettings()), "done", {image.image_digest: image for image in images}
    )
    return cleanup_xcom(
        [cleanup], action=action, dry_run=False, run_checks=[], started_at=NOW, finished_at=NOW, **settings
    )


@pytest.mark.parametrize(
    ("size", "price", "cost"),
    [(10**9, 0.1, "at most 0.30"), (None, 0.1, None), (10**9, None, None)],
)
def test_the_cost_of_archiving_is_for_ninety_days_and_none_is_invented(
    size: int | None, price: float | None, cost: str | None
) -> None:
    text = archive_cost(size, price)
    assert "at least 90 days" in text
    assert (cost in text) if cost else ("at most" not in text)


def test_only_an_archive_has_a_cost() -> None:
    assert result(*outcomes("archived"), action="archive")["cost"]
    assert result(*outcomes("deleted"))["cost"] is None


def test_images_that_failed_are_named_and_others_are_not() -> None:
    (repository,) = result(*outcomes("failed", "unknown", "deleted", reason="ImageReferencedByManifestList"))[
        "repositories"
    ]
    assert [failed["status"] for failed in repository["failed_images"]] == ["failed", "unknown"]
    assert repository["image_digests"] == [digest(2)]


def test_examples_of_spared_images_start_with_one_of_every_reason() -> None:
    reasons = [*SPARED_REASONS][:2]
    first = outcomes(*["spared"] * MAX_EXAMPLES, reason=reasons[0])  # type: ignore[list-item]
    last = ImageOutcome(digest(99), status="spared", reason=reasons[1])
    unnamed = ImageOutcome(digest(98), status="spared", reason="not in the catalog")
    (repository,) = result(*first, unnamed, last)["repositories"]
    examples = repository["spared_images"]
    assert [example["reason"] for example in examples[:2]] == reasons
    assert len(examples) == MAX_EXAMPLES
    assert all(example["message"] and example["remedy"] for example in examples)


def test_the_texts_of_a_check_are_cut_where_room_is_short() -> None:
    check = CheckResult("in_use", "blocked", "x" * 500, remedy="y" * 500)
    assert check_xcom(check)["message"] == "x" * 500
    short = check_xcom(check, characters=50)
    assert max(len(short["message"]), len(short["remedy"] or "")) <= 50


def test_a_result_that_is_too_large_keeps_what_blocks_and_drops_what_passed() -> None:
    decision = decide(evidence(), CleanupSettings())
    long = ImageOutcome(digest(1), status="failed", reason="x", message="m" * 5_000)
    cleanups = [RepositoryCleanup(decision, "incomplete", {long.image_digest: long}) for _ in range(200)]
    value = cleanup_xcom(cleanups, action="delete", dry_run=False, run_checks=[], started_at=NOW, finished_at=NOW)
    assert all(check["verdict"] != "off" for check in value["repositories"][0]["checks"])
