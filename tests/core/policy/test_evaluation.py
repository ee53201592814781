from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.evaluation import Reason, Verdict
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from tests.support.policies import ARCHIVE, EXPIRE, rule, tagged

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TagList = Callable[[str], dict[str, Any]]


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def image(name: str, tags: Sequence[str] = (), age: float = 0, **fields: Any) -> RepositoryImage:
    return RepositoryImage(name, tuple(tags), days_ago(age), **fields)


def archived(name: str, tags: Sequence[str] = (), days: float = 0) -> RepositoryImage:
    return image(name, tags, 1_000, storage_class="ARCHIVE", last_archived_at=days_ago(days))


def policy_of(*rules: dict[str, Any]) -> LifecyclePolicy:
    """Return a policy of these rules, which may be none."""
    return LifecyclePolicy.from_service(json.dumps({"rules": rules}))


def older(count_type: str, days: int) -> dict[str, Any]:
    return {"countType": count_type, "countUnit": "days", "countNumber": days}


def verdicts(rules: Sequence[dict[str, Any]], *images: RepositoryImage) -> dict[str, Verdict]:
    return {verdict.image.image_digest: verdict for verdict in policy_of(*rules).evaluate(images, NOW)}


def taken(rules: Sequence[dict[str, Any]], *images: RepositoryImage) -> dict[str, int]:
    """Return the priority of the rule that takes it, for every image that is taken."""
    return {
        digest: verdict.rule.priority
        for digest, verdict in verdicts(rules, *images).items()
        if verdict.is_taken and verdict.rule is not None
    }


# The worked examples of the guide.


@pytest.fixture(params=["patterns", "prefixes"])
def starting_with(request: pytest.FixtureRequest) -> TagList:
    """Give a selection of the tags with one beginning, written in each of the two ways."""
    if request.param == "patterns":
        return lambda start: {"tagStatus": "tagged", "tagPatternList": [f"{start}*"]}
    return lambda start: {"tagStatus": "tagged", "tagPrefixList": [start]}


@pytest.fixture
def prod_and_beta() -> list[RepositoryImage]:
    return [image("A", ["beta-1", "prod-1"], 10), image("B", ["beta-2", "prod-2"], 9), image("C", ["beta-3"], 8)]


def test_the_example_of_priorities(starting_with: TagList, prod_and_beta: list[RepositoryImage]) -> None:
    rules = [rule(1, **starting_with("prod")), rule(2, **starting_with("beta"))]

    assert taken(rules, *prod_and_beta) == {"A": 1}


def test_the_example_of_priorities_swapped(starting_with: TagList, prod_and_beta: list[RepositoryImage]) -> None:
    rules = [rule(1, **starting_with("beta")), rule(2, **starting_with("prod"))]

    assert taken(rules, *prod_and_beta) == {"A": 1, "B": 1}


def test_the_example_of_all_images() -> None:
    images = [image("A", ["alpha-1"], 4), image("B", ["beta-1"], 3), image("C", [], 2), image("D", ["alpha-2"], 1)]

    assert taken([rule(1)], *images) == {"A": 1, "B": 1, "C": 1}


# How rules are evaluated.


def test_all_rules_are_evaluated_at_the_same_time_whatever_takes_the_images_first() -> None:
    images = [image("A", ["v1"], 3), image("B", ["v2"], 2), image("C", [], 1)]

    assert taken([tagged(1, "v*"), rule(2, countNumber=2)], *images) == {"A": 1}


def test_rules_are_applied_by_priority_wherever_they_stand_in_the_policy() -> None:
    images = [image("A", ["v1"], 3), image("B", ["v2"], 2)]

    assert taken([rule(20), tagged(10, "v*")], *images) == {"A": 10}


def test_an_image_is_taken_by_one_rule_only() -> None:
    rules = [tagged(1, "v*", **older("sinceImagePushed", 1)), rule(2, **older("sinceImagePushed", 1))]

    assert taken(rules, image("A", ["v1"], 3)) == {"A": 1}


def test_an_image_that_a_rule_keeps_is_shielded_from_the_rules_below() -> None:
    rules = [tagged(1, "v*", countNumber=9999), rule(2, **older("sinceImagePushed", 14))]

    assert taken(rules, image("A", ["v1"], 100), image("B", ["dev-1"], 100)) == {"B": 2}


