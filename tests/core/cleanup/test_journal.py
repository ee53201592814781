"""What is written down of a clean-up says of every image what became of it, or that this is not known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.cleanup.journal import (
    NOT_CONFIRMED,
    REPLY_LOST,
    EarlierAttempts,
    EarlierImage,
    approval_id,
    earlier_attempts,
    intent_entry,
    is_done,
)
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HERE = RepositoryId("123456789012", "eu-west-1", "payments/api")
ONE, TWO = RepositoryImage("sha256:1", ("v1",), NOW, image_size_in_bytes=7), RepositoryImage("sha256:2", (), NOW)
ARCHIVED = RepositoryImage("sha256:1", ("v1",), NOW, storage_class="ARCHIVE")


def outcome(digest: str, status: str, reason: str | None = None, **more: Any) -> dict[str, Any]:
    place = HERE.as_dict()
    return {"outcome": {**place, "image_digest": digest, "image_tags": [], "status": status, "reason": reason, **more}}


def intent(attempt: int = 1) -> dict[str, Any]:
    return intent_entry(HERE, [ONE, TWO], {"sha256:1": "EXPIRE"}, attempt=attempt)


def test_what_was_about_to_be_sent_and_has_no_outcome_is_known() -> None:
    earlier = earlier_attempts([intent()])[HERE]
    assert earlier.done == {}
    assert earlier.sent == {
        "sha256:1": EarlierImage("sha256:1", ("v1",), 7, "EXPIRE", 1),
        "sha256:2": EarlierImage("sha256:2", (), None, None, 1),
    }


def test_what_was_done_stays_done_with_its_attempt() -> None:
    entries = [intent(), outcome("sha256:1", "deleted", attempt=1), intent(attempt=2)]
    earlier = earlier_attempts(entries)[HERE]
    assert earlier.done["sha256:1"] == EarlierImage("sha256:1", (), None, "EXPIRE", 1, "deleted")
    assert earlier.sent["sha256:2"].attempt == 2


@pytest.mark.parametrize("status", ["spared", "gone", "not_attempted", "failed"])
def test_what_was_not_done_is_forgotten(status: str) -> None:
    earlier = earlier_attempts([intent(), outcome("sha256:1", status), outcome("sha256:2", status)])[HERE]
    assert earlier == EarlierAttempts()


@pytest.mark.parametrize(("status", "reason"), [("unknown", None), ("failed", NOT_CONFIRMED)])
def test_a_call_whose_reply_was_lost_may_still_have_its_effect(status: str, reason: str | None) -> None:
    line = outcome("sha256:1", status, reason, attempt=1)
    assert set(earlier_attempts([line])[HERE].sent) == {"sha256:1"}
    assert set(earlier_attempts([intent(), line])[HERE].sent) == {"sha256:1", "sha256:2"}
    assert earlier_attempts([outcome("sha256:1", "deleted"), line])[HERE].sent == {}


def test_other_entries_are_passed_over() -> None:
    assert earlier_attempts([{"later": {**intent()["about_to_send"]}}]) == {HERE: EarlierAttempts()}


def test_what_was_sent_and_is_gone_now_was_deleted_by_a_call_whose_reply_was_lost() -> None:
    settled = earlier_attempts([intent()])[HERE].settled([TWO], "delete")
    assert settled.done == {"sha256:1": EarlierImage("sha256:1", ("v1",), 7, "EXPIRE", 1, "deleted", REPLY_LOST)}
    assert set(settled.sent) == {"sha256:2"}


def test_what_was_sent_and_is_archived_now_was_archived_by_a_call_whose_reply_was_lost() -> None:
    settled = earlier_attempts([intent()])[HERE].settled([ARCHIVED], "archive")
    assert {digest: (image.status, image.reason) for digest, image in settled.done.items()} == {
        "sha256:1": ("archived", REPLY_LOST)
    }
    # Somebody has deleted the other one, which is no archiving.
    assert set(settled.sent) == {"sha256:2"}


def test_a_deletion_leaves_nothing_and_an_archiving_an_archived_image() -> None:
    assert is_done(None, "delete")
    assert not is_done(ARCHIVED, "delete")
    assert is_done(ARCHIVED, "archive")
    assert not is_done(ONE, "archive")
    assert not is_done(None, "archive")


def test_a_clean_up_is_the_same_in_whatever_order_its_repositories_come_and_another_for_another_preview() -> None:
    one: Any = {"repository_name": "a", "images_fingerprint": "x", "previewed_at": "2026-11-01"}
    two: Any = {"repository_name": "b", "images_fingerprint": "y", "previewed_at": "2026-11-01"}
    assert approval_id([one, two], "delete") == approval_id([two, one], "delete")
    others = [approval_id([one], "delete"), approval_id([one, two], "archive")]
    others += [approval_id([one, {**two, "previewed_at": "2026-11-02"}], "delete")]
    assert len({approval_id([one, two], "delete"), *others}) == 4
