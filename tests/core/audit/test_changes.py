from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.audit.changes import (
    Alarms,
    Baseline,
    BaselineRepository,
    compare_with_baselines,
    merge_changes,
)
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.xcom.audit import ChangedRepository, ChangesXCom
from tests.support.builders import NOW, REGION, REGISTRY_ID, archiving, digest, previewed, summary
from tests.support.policies import policy, rule

SITE = REGISTRY_ID, REGION
NUMBERS = st.sets(st.integers(0, 30))

Lists = dict[str, Mapping[str, str] | None]


def outcome(name: str, *images: PreviewedImage, uri: str | None = "now", **fields: Any) -> RepositoryOutcome:
    value = summary_xcom(summary(*images, **fields), images_uri=uri)
    return RepositoryOutcome(name, REGISTRY_ID, REGION, "previewed", value)


def failed(name: str) -> RepositoryOutcome:
    return RepositoryOutcome(name, REGISTRY_ID, REGION, "failed", error="ThrottledError", message="Too many calls.")


def without_policy(name: str) -> RepositoryOutcome:
    return RepositoryOutcome(name, REGISTRY_ID, REGION, "without_policy")


def before(name: str, *images: PreviewedImage, uri: str | None = "before") -> BaselineRepository:
    whole = summary(*images)
    return BaselineRepository(
        name, "previewed", policy().fingerprint, whole.images_fingerprint, whole.image_count, images_uri=uri
    )


def actions(*images: PreviewedImage) -> dict[str, str]:
    return {image.image_digest: image.action for image in images}


def compare(
    outcomes: list[RepositoryOutcome],
    *repositories: BaselineRepository,
    lists: Lists | None = None,
    alarms: Alarms | None = None,
    whole: bool = True,
) -> ChangesXCom:
    baseline = Baseline(
        "last", NOW - timedelta(days=7), {repository.repository_name: repository for repository in repositories}
    )
    return compare_with_baselines(outcomes, {SITE: baseline}, (lists or {}).get, alarms or Alarms(), whole=whole)


def only(changes: ChangesXCom) -> ChangedRepository:
    [change] = changes["top"]
    return change


@given(NUMBERS, NUMBERS, NUMBERS)
def test_what_is_newly_and_no_longer_affected_are_the_differences_of_the_lists(
    was: set[int], now: set[int], archived: set[int]
) -> None:
    then = [previewed(number) for number in was]
    images = [archiving(number) if number in archived else previewed(number) for number in now]
    lists: Lists = {"before": actions(*then), "now": actions(*images)}
    changes = compare([outcome("a", *images)], before("a", *then), lists=lists)
    assert changes["newly_affected_image_count"] == len(now - was)
    assert changes["no_longer_affected_image_count"] == len(was - now)
    assert changes["action_changed_image_count"] == len(was & now & archived)
    assert (changes["affected_image_count_before"], changes["affected_image_count"]) == (len(was), len(now))


def test_equal_fingerprints_need_no_list() -> None:
    changes = compare([outcome("a", previewed(1))], before("a", previewed(1), uri=None))
    assert (changes["compared_count"], changes["newly_affected_image_count"], changes["top"]) == (1, 0, [])


@pytest.mark.parametrize("missing", ["before", "now"])
def test_without_both_lists_only_counts_are_compared(missing: str) -> None:
    lists: Lists = {"before": actions(previewed(1)), "now": actions(previewed(2), previewed(3))}
    lists[missing] = None
    changes = compare([outcome("a", previewed(2), previewed(3))], before("a", previewed(1)), lists=lists)
    assert changes["counts_only_count"] == 1
    assert only(changes)["newly_affected_image_count"] is None
    assert changes["affected_image_count"] - changes["affected_image_count_before"] == 1


def test_a_list_that_was_never_written_is_not_read() -> None:
    changes = compare([outcome("a", previewed(2), uri=None)], before("a", previewed(1), uri=None))
    assert changes["counts_only_count"] == 1


def test_another_policy_is_named() -> None:
    images = [previewed(1), previewed(2)]
    changes = compare([outcome("a", *images, of=policy(rule(2)))], before("a", *images))
    assert changes["policy_changed_count"] == 1
    assert only(changes)["policy_changed"]


def test_a_policy_that_was_removed_affects_nothing_any_more() -> None:
    changes = compare([without_policy("a")], before("a", previewed(1)))
    assert (changes["no_longer_affected_image_count"], changes["policy_changed_count"]) == (1, 1)


def test_a_repository_that_failed_now_or_then_is_not_compared() -> None:
    changes = compare(
        [failed("a"), outcome("b", previewed(1))],
        before("a", previewed(1)),
        BaselineRepository("b", "failed"),
        alarms=Alarms(count=0, share=0.0),
    )
    assert (changes["not_comparable_count"], changes["compared_count"], changes["alarm_count"]) == (2, 0, 0)


def test_a_repository_that_is_new_raises_no_alarm() -> None:
    changes = compare([outcome("a", previewed(1))], alarms=Alarms(count=0))
    assert (changes["appeared_count"], changes["alarm_count"], changes["newly_affected_image_count"]) == (1, 0, 0)