def test_an_image_that_is_taken_still_counts_for_the_rules_below() -> None:
    rules = [tagged(1, "tmp*", **older("sinceImagePushed", 5)), rule(2, countNumber=2)]
    images = [image("new", ["v2"], 1), image("taken", ["tmp1"], 6), image("old", ["v1"], 7)]

    assert taken(rules, *images) == {"taken": 1, "old": 2}


def test_several_patterns_of_a_rule_must_all_match() -> None:
    rules = [tagged(1, "a*", "b*", **older("sinceImagePushed", 1))]

    assert taken(rules, image("one", ["a1"], 9), image("both", ["b1", "a1"], 9)) == {"both": 1}


def test_several_prefixes_of_a_rule_must_all_match() -> None:
    rules = [rule(1, tagStatus="tagged", tagPrefixList=["a", "b"], **older("sinceImagePushed", 1))]

    assert taken(rules, image("one", ["a1", "a2"], 9), image("both", ["a1", "b1"], 9)) == {"both": 1}


def test_each_storage_class_has_rules_of_its_own() -> None:
    rules = [
        rule(1, ARCHIVE, **older("sinceImagePushed", 30)),
        rule(2, storageClass="archive", **older("sinceImageTransitioned", 365)),
    ]
    images = [image("new", [], 1), image("old", [], 31), archived("resting", [], 365), archived("gone", [], 366)]

    assert taken(rules, *images) == {"old": 1, "gone": 2}


def test_archived_images_do_not_count_for_the_rules_of_the_standard_class() -> None:
    assert taken([rule(1, countNumber=1)], image("A", [], 5), archived("B")) == {}


def test_an_image_stays_as_long_as_a_manifest_list_names_it() -> None:
    rules = [rule(1, tagStatus="untagged", **older("sinceImagePushed", 1))]
    images = [image("list", ["v1"], 9), image("child", [], 9, referenced_by=("list",)), image("orphan", [], 9)]

    assert taken(rules, *images) == {"orphan": 1}


def test_an_image_goes_with_the_manifest_list_that_names_it() -> None:
    images = [image("list", ["v1"], 9), image("child", [], 9, referenced_by=("list",)), image("new", [], 1)]

    assert taken([rule(1)], *images) == {"list": 1, "child": 1}


def test_an_image_stays_as_long_as_one_of_two_manifest_lists_stays() -> None:
    images = [
        image("kept-list", ["v2"], 1),
        image("old-list", ["v1"], 9),
        image("child", [], 9, referenced_by=("old-list", "kept-list")),
    ]

    assert taken([rule(1)], *images) == {"old-list": 1}


def test_a_manifest_list_that_is_held_holds_its_own_children() -> None:
    images = [
        image("outer", ["v1"], 1),
        image("inner", [], 9, referenced_by=("outer",)),
        image("child", [], 9, referenced_by=("inner",)),
    ]

    assert taken([rule(1)], *images) == {}


def test_a_manifest_list_of_another_repository_holds_nothing() -> None:
    assert taken([rule(1)], image("new", [], 1), image("A", [], 9, referenced_by=("elsewhere",))) == {"A": 1}


def test_a_referrer_is_judged_as_an_image_of_its_own() -> None:
    signature = image(
        "signature", ["sha256-0.sig"], 9, artifact_media_type="application/vnd.dev.cosign.artifact.sig.v1"
    )

    assert taken([tagged(1, "*.sig", **older("sinceImagePushed", 1))], signature) == {"signature": 1}


def test_the_oldest_images_by_push_go_first() -> None:
    images = [image("C", [], 1), image("A", [], 3), image("B", [], 2)]

    assert taken([rule(1, countNumber=2)], *images) == {"A": 1}


def test_a_restored_image_is_as_new_as_its_restore() -> None:
    restored = image("restored", [], 100, last_archived_at=days_ago(50), last_activated_at=days_ago(1))

    assert taken([rule(1)], restored, image("B", [], 2)) == {"B": 1}


def test_the_digest_breaks_the_tie_between_equal_push_times() -> None:
    assert taken([rule(1)], image("B", [], 1), image("A", [], 1)) == {"A": 1}


# What each countType looks at.


