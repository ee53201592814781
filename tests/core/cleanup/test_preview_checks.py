"""The approved preview has to hold still: policy, images, tags, age, agreement and findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.audit.acknowledgements import Acknowledgement, Acknowledgements
from airflow_provider_ecr_preview.core.audit.finding_codes import AUDIT_FINDINGS
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.cleanup.answers import OFF, Answer
from airflow_provider_ecr_preview.core.cleanup.approved import approved_images
from airflow_provider_ecr_preview.core.cleanup.check_functions import CHECK_FUNCTIONS
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.journal import EarlierAttempts, EarlierImage
from airflow_provider_ecr_preview.core.cleanup.plan import plan_cleanup
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.preview.finding import Finding
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.protection.rules import ImageProtection
from tests.support.builders import NOW, archiving, digest, previewed, stored, summary
from tests.support.evidence import HOUR, evidence, listed

NOTHING_PROTECTED = ImageProtection(protected_tags=(), min_age_days=0, recently_pulled_days=0, newest_images_kept=0)
UNREAD = Unread("access denied.", "Allow ecr:A.")
WITHOUT_A_LIST = PreviewList(summary().policy.fingerprint, "of other images")


def answer(code: str, known: Evidence, **settings: Any) -> Answer:
    careful = CleanupSettings(**{"protection": NOTHING_PROTECTED, **settings})
    return CHECK_FUNCTIONS[code](known, careful, plan_cleanup(known, careful))


def test_another_policy_blocks() -> None:
    assert answer("policy_unchanged", evidence()).verdict == "passed"
    assert answer("policy_unchanged", evidence(fresh=listed(previewed(1), policy="another"))).verdict == "blocked"
    assert answer("policy_unchanged", evidence(fresh=UNREAD)).verdict == "unknown"


class TestPreviewUnchanged:
    def test_the_same_images_pass_and_those_that_are_gone_are_counted(self) -> None:
        assert answer("preview_unchanged", evidence()).message == "A fresh preview lists the approved images."
        gone = answer("preview_unchanged", evidence(inventory=[stored(0), stored(2)]))
        assert (gone.verdict, "1 of them is already gone" in gone.message) == ("passed", True)

    def test_what_cannot_be_read_is_unknown(self) -> None:
        for field in ("approved", "fresh", "inventory"):
            assert answer("preview_unchanged", evidence(**{field: UNREAD})).verdict == "unknown"

    def test_other_images_block_where_it_is_not_known_which_were_approved(self) -> None:
        assert answer("preview_unchanged", evidence(approved=WITHOUT_A_LIST)).verdict == "blocked"

    @pytest.mark.parametrize(
        ("settings", "verdict"),
        [
            ({}, "warned"),
            ({"on_change": "spare"}, "warned"),
            ({"on_change": "block_any"}, "blocked"),
            ({"whole_policy": True}, "blocked"),
            ({"on_change": "spare", "whole_policy": True}, "blocked"),
        ],
    )
    def test_a_new_image_is_left_alone_unless_ecr_acts_on_the_whole_policy(
        self, settings: dict[str, Any], verdict: str
    ) -> None:
        known = evidence(fresh=listed(previewed(1), previewed(2, image_tags=("v7", "v8"))))
        found = answer("preview_unchanged", known, **settings)
        assert (found.verdict, list(found.image_digests)) == (verdict, [digest(2)])
        assert f"1 new image that was not approved: {digest(2)[:19]} (v7, v8)." in found.message
        assert found.remedy is not None
        assert "preview again" in found.remedy.lower()
        careful = CleanupSettings(**{"protection": NOTHING_PROTECTED, **settings})
        assert digest(2) not in {image.image_digest for image in plan_cleanup(known, careful).images}

    def test_many_new_images_are_named_in_part_tagged_ones_first(self) -> None:
        new = [previewed(2, image_tags=()), *map(previewed, range(3, 7))]
        found = answer("preview_unchanged", evidence(fresh=listed(previewed(1), *new)))
        assert "5 new images that were not approved" in found.message
        assert "(v4)" in found.message
        assert "and 2 more" in found.message
        assert "untagged" not in found.message
        assert set(found.image_digests) == {image.image_digest for image in new}

    @pytest.mark.parametrize(
        ("on_change", "verdict"), [("block", "blocked"), ("spare", "spared"), ("block_any", "blocked")]
    )
    def test_a_new_image_does_not_hide_that_an_approved_one_changed(self, on_change: str, verdict: str) -> None:
        known = evidence(previewed(1), previewed(3), fresh=listed(previewed(1), previewed(2)))
        found = answer("preview_unchanged", known, on_change=on_change)
        assert (found.verdict, list(found.image_digests)) == (verdict, [digest(3), digest(2)])
        assert "1 new (" in found.message
        assert "1 changed or no longer listed" in found.message

    def test_a_new_image_blocks_where_the_approved_ones_are_known_by_their_fingerprint_only(self) -> None:
        known = evidence(approved=WITHOUT_A_LIST, fresh=listed(previewed(1), previewed(2)))
        assert answer("preview_unchanged", known).verdict == "blocked"

    def test_a_changed_image_blocks_where_ecr_acts_on_the_whole_policy(self) -> None:
        known = evidence(previewed(1), previewed(3), fresh=listed(previewed(1)))
        found = answer("preview_unchanged", known, whole_policy=True, on_change="spare")
        assert (found.verdict, found.remedy) == ("blocked", "Preview again, and have that preview approved.")


class TestTagsUnchanged:
    def test_a_tag_that_moved_blocks_or_is_spared(self) -> None:
        moved = evidence(inventory=[stored(0), stored(1, "v1", "v2")])
        assert answer("tags_unchanged", moved).verdict == "blocked"
        assert answer("tags_unchanged", moved, on_change="spare").verdict == "spared"
        assert answer("tags_unchanged", moved, check_tags=False) == OFF
        assert answer("tags_unchanged", evidence()).verdict == "passed"

    def test_it_is_unknown_without_a_list_of_the_approved_images(self) -> None:
        assert answer("tags_unchanged", evidence(approved=UNREAD)).verdict == "unknown"
        known = evidence()
        assert isinstance(known.approved, PreviewList)
        fingerprint_only = evidence(approved=replace(known.approved, images=None))
        assert answer("tags_unchanged", fingerprint_only).verdict == "unknown"


class TestPreviewAge:
    @pytest.mark.parametrize(
        ("age", "verdict", "said"),
        [
            (timedelta(hours=3), "passed", "3.0 hours"),
            (timedelta(days=3), "blocked", "3.0 days"),
            (timedelta(minutes=-4), "passed", "0.0 hours"),
            (timedelta(minutes=-6), "unknown", "future"),
        ],
    )
    def test_an_old_preview_blocks_and_one_of_the_future_is_unknown(
        self, age: timedelta, verdict: str, said: str
    ) -> None:
        found = answer("preview_age", evidence(age=age))
        assert (found.verdict, said in found.message) == (verdict, True)

    def test_a_preview_without_a_time_is_unknown(self) -> None:
        known: Any = {**evidence().summary, "previewed_at": "yesterday"}
        assert answer("preview_age", evidence(summary=known)).verdict == "unknown"

    def test_it_can_be_switched_off(self) -> None:
        assert answer("preview_age", evidence(age=timedelta(days=9)), max_preview_age=None) == OFF


class TestAgreeingPreviews:
    def test_it_can_be_switched_off(self) -> None:
        assert answer("agreeing_previews", evidence(), required_agreeing_previews=0) == OFF

    def test_the_approved_and_the_fresh_preview_are_two(self) -> None:
        assert answer("agreeing_previews", evidence()).verdict == "passed"
        assert answer("agreeing_previews", evidence(fresh=UNREAD)).verdict == "unknown"

    @pytest.mark.parametrize(
        ("earlier", "verdict"),
        [
            (None, "blocked"),
            (listed(previewed(1)), "passed"),
            (listed(previewed(2)), "spared"),
            (listed(archiving(1)), "spared"),
            (listed(previewed(1), policy="another"), "blocked"),
            (WITHOUT_A_LIST, "unknown"),
            (UNREAD, "unknown"),
        ],
        ids=["none", "agrees", "lists_others", "archives", "another_policy", "no_list", "unread"],
    )
    def test_a_third_preview_in_a_row_has_to_list_the_images(self, earlier: Any, verdict: str) -> None:
        previous = {} if earlier is None else {NOW - 13 * HOUR: earlier}
        known = evidence(previous=previous)
        assert answer("agreeing_previews", known, required_agreeing_previews=3).verdict == verdict

    @staticmethod
    def verdict(needed: int, *hours_before: float, lists: Mapping[float, Any] = MappingProxyType({})) -> str:
        """Return the verdict with summaries that were read so many hours before the approved one."""
        same = evidence().approved
        previous = {NOW - HOUR - hours * HOUR: lists.get(hours, same) for hours in hours_before}
        return answer("agreeing_previews", evidence(previous=previous), required_agreeing_previews=needed).verdict

    def test_a_preview_that_was_summarised_twice_counts_once(self) -> None:
        assert self.verdict(3, 0) == "blocked"
        assert self.verdict(3, 0.001) == "blocked"
        assert self.verdict(3, 11.9) == "blocked"
        assert self.verdict(3, 12) == "passed"
        assert self.verdict(4, 12, 12.001) == "blocked"
        assert self.verdict(4, 12, 24) == "passed"

    def test_summaries_that_do_not_count_do_not_push_out_those_that_do(self) -> None:
        assert self.verdict(4, 1, 2, 3, 12, 13, 24) == "passed"

    def test_previews_with_different_images_are_two_whenever_they_were_read(self) -> None:
        known = {1: listed(previewed(1), previewed(2), policy=evidence().summary["policy_fingerprint"])}
        assert self.verdict(3, 1, lists=known) == "passed"
        # ECR keeps one preview of a repository, so that the one before a different one is a third.
        assert self.verdict(4, 1, 2, lists=known) == "passed"
        assert self.verdict(5, 1, 2, 3, lists=known) == "blocked"

    def test_a_preview_that_cannot_be_read_counts_as_unknown_whenever_it_was_read(self) -> None:
        assert self.verdict(3, 1, lists={1: UNREAD}) == "unknown"

    def test_the_message_says_which_summaries_are_not_counted(self) -> None:
        same = evidence().approved
        known = evidence(previous={NOW - 2 * HOUR: same, NOW - 3 * HOUR: same})
        found = answer("agreeing_previews", known, required_agreeing_previews=3)
        assert "2 earlier summaries are not counted" in found.message
        assert "less than 12 hours before" in found.message

    def test_no_preview_is_earlier_than_one_without_a_time(self) -> None:
        summary_without_time: Any = {**evidence().summary, "previewed_at": None}
        known = evidence(summary=summary_without_time, previous={NOW: listed(previewed(1))})
        assert answer("agreeing_previews", known, required_agreeing_previews=3).verdict == "blocked"


class TestFindings:
    @staticmethod
    def with_findings(*findings: Finding) -> Evidence:
        return evidence(summary=summary_xcom(summary(previewed(1), previewed_at=NOW - HOUR), findings=findings))

    def test_a_critical_finding_blocks_until_it_is_ignored(self) -> None:
        known = self.with_findings(Finding("new_finding", "critical", "Look.", (digest(1),)))
        found = answer("findings", known)
        assert (found.verdict, list(found.image_digests)) == ("blocked", [digest(1)])
        ignored = answer("findings", known, ignored_findings=["new_finding"])
        assert (ignored.verdict, ignored.message[:18]) == ("passed", "1 critical finding")

    @pytest.mark.parametrize(
        "code", sorted(code for code, severity in AUDIT_FINDINGS.items() if severity == "critical")
    )
    def test_a_finding_that_somebody_accepted_blocks_as_it_did_before(self, code: str) -> None:
        findings = [Finding(code, "critical", "Look.", (digest(1),)), Finding("dead_rule", "warning", "Look.")]
        before = self.with_findings(*findings)
        # As no file of acknowledgements can say it, and as any other program could write it.
        entries = [Acknowledgement("*", found.code, "It is known", date.max) for found in findings]
        outcome = RepositoryOutcome("payments/api", "1", "eu-west-1", "previewed", before.summary)
        marked = Acknowledgements(entries, NOW.date()).applied_to(outcome).summary
        assert marked is not None
        assert [found.get("acknowledged_until") for found in marked["findings"]] == [None, "9999-12-31"]
        forged: Any = {
            **marked,
            "findings": [{**found, "acknowledged_until": "9999-12-31"} for found in marked["findings"]],
        }
        wanted = answer("findings", before)
        assert answer("findings", replace(before, summary=marked)) == wanted
        assert answer("findings", replace(before, summary=forged)) == wanted

    @pytest.mark.parametrize("severity", ["CRITICAL", "fatal", ""])
    def test_a_severity_that_this_release_does_not_know_blocks(self, severity: Any) -> None:
        assert answer("findings", self.with_findings(Finding("new_finding", severity, "Look."))).verdict == "blocked"

    def test_what_another_check_answers_passes_and_a_warning_does_not_count(self) -> None:
        assert answer("findings", self.with_findings(Finding("dead_rule", "warning", "Look."))).verdict == "passed"
        known = self.with_findings(Finding("would_empty_repository", "critical", "Look."))
        assert answer("findings", known).verdict == "passed"

    def test_a_tag_that_the_preview_protects_blocks_what_would_go(self) -> None:
        known = self.with_findings(Finding("protected_tag_expires", "critical", "Look.", (digest(1),)))
        other_tags = ImageProtection(protected_tags=("other",), min_age_days=0, newest_images_kept=0)
        assert answer("findings", known, protection=other_tags).verdict == "blocked"
        protecting = ImageProtection(protected_tags=("v1",), min_age_days=0, newest_images_kept=0)
        assert answer("findings", known, protection=protecting).verdict == "passed"
        ignored = answer("findings", known, protection=other_tags, ignored_findings=["protected_tag_expires"])
        assert ignored.verdict == "passed"


class TestApprovedImages:
    def test_a_fingerprint_of_the_fresh_images_stands_for_them(self) -> None:
        known = evidence()
        assert isinstance(known.approved, PreviewList)
        assert approved_images(replace(known, approved=replace(known.approved, images=None))) is not None
        assert approved_images(replace(known, approved=WITHOUT_A_LIST)) is None
        assert approved_images(replace(known, approved=WITHOUT_A_LIST, fresh=WITHOUT_A_LIST)) is None
        assert approved_images(replace(known, approved=UNREAD)) is None

    def test_what_an_earlier_attempt_deleted_and_what_is_left_add_up_to_a_fingerprint(self) -> None:
        both = listed(previewed(1), previewed(2))
        earlier = EarlierAttempts(done={digest(2): EarlierImage(digest(2), ("v2",), None, "EXPIRE", 1)})
        known = evidence(approved=replace(both, images=None), fresh=listed(previewed(1)), earlier=earlier)
        images = approved_images(known)
        assert images is not None
        assert set(images) == {digest(1), digest(2)}