def test_what_appeared_is_named_in_every_part_of_an_audit_and_in_the_whole() -> None:
    parts = [compare([outcome(name)], whole=False) for name in ("a", "b")]
    assert [repository["repository_name"] for repository in parts[0].get("appeared", [])] == ["a"]
    merged = merge_changes(parts)
    assert merged is not None
    assert [repository["repository_name"] for repository in merged.get("appeared", [])] == ["a", "b"]
    # A part of an earlier release names none.
    del parts[1]["appeared"]
    merged = merge_changes(parts)
    assert merged is not None
    assert (merged["appeared_count"], len(merged.get("appeared", []))) == (2, 1)


def test_only_a_whole_audit_lists_what_disappeared() -> None:
    gone = before("gone", previewed(1))
    changes = compare([], gone)
    assert [repository["repository_name"] for repository in changes["disappeared"]] == ["gone"]
    assert compare([], gone, whole=False)["disappeared_count"] is None


def test_a_registry_without_an_earlier_audit_is_named_and_not_compared() -> None:
    changes = compare_with_baselines([outcome("a", previewed(1))], {SITE: None}, {}.get, Alarms(count=0), whole=True)
    assert (changes["compared_count"], changes["alarm_count"]) == (0, 0)
    assert changes["baselines"] == [
        {"registry_id": REGISTRY_ID, "region_name": REGION, "audit_id": None, "audited_at": None}
    ]
    assert changes["notes"] == [
        f"This is the first audit of {REGISTRY_ID}, {REGION}, so there is nothing to compare it with."
    ]


@pytest.mark.parametrize(
    ("alarms", "then", "now", "raised"),
    [
        (Alarms(), 0, 1_000, False),
        (Alarms(count=10), 5, 15, False),
        (Alarms(count=10), 5, 16, True),
        (Alarms(share=0.5), 10, 15, False),
        (Alarms(share=0.5), 10, 16, True),
        (Alarms(share=0.5), 0, 1, True),
        (Alarms(share=0.5), 10, 2, False),
        (Alarms(count=100, share=0.5), 10, 16, True),
    ],
)
def test_an_alarm_is_raised_when_more_images_are_newly_affected_than_allowed(
    alarms: Alarms, then: int, now: int, raised: bool
) -> None:
    assert (alarms.of(then, now) is not None) == raised


def test_an_alarm_says_both_numbers() -> None:
    images = [previewed(number) for number in range(4)]
    changes = compare([outcome("a", *images)], before("a", previewed(1)), alarms=Alarms(count=2))
    assert changes["alarm_count"] == 1
    assert "4 images would be deleted, up from 1 at the last audit" in (changes["alarms"][0]["alarm"] or "")


class TestMerge:
    def test_nothing_merges_to_nothing(self) -> None:
        assert merge_changes([]) is None

    def test_one_part_stays_as_it_is(self) -> None:
        part = compare([outcome("a", previewed(1))], before("b", previewed(1)))
        assert merge_changes([part]) == part

    def test_the_counts_of_parts_add_up(self) -> None:
        outcomes = [outcome("a", previewed(1), previewed(2)), outcome("b", previewed(3)), failed("c")]
        then = [before("a", previewed(1)), before("b"), before("c", previewed(4))]
        lists: Lists = {"before": {digest(1): "EXPIRE"}, "now": actions(previewed(1), previewed(2))}
        alarms = Alarms(count=0)
        whole = compare(outcomes, *then, lists=lists, alarms=alarms, whole=False)
        parts = [compare([outcome], *then, lists=lists, alarms=alarms, whole=False) for outcome in outcomes]
        assert merge_changes(parts) == whole


def test_a_baseline_that_cannot_be_read_compares_nothing_and_says_why() -> None:
    baselines = {SITE: Unread("access denied")}
    changes = compare_with_baselines([outcome("a", previewed(1))], baselines, {}.get, Alarms(), whole=True)
    assert changes["baselines"][0]["error"] == "access denied"
    [note] = changes["notes"]
    assert note.startswith(f"Nothing is compared in {REGISTRY_ID}, {REGION}")


@pytest.mark.parametrize(
    "lists",
    [
        {"before": actions(previewed(1), previewed(2))},
        {"before": Unread("access denied")},
        {"before": actions(previewed(1)), "now": Unread("access denied")},
    ],
    ids=["holds_others", "earlier_unread", "present_unread"],
)
def test_an_image_list_that_cannot_be_read_leaves_counts_and_a_note(lists: Any) -> None:
    changes = compare([outcome("a", previewed(3))], before("a", previewed(1)), lists=lists)
    assert changes["counts_only_count"] == 1
    assert "Only counts are compared for 1 repository" in " ".join(changes["notes"])


def test_a_repository_that_failed_before_its_registry_was_known_has_not_disappeared() -> None:
    lost = replace(failed("gone"), registry_id=None, region_name=None)
    changes = compare([lost], before("gone", previewed(1)))
    assert (changes["disappeared"], changes["disappeared_count"]) == ([], 0)