@pytest.mark.parametrize(("age", "expired"), [(13.99, False), (14, False), (14.001, True)])
def test_older_by_push_is_strictly_older(age: float, expired: bool) -> None:
    rules = [rule(1, **older("sinceImagePushed", 14))]

    assert taken(rules, image("A", [], age)) == ({"A": 1} if expired else {})


def test_a_restore_does_not_make_an_image_younger_by_push() -> None:
    restored = image("A", [], 100, last_activated_at=days_ago(1))

    assert taken([rule(1, **older("sinceImagePushed", 14))], restored) == {"A": 1}


@pytest.mark.parametrize(
    ("fields", "archives"),
    [
        pytest.param({}, True, id="never_pulled_counts_from_the_push"),
        pytest.param({"last_recorded_pull_time": days_ago(89)}, False, id="pulled_lately"),
        pytest.param({"last_recorded_pull_time": days_ago(90)}, False, id="pulled_90_days_ago"),
        pytest.param({"last_recorded_pull_time": days_ago(91)}, True, id="pulled_long_ago"),
        pytest.param({"last_activated_at": days_ago(89)}, False, id="restored_and_never_pulled"),
        pytest.param(
            {"last_activated_at": days_ago(89), "last_recorded_pull_time": days_ago(300)},
            False,
            id="restored_after_the_last_pull",
        ),
        pytest.param(
            {"last_activated_at": days_ago(300), "last_recorded_pull_time": days_ago(91)},
            True,
            id="pulled_after_the_restore_long_ago",
        ),
    ],
)
def test_unused_by_pull(fields: dict[str, datetime], archives: bool) -> None:
    rules = [rule(1, ARCHIVE, **older("sinceImagePulled", 90))]

    assert taken(rules, image("A", [], 400, **fields)) == ({"A": 1} if archives else {})


@pytest.mark.parametrize(("days", "expired"), [(90, False), (90.001, True)])
def test_older_by_transition_is_strictly_older(days: float, expired: bool) -> None:
    rules = [rule(1, storageClass="archive", **older("sinceImageTransitioned", 90))]

    assert taken(rules, archived("A", [], days)) == ({"A": 1} if expired else {})


def test_an_archived_image_without_a_time_of_its_transition_stays() -> None:
    rules = [rule(1, storageClass="archive", **older("sinceImageTransitioned", 90))]

    assert taken(rules, image("A", [], 999, storage_class="ARCHIVE")) == {}


def test_an_age_beyond_the_calendar_takes_nothing() -> None:
    assert taken([rule(1, **older("sinceImagePushed", 10**9))], image("A", [], 9_000)) == {}


def test_a_count_beyond_the_number_of_images_takes_nothing() -> None:
    assert taken([rule(1, countNumber=10**20)], image("A", [], 9_000)) == {}


def test_a_count_type_that_is_not_known_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"Rule 4 has the countType 'sinceImageSigned', which cannot be evaluated here\."
    ):
        verdicts([rule(4, **older("sinceImageSigned", 1))], image("A"))


def test_two_images_of_one_digest_are_refused() -> None:
    with pytest.raises(ValueError, match="same digest"):
        verdicts([rule(1)], image("A", [], 1), image("A", [], 2))


def test_a_repository_without_images_has_no_verdicts() -> None:
    assert verdicts([rule(1), rule(2, storageClass="archive")]) == {}


# Time zones.


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"now is 2026-11-23T12:00:00, without a time zone; write datetime.now\(UTC\)"):
        policy_of(rule(1)).evaluate([], datetime(2026, 11, 23, 12))  # noqa: DTZ001  # what is refused


@pytest.mark.parametrize("hours", [-12, 0, 14])
def test_the_zone_of_a_time_does_not_matter(hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    images = [image("A", [], 14), image("B", [], 14.001)]
    local = [replace(image, image_pushed_at=image.image_pushed_at.astimezone(zone)) for image in images]

    result = policy_of(rule(1, **older("sinceImagePushed", 14))).evaluate(local, NOW.astimezone(zone))

    assert [verdict.is_taken for verdict in result] == [False, True]


def test_a_day_has_24_hours_also_when_the_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 10, 25, 12, tzinfo=berlin)
    exactly = RepositoryImage("exactly", (), datetime(2026, 10, 24, 13, tzinfo=berlin))
    older_by_a_minute = RepositoryImage("older", (), datetime(2026, 10, 24, 12, 59, tzinfo=berlin))

    result = policy_of(rule(1, **older("sinceImagePushed", 1))).evaluate([exactly, older_by_a_minute], now)

    assert [verdict.is_taken for verdict in result] == [False, True]


