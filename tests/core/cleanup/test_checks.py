"""A repository is decided, and judged again by what is in it now; a run is checked as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult, Decision, check_run, decide, decide_again
from airflow_provider_ecr_preview.core.cleanup.journal import EarlierImage
from airflow_provider_ecr_preview.core.cleanup.outcome import ImageOutcome, RepositoryCleanup, planned_cleanup
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared
from airflow_provider_ecr_preview.core.exceptions import ThrottledError
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.protection.rules import ImageProtection
from tests.support.builders import NOW, digest, previewed, stored
from tests.support.evidence import evidence, listed

CAREFUL = CleanupSettings(
    protection=ImageProtection(protected_tags=(), min_age_days=0, recently_pulled_days=0, newest_images_kept=0)
)
INVENTORY = [stored(number, image_size_in_bytes=10) for number in range(5)]


def decided(*affected: Any, **fields: Any) -> Decision:
    return decide(evidence(*affected, **{"inventory": INVENTORY, **fields}), CAREFUL)


def codes(decision: Decision) -> list[str]:
    return [check.code for check in decision.blocking]


class TestDecide:
    def test_what_was_approved_may_go(self) -> None:
        decision = decided(previewed(1), previewed(2))
        assert [image.image_digest for image in decision.plan.images] == [digest(2), digest(1)]
        assert codes(decision) == []
        assert decision.repository.repository_name == "payments/api"

    def test_nothing_is_planned_where_the_inventory_cannot_be_read(self) -> None:
        decision = decided(inventory=Unread("access denied."))
        assert decision.plan.images == ()
        assert "images_left" in codes(decision)

    def test_a_check_says_what_it_saw_and_what_lifts_it(self) -> None:
        (check,) = [check for check in decided(fresh=listed(policy="p")).checks if check.code == "policy_unchanged"]
        assert check.as_dict()["verdict"] == "blocked"
        assert str(check).startswith("policy_unchanged (blocked): ")
        assert " To fix this: " in str(check)
        assert str(CheckResult("in_use", "passed", "Fine.")) == "in_use (passed): Fine."


class TestDecideAgain:
    def test_what_was_touched_meanwhile_is_spared(self) -> None:
        before = decided(previewed(1), previewed(2))
        pulled = replace(INVENTORY[1], last_recorded_pull_time=NOW)
        now = decide_again(before, [INVENTORY[0], pulled, *INVENTORY[2:]], NOW)
        assert [image.image_digest for image in now.plan.images] == [digest(2)]
        assert now.plan.spared == {digest(1): Spared.CHANGED_MEANWHILE}

    def test_an_image_that_was_gone_and_came_back_is_spared(self) -> None:
        before = decided(previewed(1), inventory=[INVENTORY[0], INVENTORY[2]])
        assert before.plan.gone == {digest(1)}
        assert decide_again(before, INVENTORY, NOW).plan.spared == {digest(1): Spared.CHANGED_MEANWHILE}

    def test_the_checks_that_depend_on_the_inventory_run_again(self) -> None:
        before = decided(previewed(1))
        assert codes(decide_again(before, [INVENTORY[1]], NOW)) == ["images_left"]


def test_all_repositories_together_may_be_too_many() -> None:
    blocked = decided(previewed(1), fresh=listed(policy="p"))
    decisions = [decided(previewed(1)), decided(previewed(1), previewed(2)), blocked]
    verdicts = {check.code: check.verdict for check in check_run(decisions, max_images=2, max_bytes=None)}
    assert verdicts == {"approval_given": "off", "run_max_images": "blocked", "run_max_bytes": "off"}


class TestPlannedCleanup:
    @pytest.mark.parametrize(
        ("fields", "run_is_blocked", "dry_run", "status", "image_status"),
        [
            ({}, False, True, "dry_run", "would_delete"),
            ({}, False, False, "incomplete", "not_attempted"),
            ({}, True, True, "blocked", "not_attempted"),
            ({"fresh": listed(previewed(1), policy="p")}, False, True, "blocked", "not_attempted"),
            ({"inventory": [INVENTORY[0]]}, False, False, "nothing_to_do", "gone"),
            ({"fresh": listed()}, False, False, "blocked", "spared"),
        ],
    )
    def test_the_status_says_whether_something_would_be_done(
        self, fields: dict[str, Any], run_is_blocked: bool, dry_run: bool, status: str, image_status: str
    ) -> None:
        cleanup = planned_cleanup(decided(**fields), "delete", run_is_blocked=run_is_blocked, dry_run=dry_run)
        assert (cleanup.status, cleanup.outcomes[digest(1)].status) == (status, image_status)
        assert sum(cleanup.counts.values()) == 1
        assert cleanup.repository == cleanup.decision.repository

    def test_what_an_earlier_attempt_did_or_sent_is_said_though_the_repository_is_blocked(self) -> None:
        earlier = evidence().earlier
        done = replace(
            earlier,
            done={digest(1): _earlier(1, "deleted", "reply_lost")},
            sent={digest(2): _earlier(2, "unknown", None)},
        )
        cleanup = planned_cleanup(
            decided(fresh=Unread("no."), earlier=done), "delete", run_is_blocked=False, dry_run=False
        )
        assert cleanup.outcomes[digest(1)].status == "deleted"
        assert cleanup.outcomes[digest(2)].status == "unknown"
        assert (cleanup.reply_lost_image_count, cleanup.earlier_image_count) == (1, 1)

    def test_a_repository_whose_images_all_went_before_is_done(self) -> None:
        done = replace(evidence().earlier, done={digest(1): _earlier(1, "deleted", None)})
        decision = decided(inventory=[INVENTORY[0]], earlier=done)
        assert planned_cleanup(decision, "delete", run_is_blocked=False, dry_run=False).status == "done"


def test_of_a_spared_image_it_is_said_what_was_seen_once() -> None:
    decision = decide(evidence(), replace(CAREFUL, protection=ImageProtection(protected_tags=("v1",))))
    cleanup = planned_cleanup(decision, "delete", run_is_blocked=False, dry_run=True)
    cleanup.explain(decision.settings)
    seen = cleanup.outcomes[digest(1)]
    assert (seen.message or "").startswith("Its tag v1 is protected")
    cleanup.explain(decision.settings)
    assert cleanup.outcomes[digest(1)] is seen
    assert cleanup.reasons("spared") == {"protected_tag": 1}
    line = seen.as_dict(cleanup.repository)
    assert (line["check"], line["repository_name"]) == ("protected_tags", "payments/api")


def test_an_image_that_is_not_spared_has_no_check_that_spared_it() -> None:
    line = ImageOutcome(digest(1), status="failed", reason="X").as_dict(evidence().repository)
    assert (line["check"], line["remedy"]) == (None, None)


def test_an_error_ends_a_repository_early() -> None:
    error = ThrottledError("Slow down.", repository_name="payments/api")
    assert RepositoryCleanup(decided(), "stopped", error=error).of_status("deleted") == []


def _earlier(number: int, status: Any, reason: str | None) -> Any:
    return EarlierImage(digest(number), (), 10, "EXPIRE", 1, status, reason)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"action": "burn"}, "action is 'burn'"),
        ({"on_change": "ignore"}, "on_change is 'ignore'"),
        ({"max_share": 1.5}, "max_share is 1.5"),
        ({"max_images": -1}, "max_images is -1"),
    ],
)
def test_settings_that_mean_nothing_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CleanupSettings(**fields)


def test_a_check_that_is_switched_off_answers_no_finding() -> None:
    bare = CleanupSettings(
        protection=ImageProtection(protected_tags=(), recently_pulled_days=0, newest_images_kept=0), check_in_use=False
    )
    assert bare.answered_findings == {"would_empty_repository", "referrer_of_kept_image_expires"}
    assert len(CleanupSettings().answered_findings) == 6
