"""Limits and protection block, spare or pass; what is not known never passes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.cleanup.answers import OFF, Answer
from airflow_provider_ecr_preview.core.cleanup.check_functions import CHECK_FUNCTIONS
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.limit_checks import capped
from airflow_provider_ecr_preview.core.cleanup.plan import plan_cleanup
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.protection.rules import ImageProtection
from tests.support.builders import NOW, archiving, digest, previewed, stored
from tests.support.evidence import Used, evidence, listed

NOTHING: dict[str, Any] = {
    "protected_tags": (),
    "min_age_days": 0,
    "recently_pulled_days": 0,
    "newest_images_kept": 0,
}
UNREAD = Unread("access denied.", "Allow ecr:A.")


def answer(code: str, known: Evidence, protection: dict[str, Any] | None = None, **settings: Any) -> Answer:
    careful = CleanupSettings(protection=ImageProtection(**{**NOTHING, **(protection or {})}), **settings)
    return CHECK_FUNCTIONS[code](known, careful, plan_cleanup(known, careful))


class TestInUse:
    @pytest.mark.parametrize(
        ("used", "verdict"),
        [
            (None, "unknown"),
            (UNREAD, "unknown"),
            (Used(unread=["ecs (eu-west-1): denied"]), "unknown"),
            (Used(missing=["1/eu-west-1"]), "unknown"),
            (Used(missing=["1/eu-west-1"], read=["2/eu-west-1"]), "unknown"),
            (Used(missing=[f"{number}/r" for number in range(9)], read=["2/r", "3/r"]), "unknown"),
            (Used(digest(1)), "spared"),
            (Used(digest(2)), "passed"),
        ],
    )
    def test_what_is_not_known_to_be_unused_does_not_pass(self, used: Any, verdict: str) -> None:
        found = answer("in_use", evidence(in_use=used))
        assert found.verdict == verdict
        assert verdict != "unknown" or found.remedy

    def test_of_many_unread_sources_the_first_are_named(self) -> None:
        message = answer("in_use", evidence(in_use=Used(unread=[f"source-{number}" for number in range(7)]))).message
        assert "source-4" in message
        assert "source-5" not in message
        assert "2 more" in message

    def test_it_can_be_switched_off(self) -> None:
        assert answer("in_use", evidence(in_use=None), check_in_use=False) == OFF

    def test_a_whole_policy_is_blocked_by_one_image_in_use(self) -> None:
        assert answer("in_use", evidence(in_use=Used(digest(1))), whole_policy=True).verdict == "blocked"


@pytest.mark.parametrize(
    ("code", "protection", "reason"),
    [
        ("protected_tags", {"protected_tags": ("v1",)}, Spared.PROTECTED_TAG),
        ("image_age", {"min_age_days": 1}, Spared.TOO_YOUNG),
        ("recent_pulls", {"recently_pulled_days": 1}, Spared.RECENTLY_PULLED),
        ("newest_images", {"newest_images_kept": 2}, Spared.NEWEST),
    ],
)
def test_what_is_protected_is_spared(code: str, protection: dict[str, Any], reason: Spared) -> None:
    known = evidence(inventory=[stored(0), stored(1, last_recorded_pull_time=NOW), stored(2)])
    found = answer(code, known, protection)
    assert (found.verdict, list(found.image_digests)) == ("spared", [digest(1)])
    careful = CleanupSettings(protection=ImageProtection(**{**NOTHING, **protection}))
    assert plan_cleanup(known, careful).spared == {digest(1): reason}
    assert answer(code, known) == OFF
    assert answer(code, evidence(fresh=UNREAD), protection).verdict == "unknown"


class TestReasonsToSpare:
    @pytest.mark.parametrize(
        ("known", "settings", "reason"),
        [
            (evidence(archiving(1)), {}, Spared.ONLY_TO_BE_ARCHIVED),
            (
                evidence(archiving(1), inventory=[stored(0), stored(1, storage_class="ARCHIVE")]),
                {"action": "archive"},
                Spared.ARCHIVED_ALREADY,
            ),
            (
                evidence(archiving(1), fresh=listed(), inventory=[stored(0), stored(1, storage_class="ARCHIVE")]),
                {"action": "archive"},
                Spared.ARCHIVED_ALREADY,
            ),
            (evidence(fresh=listed()), {}, Spared.NO_LONGER_PREVIEWED),
            (evidence(fresh=listed(archiving(1))), {}, Spared.ACTION_CHANGED),
            (
                evidence(previewed(1, image_pushed_at=NOW - timedelta(days=9))),
                {},
                Spared.PUSHED_AGAIN,
            ),
        ],
    )
    def test_an_image_for_which_something_else_was_approved_is_spared(
        self, known: Evidence, settings: dict[str, Any], reason: Spared
    ) -> None:
        careful = CleanupSettings(protection=ImageProtection(**NOTHING), **settings)
        assert plan_cleanup(known, careful).spared == {digest(1): reason}

    def test_a_time_of_a_push_that_was_not_recorded_says_nothing_against_an_image(self) -> None:
        careful = CleanupSettings(protection=ImageProtection(**NOTHING))
        assert plan_cleanup(evidence(previewed(1, image_pushed_at=None)), careful).spared == {}


class TestImagesLeft:
    def test_enough_images_have_to_be_left(self) -> None:
        assert answer("images_left", evidence()).verdict == "passed"
        assert answer("images_left", evidence(), minimum_images_left=5).verdict == "blocked"
        assert answer("images_left", evidence(inventory=UNREAD)).verdict == "unknown"

    def test_the_newest_that_have_to_be_left_are_spared(self) -> None:
        found = answer("images_left", evidence(previewed(0), previewed(1)), minimum_images_left=3)
        assert (found.verdict, set(found.image_digests)) == ("spared", {digest(0), digest(1)})

    def test_no_image_left_blocks_where_none_can_be_run(self) -> None:
        signature = stored(1, subject_manifest_digest=digest(9))
        assert answer("images_left", evidence(inventory=[signature])).verdict == "blocked"


class TestCaps:
    @pytest.mark.parametrize("code", ["max_images", "max_share", "max_bytes"])
    def test_a_limit_blocks_is_switched_off_and_is_unknown(self, code: str) -> None:
        sized = evidence(inventory=[stored(number, image_size_in_bytes=10) for number in range(5)])
        assert answer(code, sized).verdict == "passed"
        assert answer(code, sized, **{code: 0}).verdict == "blocked"
        assert answer(code, sized, **{code: None}) == OFF
        assert answer(code, evidence(fresh=UNREAD)).verdict == "unknown"

    def test_a_number_that_is_not_known_does_not_pass(self) -> None:
        assert capped(None, None, "bytes", "max_bytes") == OFF
        found = capped(None, 5, "bytes", "max_bytes")
        assert (found.verdict, "max_bytes=None" in (found.remedy or "")) == ("unknown", True)