def test_images_of_the_hour_that_the_clocks_repeat_are_in_their_true_order() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = RepositoryImage("first", (), datetime(2026, 10, 25, 2, 50, tzinfo=berlin))
    second = RepositoryImage("second", (), datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=berlin))

    result = policy_of(rule(1)).evaluate([first, second], NOW)

    assert [verdict.is_taken for verdict in result] == [True, False]


# What a verdict says.


@pytest.mark.parametrize(
    ("rules", "images", "sentence"),
    [
        pytest.param(
            [tagged(3, "v*")],
            [image("A", ["v1"], 2), image("B", ["v2"], 1)],
            "Expires under rule 3 (v*): not among the newest 1.",
            id="beyond_count",
        ),
        pytest.param(
            [rule(3, ARCHIVE, **older("sinceImagePulled", 1))],
            [image("A", [], 2)],
            "Archived under rule 3 (any images): older than 1 day (sinceImagePulled).",
            id="older_than_days",
        ),
        pytest.param(
            [tagged(3, "v*", countNumber=5)],
            [image("A", ["v1"], 2)],
            "Kept by rule 3 (v*): among the newest 5.",
            id="within_count",
        ),
        pytest.param(
            [rule(3, tagStatus="untagged", **older("sinceImagePushed", 14))],
            [image("A", [], 2)],
            "Kept by rule 3 (untagged images): not older than 14 days (sinceImagePushed).",
            id="within_days",
        ),
        pytest.param([tagged(3, "v*")], [image("A", [], 2)], "Kept: no rule selects it.", id="no_rule"),
        pytest.param(
            [rule(3, tagStatus="untagged", **older("sinceImagePushed", 1))],
            [image("A", [], 2, referenced_by=("list",)), image("list", ["v1"], 2)],
            "Kept, although rule 3 (untagged images) selects it: a manifest list that stays names it.",
            id="referenced_by_manifest_list",
        ),
        pytest.param(
            [
                tagged(1, "v*", "*-ga", countNumber=99),
                tagged(2, "v1*", countNumber=99),
                tagged(3, "*-ga", **older("sinceImagePushed", 1)),
                rule(4, **older("sinceImagePushed", 1)),
            ],
            [image("A", ["v1-ga"], 2)],
            "Kept by rule 1 (v* and *-ga): among the newest 99. Shielded from rule 3, 4.",
            id="shielded",
        ),
    ],
)
def test_a_verdict_explains_itself(rules: list[dict[str, Any]], images: list[RepositoryImage], sentence: str) -> None:
    assert verdicts(rules, *images)["A"].explain() == sentence


def test_verdicts_come_in_the_order_of_the_images() -> None:
    images = [image("B", [], 1), image("A", [], 3), image("C", [], 2)]

    assert [verdict.image for verdict in policy_of(rule(1)).evaluate(images, NOW)] == images


@pytest.mark.parametrize(
    ("status", "storage_class"),
    [("ACTIVE", "STANDARD"), ("ARCHIVED", "ARCHIVE"), ("ACTIVATING", "ARCHIVE"), (None, "STANDARD")],
)
def test_an_image_is_archived_until_it_is_active_again(status: str | None, storage_class: str) -> None:
    detail = {"imageDigest": "sha256:1", "imagePushedAt": NOW} | ({"imageStatus": status} if status else {})

    assert RepositoryImage.from_response(detail).storage_class == storage_class


def test_an_image_has_the_fields_of_describe_images() -> None:
    detail = {
        "registryId": "123456789012",
        "imageDigest": "sha256:1",
        "imageTags": ["v1", "latest"],
        "imageSizeInBytes": 12_345,
        "imagePushedAt": days_ago(9),
        "imageManifestMediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactMediaType": "application/vnd.oci.image.config.v1+json",
        "lastRecordedPullTime": days_ago(3),
        "lastArchivedAt": days_ago(5),
        "lastActivatedAt": days_ago(4),
    }

    assert RepositoryImage.from_response(detail) == RepositoryImage(
        image_digest="sha256:1",
        image_tags=("v1", "latest"),
        image_pushed_at=days_ago(9),
        last_recorded_pull_time=days_ago(3),
        storage_class="STANDARD",
        last_archived_at=days_ago(5),
        last_activated_at=days_ago(4),
        image_size_in_bytes=12_345,
        image_manifest_media_type="application/vnd.oci.image.manifest.v1+json",
        artifact_media_type="application/vnd.oci.image.config.v1+json",
    )


