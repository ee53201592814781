"""Of every spared image it is said what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.cleanup.check_catalog import SPARED_REASONS
from airflow_provider_ecr_preview.core.cleanup.checks import decide
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_images import SparedImages
from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.protection.rules import ImageProtection
from tests.support.builders import NOW, archiving, digest, previewed, stored, summary

DIGEST = digest(1)
HOUR = timedelta(hours=1)


class Used:
    """What runs, as a clean-up asks about it."""

    unread_sources: Sequence[str] = ()
    missing_scope: Sequence[str] = ()
    read_scope: Sequence[str] = ()

    def __init__(self, *users: str) -> None:
        self._users = users

    def users_of(self, image_digest: str, image_tags: Sequence[str]) -> Sequence[str]:
        return self._users


def listed(*images: Any, policy: str = "p") -> PreviewList:
    return PreviewList.of_images(policy, images)


def evidence(**fields: Any) -> Evidence:
    approved = listed(previewed(1), policy=summary(previewed(1)).policy.fingerprint)
    values: dict[str, Any] = {
        "summary": summary_xcom(summary(previewed(1), previewed_at=NOW - HOUR)),
        "approved": approved,
        "fresh": approved,
        "inventory": [stored(1)],
        "in_use": Used(),
        "now": NOW,
    }
    return Evidence(**{**values, **fields})


SETTINGS = CleanupSettings(
    protection=ImageProtection(protected_tags=["prod*"], protected_tag_patterns=["^v1$"], min_age_days=3),
    required_agreeing_previews=3,
)

SEEN: list[tuple[Spared, dict[str, Any], str]] = [
    (Spared.PROTECTED_TAG, {}, "Its tag v1 is protected by ^v1$."),
    (
        Spared.PROTECTED_TAG,
        {"fresh": listed(previewed(1, image_tags=("prod-2",)))},
        "Its tag prod-2 is protected by prod*.",
    ),
    (Spared.IN_USE, {"in_use": Used("ECS a", "b", "c", "d")}, "It is used by ECS a, b, c and 1 more."),
    (Spared.TAGS_CHANGED, {"inventory": [stored(1, "a", "b")]}, "Its tags were v1 at the approval, and are now a, b."),
    (
        Spared.PUSHED_AGAIN,
        {"inventory": [replace(stored(1), image_pushed_at=NOW)]},
        "It was pushed at 2026-11-23 12:00 UTC; the approved image was pushed at 2026-11-23 11:00 UTC.",
    ),
    (Spared.ACTION_CHANGED, {"fresh": listed(archiving(1))}, "EXPIRE was approved; a fresh preview says TRANSITION."),
    (
        Spared.NOT_IN_EARLIER_PREVIEW,
        {"previous": {NOW - 3 * HOUR: listed(previewed(2)), NOW - 9 * HOUR: listed(previewed(1))}},
        "The preview of 2026-11-23 09:00 UTC does not list it.",
    ),
    (Spared.NEWEST, {}, "It dates from 2026-11-23 11:00 UTC and is among the newest in the repository."),
    (Spared.TOO_YOUNG, {}, "It was pushed at 2026-11-23 11:00 UTC, 0.0 days ago; min_age_days is 3."),
    (
        Spared.TOO_YOUNG,
        {"inventory": [stored(1, last_activated_at=NOW)], "now": NOW + 24 * HOUR},
        "It was restored at 2026-11-23 12:00 UTC, 1.0 days ago; min_age_days is 3.",
    ),
    (
        Spared.RECENTLY_PULLED,
        {"inventory": [stored(1, last_recorded_pull_time=NOW)]},
        "Its last recorded pull was at 2026-11-23 12:00 UTC; recently_pulled_days is 30.",
    ),
    (
        Spared.SUBJECT_STAYS,
        {"inventory": [stored(1, subject_manifest_digest=digest(7))]},
        f"It belongs to {digest(7)}.",
    ),
    (
        Spared.REFERRER_STAYS,
        {"inventory": [stored(1), stored(2), stored(3, subject_manifest_digest=DIGEST)]},
        f"An image that belongs to it is in use or protected: one of {digest(3)}.",
    ),
    (
        Spared.REFERENCED_BY_MANIFEST_LIST,
        {"inventory": [stored(1, referenced_by=("x",))]},
        "Manifest lists name it: x.",
    ),
]


@pytest.mark.parametrize(
    ("reason", "fields", "seen"), SEEN, ids=[f"{reason}-{n}" for n, (reason, *_) in enumerate(SEEN)]
)
def test_what_was_seen_is_said(reason: Spared, fields: dict[str, Any], seen: str) -> None:
    assert SparedImages(evidence(**fields), SETTINGS).saw(DIGEST, reason) == seen


NOTHING: dict[str, Any] = {"approved": Unread("x"), "fresh": Unread("x"), "inventory": Unread("x"), "in_use": None}
UNTOLD = {
    "nothing is known": NOTHING,
    "nothing in particular": {
        "approved": listed(previewed(1, image_tags=(), image_pushed_at=None)),
        "fresh": PreviewList("p", "i"),
        "inventory": [replace(stored(1), image_tags=())],
        "in_use": Used(),
        "previous": {NOW - 2 * HOUR: Unread("x"), NOW - 3 * HOUR: PreviewList("p", "i")},
    },
}


@pytest.mark.parametrize("fields", UNTOLD.values(), ids=UNTOLD)
def test_where_nothing_more_is_known_the_meaning_of_the_reason_is_said(fields: dict[str, Any]) -> None:
    explained = SparedImages(evidence(**fields), SETTINGS)
    particular = {"newest", "too_young", "tags_changed", "protected_tag", "action_changed"}
    for reason in set(Spared) - (particular if fields is not NOTHING else set()):
        assert explained.saw(DIGEST, reason) == SPARED_REASONS[reason].meaning


def test_who_uses_an_image_is_not_said_where_that_is_not_known() -> None:
    explained = SparedImages(evidence(in_use=Unread("x")), SETTINGS)
    assert explained.saw(DIGEST, Spared.IN_USE) == SPARED_REASONS["in_use"].meaning


def test_a_check_that_spares_or_blocks_says_what_was_seen_of_an_image() -> None:
    used = evidence(in_use=Used("ECS service api"))
    settings = CleanupSettings(protection=ImageProtection(protected_tags=[]))
    example = f"For example {DIGEST[:19]}: It is used by ECS service api."
    for whole_policy, verdict in ((False, "spared"), (True, "blocked")):
        decision = decide(used, replace(settings, whole_policy=whole_policy))
        check = next(check for check in decision.checks if check.code == "in_use")
        assert (check.verdict, check.message.endswith(example)) == (verdict, True), check
