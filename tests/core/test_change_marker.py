"""Every task that changes something, or would, leaves a marker by which the pages find it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.change_marker import MAX_NAMES, begun_marker, change_marker

FROZEN = Path(__file__).parents[1] / "frozen" / "0.1.0"


def frozen(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((FROZEN / f"{name}.json").read_text())
    return value


@pytest.mark.parametrize(
    ("name", "kind", "dry_run"),
    [
        ("cleanup_done", "cleanup", False),
        ("cleanup_dry_run", "cleanup", True),
        ("cleanup_blocked", "cleanup", False),
        ("put", "put", False),
        ("put_dry_run", "put", True),
    ],
)
def test_a_marker_says_what_was_changed_and_whether_it_was_a_dry_run(name: str, kind: str, dry_run: bool) -> None:
    value = frozen(name)
    marker = change_marker(value)
    assert (marker["kind"], marker["counts"]["dry_run"]) == (kind, dry_run)
    for key in ("status", "started_at", "finished_at", "repository_count"):
        assert marker["counts"][key] == value[key]
    assert marker["counts"]["responded_by"] is None


def test_a_restore_says_that_it_is_one() -> None:
    assert change_marker({**frozen("restore"), "kind": "restore"})["kind"] == "restore"


def test_a_reconciliation_says_what_ecr_did_and_is_no_dry_run() -> None:
    marker = change_marker(frozen("reconciliation"))
    assert marker["kind"] == "reconciliation"
    assert "dry_run" not in marker["counts"]


def test_another_result_has_no_such_marker() -> None:
    with pytest.raises(ValueError, match="ecr-lifecycle-audit/1 has no such marker"):
        change_marker(frozen("audit"))


def test_a_marker_is_small_whatever_was_changed() -> None:
    value = frozen("cleanup_done")
    repository = {**value["repositories"][0], "repository_name": "x" * 256}
    value |= {
        "repositories": [repository] * 200,
        "approval": {"digest": "d", "responded_by": "y" * 1000, "responded_at": "2026-11-28T00:00:00+00:00"},
    }
    counts = change_marker(value)["counts"]
    assert len(counts["repository_names"]) == MAX_NAMES
    assert len(json.dumps(counts)) < 3_000


def test_what_a_killed_task_leaves_says_neither_that_something_was_deleted_nor_that_nothing_was() -> None:
    approval = {"digest": "d", "responded_by": "ada", "responded_at": None}
    begun: Any = begun_marker("cleanup", action="delete", started_at="t", repository_count=2, approval=approval)  # type: ignore[arg-type]
    assert begun["counts"] | {"status": "begun", "touched_image_count": None, "responded_by": "ada"} == begun["counts"]