# An evaluator straight from the wording of the guide, slow and plain, on the documents themselves.


def is_like(pattern: str, tag: str) -> bool:
    if not pattern:
        return not tag
    if pattern[0] == "*":
        return any(is_like(pattern[1:], tag[start:]) for start in range(len(tag) + 1))
    return bool(tag) and tag[0] == pattern[0] and is_like(pattern[1:], tag[1:])


def meets(selection: dict[str, Any], candidate: RepositoryImage) -> bool:
    """Whether the image meets the tagging requirements of the rule, in the storage class of the rule."""
    if candidate.storage_class != selection.get("storageClass", "standard").upper():
        return False
    if selection["tagStatus"] == "any":
        return True
    if selection["tagStatus"] == "untagged":
        return len(candidate.image_tags) == 0
    if "tagPrefixList" in selection:
        return all(any(tag.startswith(prefix) for tag in candidate.image_tags) for prefix in selection["tagPrefixList"])
    return all(any(is_like(pattern, tag) for tag in candidate.image_tags) for pattern in selection["tagPatternList"])


def marked_by(selection: dict[str, Any], images: Sequence[RepositoryImage]) -> set[str]:
    """Return the digests that a rule marks when it is alone."""
    candidates = [candidate for candidate in images if meets(selection, candidate)]
    number = selection["countNumber"]
    if selection["countType"] == "imageCountMoreThan":

        def pushed(candidate: RepositoryImage) -> tuple[datetime, str]:
            restored = candidate.last_activated_at
            return candidate.image_pushed_at if restored is None else restored, candidate.image_digest

        youngest_first = sorted(candidates, key=pushed)[::-1]
        return {candidate.image_digest for candidate in youngest_first[number:]}

    def clock(candidate: RepositoryImage) -> datetime | None:
        if selection["countType"] == "sinceImagePushed":
            return candidate.image_pushed_at
        if selection["countType"] == "sinceImageTransitioned":
            return candidate.last_archived_at
        pulled, restored = candidate.last_recorded_pull_time, candidate.last_activated_at
        if restored is not None and (pulled is None or pulled < restored):
            return restored
        return candidate.image_pushed_at if pulled is None else pulled

    return {
        candidate.image_digest
        for candidate in candidates
        if (since := clock(candidate)) is not None and NOW - since > timedelta(days=number)
    }


def taken_by_the_guide(rules: Sequence[dict[str, Any]], images: Sequence[RepositoryImage]) -> dict[str, int]:
    marked = {document["rulePriority"]: marked_by(document["selection"], images) for document in rules}
    result: dict[str, int] = {}
    decided: set[str] = set()
    for document in sorted(rules, key=lambda document: document["rulePriority"]):
        for candidate in images:
            if candidate.image_digest not in decided and meets(document["selection"], candidate):
                decided.add(candidate.image_digest)
                if candidate.image_digest in marked[document["rulePriority"]]:
                    result[candidate.image_digest] = document["rulePriority"]
    present = {candidate.image_digest for candidate in images if candidate.storage_class == "STANDARD"}
    while True:
        held = [
            candidate.image_digest
            for candidate in images
            if candidate.image_digest in result
            and any(reference in present and reference not in result for reference in candidate.referenced_by)
        ]
        if not held:
            return result
        for digest in held:
            del result[digest]


# Properties.

TAGS = st.text("ab1-", min_size=1, max_size=4)
PATTERNS = st.text("ab1-*", min_size=1, max_size=4)
DAYS_AGO = st.sampled_from([0, 0.5, 1, 1.5, 2, 3, 90, 91, 400]).map(days_ago)
NAMES = "ABCDEFGH"
IMAGES = st.lists(
    st.builds(
        RepositoryImage,
        image_digest=st.sampled_from(NAMES),
        image_tags=st.lists(TAGS, max_size=3).map(tuple),
        image_pushed_at=DAYS_AGO,
        last_recorded_pull_time=st.none() | DAYS_AGO,
        storage_class=st.sampled_from(["STANDARD", "STANDARD", "ARCHIVE"]),
        last_archived_at=st.none() | DAYS_AGO,
        last_activated_at=st.none() | DAYS_AGO,
        referenced_by=st.lists(st.sampled_from([*NAMES, "elsewhere"]), max_size=2).map(tuple),
    ),
    max_size=8,
    unique_by=lambda image: image.image_digest,
)
TAG_REQUIREMENTS = st.one_of(
    st.just({"tagStatus": "any"}),
    st.just({"tagStatus": "untagged"}),
    st.lists(PATTERNS, min_size=1, max_size=2).map(
        lambda patterns: {"tagStatus": "tagged", "tagPatternList": patterns}
    ),
    st.lists(TAGS, min_size=1, max_size=2).map(lambda prefixes: {"tagStatus": "tagged", "tagPrefixList": prefixes}),
)
COUNTS = st.one_of(
    st.fixed_dictionaries({"countType": st.just("imageCountMoreThan"), "countNumber": st.integers(1, 4)}),
    st.builds(older, st.sampled_from(["sinceImagePushed", "sinceImagePulled"]), st.integers(1, 3)),
    st.builds(older, st.just("sinceImageTransitioned"), st.just(90)).map(
        lambda selection: {**selection, "storageClass": "archive"}
    ),
)
RULES = st.lists(
    st.builds(
        lambda priority, action, tags, count: rule(priority, action, **{**count, **tags}),
        st.integers(1, 9),
        st.sampled_from([EXPIRE, ARCHIVE]),
        TAG_REQUIREMENTS,
        COUNTS.map(lambda count: {"tagStatus": "any", **count}),
    ),
    max_size=5,
    unique_by=lambda rule: rule["rulePriority"],
)


@given(rules=RULES, images=IMAGES)
def test_the_evaluator_agrees_with_the_wording_of_the_guide(
    rules: list[dict[str, Any]], images: list[RepositoryImage]
) -> None:
    assert taken(rules, *images) == taken_by_the_guide(rules, images)


@given(rules=RULES, images=IMAGES, random=st.randoms(use_true_random=False))
def test_the_order_of_images_and_rules_does_not_matter(
    rules: list[dict[str, Any]], images: list[RepositoryImage], random: Random
) -> None:
    shuffled = verdicts(random.sample(rules, len(rules)), *random.sample(images, len(images)))

    assert shuffled == verdicts(rules, *images)


@given(rules=RULES, images=IMAGES)
def test_the_first_rule_whose_tag_requirements_an_image_meets_decides_alone(
    rules: list[dict[str, Any]], images: list[RepositoryImage]
) -> None:
    for verdict in verdicts(rules, *images).values():
        met = [rule["rulePriority"] for rule in rules if meets(rule["selection"], verdict.image)]

        assert (None if verdict.rule is None else verdict.rule.priority) == min(met, default=None)


@given(rules=RULES, images=IMAGES)
def test_removing_a_rule_that_takes_nothing_only_ever_takes_more(
    rules: list[dict[str, Any]], images: list[RepositoryImage]
) -> None:
    before = taken(rules, *images)
    for idle in [document for document in rules if document["rulePriority"] not in before.values()]:
        after = taken([document for document in rules if document is not idle], *images)

        assert before.items() <= after.items()


@given(rules=RULES, images=IMAGES)
def test_an_image_is_taken_with_the_action_of_its_rule_or_kept_for_a_reason(
    rules: list[dict[str, Any]], images: list[RepositoryImage]
) -> None:
    for verdict in verdicts(rules, *images).values():
        is_reason_to_take = verdict.reason in (Reason.BEYOND_COUNT, Reason.OLDER_THAN_DAYS)

        assert verdict.is_taken is is_reason_to_take
        assert verdict.action == (verdict.rule.action if verdict.rule and is_reason_to_take else None)


@given(rules=RULES, images=IMAGES)
def test_a_rule_that_an_image_is_shielded_from_would_take_it_alone(
    rules: list[dict[str, Any]], images: list[RepositoryImage]
) -> None:
    without_lists = [replace(image, referenced_by=()) for image in images]
    by_priority = {rule["rulePriority"]: rule for rule in rules}
    for digest, verdict in verdicts(rules, *without_lists).items():
        assert not (verdict.is_taken and verdict.shielded_from)
        for priority in verdict.shielded_from:
            assert verdict.rule is not None
            assert priority > verdict.rule.priority
            assert taken([by_priority[priority]], *without_lists)[digest] == priority


@given(rules=RULES, images=IMAGES)
def test_archived_images_are_taken_by_archive_rules_only(
    rules: list[dict[str, Any]], images: list[RepositoryImage]
) -> None:
    for verdict in verdicts(rules, *images).values():
        if verdict.rule is not None:
            assert verdict.rule.storage_class == verdict.image.storage_class


@given(rules=RULES, images=IMAGES)
def test_a_manifest_list_that_stays_holds_its_children(
    rules: list[dict[str, Any]], images: list[RepositoryImage]
) -> None:
    result = verdicts(rules, *images)
    for verdict in result.values():
        if verdict.is_taken:
            lists = [result[digest] for digest in verdict.image.referenced_by if digest in result]
            assert all(of.is_taken or of.image.storage_class == "ARCHIVE" for of in lists)


def test_a_manifest_list_that_is_archived_holds_nothing_any_more() -> None:
    archived = image("list", ["v1"], 9, storage_class="ARCHIVE", last_archived_at=days_ago(2))
    child = image("child", [], 5, referenced_by=("list",))
    assert taken([rule(1, ARCHIVE, **older("sinceImagePushed", 1), tagStatus="any")], archived, child) == {"child": 1}


def test_a_list_holds_its_children_also_where_another_list_of_theirs_is_archived() -> None:
    archived = image("archived", ["v1"], 9, storage_class="ARCHIVE", last_archived_at=days_ago(2))
    kept = image("kept", ["v2"], 0)
    child = image("child", [], 5, referenced_by=("archived", "kept"))
    by_age = rule(1, **older("sinceImagePushed", 1), tagStatus="any")
    assert taken([by_age], archived, kept, child) == {}


@given(rules=RULES, images=IMAGES)
def test_every_verdict_is_a_sentence(rules: list[dict[str, Any]], images: list[RepositoryImage]) -> None:
    for verdict in verdicts(rules, *images).values():
        sentence = verdict.explain()

        assert sentence.startswith(("Expires under rule ", "Archived under rule ", "Kept"))
        assert sentence.endswith(".")
        assert sentence.startswith("Kept") is not verdict.is_taken


@given(pattern=PATTERNS, images=IMAGES)
def test_a_rule_matches_one_image_as_it_matches_many(pattern: str, images: list[RepositoryImage]) -> None:
    alone = policy_of(tagged(1, pattern)).rules[0]

    for verdict in verdicts([tagged(1, pattern), rule(2)], *images).values():
        if verdict.image.storage_class == "STANDARD":
            assert verdict.rule is not None
            assert alone.matches_tags(verdict.image.image_tags) is (verdict.rule.priority == 1)


@pytest.mark.parametrize("number", ["2.0", "2e0", "0.2e1"])
def test_a_whole_number_may_be_written_in_any_way(number: str) -> None:
    text = json.dumps({"rules": [rule(1, countNumber=2)]})
    policy = LifecyclePolicy.from_service(text.replace('"countNumber": 2', f'"countNumber": {number}'))
    (found,) = policy.rules
    assert (found.count_number, type(found.count_number)) == (2, int)
    images = [image(str(age), age=age) for age in range(3)]
    assert [verdict.is_taken for verdict in policy.evaluate(images, NOW)] == [False, False, True]


@pytest.mark.parametrize("number", [1.5, float("inf"), float("nan"), "10", None, True, -1])
def test_a_number_that_counts_nothing_is_refused_and_not_guessed(number: object) -> None:
    for count_type in ("imageCountMoreThan", "sinceImagePushed"):
        document = rule(1)
        document["selection"].update(countNumber=number, countType=count_type)
        with pytest.raises(ValueError, match=r"Rule 1 has the countNumber .*, which cannot be evaluated here"):
            policy_of(document).evaluate([image("a")], NOW)
