from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.preview.finding import Finding
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.result import marker, summary_xcom, with_policy_text
from airflow_provider_ecr_preview.core.preview.summary import PreviewSummary
from airflow_provider_ecr_preview.core.xcom.preview import MAX_SUMMARY_BYTES, PreviewSummaryXCom
from tests.support.builders import NOW, archiving, digest, previewed, stored, summary
from tests.support.policies import policy, rule

SIZES = st.none() | st.integers(0, 10**12)
TIMES = st.none() | st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is the strategy's
IMAGES = st.lists(
    st.builds(
        lambda number, tags, pushed_at, expires, priority, size: replace(
            previewed(number) if expires else archiving(number),
            image_tags=tuple(tags),
            image_pushed_at=pushed_at,
            applied_rule_priority=priority,
            image_size_in_bytes=size,
        ),
        st.integers(0, 10**6),
        st.lists(st.sampled_from(["latest", "v1", "v2"]), unique=True),
        TIMES,
        st.booleans(),
        st.integers(1, 4),
        SIZES,
    ),
    unique_by=lambda image: image.image_digest,
    max_size=40,
)
INVENTORY = RepositoryInventory()


def as_xcom(whole: PreviewSummary) -> PreviewSummaryXCom:
    return summary_xcom(whole, inventory=INVENTORY)


class TestImages:
    def test_an_image_has_the_fields_of_the_response(self) -> None:
        result = {
            "imageDigest": digest(1),
            "imageTags": ["v1", "latest"],
            "imagePushedAt": NOW,
            "action": {"type": "TRANSITION", "targetStorageClass": "ARCHIVE"},
            "appliedRulePriority": 7,
            "storageClass": "STANDARD",
        }
        assert PreviewedImage.from_response(result) == archiving(
            1, image_tags=("v1", "latest"), image_pushed_at=NOW, applied_rule_priority=7
        )

    def test_an_untagged_image_has_no_tags(self) -> None:
        result = {"imageDigest": digest(1), "action": {"type": "EXPIRE"}, "appliedRulePriority": 1}
        image = PreviewedImage.from_response(result)
        assert (image.image_tags, image.image_pushed_at, image.target_storage_class) == ((), None, None)

    @pytest.mark.parametrize("missing", ["imageDigest", "action", "appliedRulePriority"])
    def test_an_entry_that_lacks_what_decides_is_refused(self, missing: str) -> None:
        result: dict[str, Any] = {
            "imageDigest": digest(1),
            "action": {"type": "EXPIRE"},
            "appliedRulePriority": 1,
        }
        del result[missing]
        with pytest.raises(KeyError, match=missing):
            PreviewedImage.from_response(result)

    def test_an_image_that_describe_images_lists_gets_its_size_and_pull(self) -> None:
        inventory = RepositoryInventory()
        inventory.add(stored(1, image_size_in_bytes=5, last_recorded_pull_time=NOW, artifact_media_type="a/b"))
        image = previewed(1).enriched(inventory)
        assert (image.image_size_in_bytes, image.last_recorded_pull_time) == (5, NOW)
        assert image.artifact_media_type == "a/b"

    def test_an_image_that_describe_images_does_not_list_stays_as_it_is(self) -> None:
        image = previewed(1)
        assert image.enriched(RepositoryInventory()) is image

    @given(IMAGES)
    def test_an_image_comes_back_from_json(self, images: list[PreviewedImage]) -> None:
        for image in images:
            assert PreviewedImage.from_dict(json.loads(json.dumps(image.as_dict()))) == image


class TestSums:
    def test_an_image_that_is_listed_twice_is_refused(self) -> None:
        with pytest.raises(ValueError, match=f"{digest(1)} twice"):
            summary(previewed(1), previewed(1))

    @given(IMAGES)
    def test_the_counts_are_those_of_the_images(self, images: list[PreviewedImage]) -> None:
        whole = summary(*images)
        assert whole.image_count == len(images)
        assert whole.expiring_image_count == sum(image.action == "EXPIRE" for image in images)
        assert whole.archiving_image_count == sum(image.action == "TRANSITION" for image in images)
        assert whole.tagged_image_count == sum(bool(image.image_tags) for image in images)
        times = [image.image_pushed_at for image in images if image.image_pushed_at]
        assert (whole.oldest_pushed_at, whole.newest_pushed_at) == (min(times, default=None), max(times, default=None))

    @given(IMAGES)
    def test_bytes_are_the_sum_of_the_expiring_images_or_not_known(self, images: list[PreviewedImage]) -> None:
        sizes = [image.image_size_in_bytes for image in images if image.action == "EXPIRE"]
        known = [size for size in sizes if size is not None]
        assert summary(*images).expiring_bytes_upper_bound == (sum(known) if len(known) == len(sizes) else None)

    def test_the_images_fingerprint_is_a_digest_of_sorted_lines(self) -> None:
        lines = f"{digest(1)} EXPIRE\n{digest(2)} TRANSITION\n"
        assert summary(archiving(2), previewed(1)).images_fingerprint == hashlib.sha256(lines.encode()).hexdigest()

    def test_the_images_fingerprint_differs_between_expiring_and_archiving(self) -> None:
        assert summary(previewed(1)).images_fingerprint != summary(archiving(1)).images_fingerprint

    def test_the_sample_holds_the_most_recently_pushed(self) -> None:
        whole = summary(*(previewed(number) for number in (5, 30, 1, 12, 2, 9, 8, 7, 6, 3, 4, 20, 10)))
        assert [image.image_digest for image in whole.sample] == [digest(number) for number in range(1, 11)]

    def test_an_image_of_unknown_push_time_is_in_the_sample_only_when_there_is_room(self) -> None:
        unknown = previewed(99, image_pushed_at=None)
        assert summary(previewed(1), unknown).sample[-1] == unknown
        assert unknown not in summary(unknown, *(previewed(number) for number in range(10))).sample

    def test_an_image_is_asked_for_by_its_digest(self) -> None:
        whole = summary(previewed(1), archiving(2))
        assert digest(1) in whole
        assert digest(3) not in whole
        assert 1 not in whole
        assert [whole.action_of(digest(number)) for number in (1, 2, 3)] == ["EXPIRE", "TRANSITION", None]

    def test_a_digest_of_another_algorithm_is_kept_as_it_is(self) -> None:
        name = "sha512:" + "a" * 128
        assert name in summary(previewed(1, image_digest=name))

    def test_rules_that_take_nothing_are_listed_too(self) -> None:
        whole = summary(previewed(1, applied_rule_priority=2), of=policy(rule(1, description="first"), rule(2)))
        assert [(rule["priority"], rule["description"], rule["image_count"]) for rule in whole.rules()] == [
            (1, "first", 0),
            (2, None, 1),
        ]

    def test_a_rule_that_the_policy_does_not_have_is_listed_without_description(self) -> None:
        [_, unknown] = summary(previewed(1, applied_rule_priority=9)).rules()
        assert (unknown["priority"], unknown["description"], unknown["image_count"]) == (9, None, 1)


class TestMerge:
    @given(IMAGES, st.randoms(use_true_random=False), st.integers(1, 5))
    def test_any_split_of_a_preview_sums_to_the_same(
        self, images: list[PreviewedImage], random: Any, parts: int
    ) -> None:
        whole = as_xcom(summary(*images))
        shuffled = random.sample(images, len(images))
        halves = [summary(*shuffled[start::parts]) for start in range(parts)]
        random.shuffle(halves)
        merged = halves[0]
        for half in halves[1:]:
            merged.merge(half)
        assert as_xcom(merged) == whole

    def test_the_merged_preview_was_read_when_its_first_part_was(self) -> None:
        merged = summary(previewed(1))
        merged.merge(summary(previewed(2), previewed_at=NOW - timedelta(hours=1)))
        assert merged.previewed_at == NOW - timedelta(hours=1)

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param({"repository_name": "payments/web"}, id="repository"),
            pytest.param({"registry_id": "210987654321"}, id="registry"),
            pytest.param({"region_name": "us-east-1"}, id="Region"),
            pytest.param({"of": policy(rule(2))}, id="policy"),
        ],
    )
    def test_previews_of_different_things_are_not_merged(self, other: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="Cannot merge previews of"):
            summary().merge(summary(**other))

    def test_parts_that_share_an_image_are_not_merged(self) -> None:
        with pytest.raises(ValueError, match="same image"):
            summary(previewed(1)).merge(summary(previewed(1)))


class TestXCom:
    def test_what_was_not_read_is_null(self) -> None:
        value = summary_xcom(summary(previewed(1, image_size_in_bytes=5)))
        assert value["total_image_count"] is None
        assert value["expiring_bytes_upper_bound"] is None
        assert [rule["bytes_upper_bound"] for rule in value["rules"]] == [None]

    def test_times_are_in_utc(self) -> None:
        zone = timezone(timedelta(hours=2))
        value = summary_xcom(
            summary(previewed(0, image_pushed_at=NOW.astimezone(zone)), previewed_at=NOW.astimezone(zone))
        )
        assert value["previewed_at"] == value["newest_pushed_at"] == "2026-11-23T12:00:00+00:00"

    def test_the_whole_is_plain_json(self) -> None:
        finding = Finding("dead_rule", "warning", "Nothing.", tuple(digest(number) for number in range(20)))
        value = summary_xcom(summary(previewed(1)), findings=[finding], images_uri="s3://bucket/images.jsonl.gz")
        assert json.loads(json.dumps(value)) == value
        assert value["findings"][0]["image_digests"] == [digest(number) for number in range(10)]
        assert value["images_uri"] == "s3://bucket/images.jsonl.gz"

    def test_the_text_of_the_policy_is_there_if_it_is_known_and_fits(self) -> None:
        value = as_xcom(summary(previewed(1)))
        assert with_policy_text(value, "{}") == {**value, "lifecycle_policy_text": "{}"}
        assert with_policy_text(value, None) == value
        assert with_policy_text(value, "x" * MAX_SUMMARY_BYTES) == value

    def test_the_marker_has_the_counts(self) -> None:
        value = summary_xcom(summary(previewed(1)), findings=[Finding("dead_rule", "warning", "Nothing.")])
        counts = marker(value)["counts"]
        assert (counts["repository_name"], counts["expiring_image_count"], counts["finding_count"]) == (
            "payments/api",
            1,
            1,
        )

    @given(
        st.integers(0, 50),
        st.integers(0, 300),
        st.integers(0, 12),
        st.integers(1, 300),
        st.integers(0, 2_000),
    )
    def test_a_summary_fits_whatever_the_policy_and_the_tags(
        self, rules: int, images: int, findings: int, tag_length: int, message_length: int
    ) -> None:
        many = policy(*(rule(number + 1, description="ä" * 250) for number in range(rules)))
        tags = tuple(f"{number}" + "t" * tag_length for number in range(8))
        whole = summary(*(previewed(number, image_tags=tags) for number in range(images)), of=many)
        value = summary_xcom(
            whole,
            inventory=INVENTORY,
            findings=[
                Finding("code", "info", "ö" * message_length, tuple(digest(number) for number in range(10)))
                for _ in range(findings)
            ],
            images_uri="s3://bucket/" + "k" * 900,
        )
        assert len(json.dumps(value)) <= MAX_SUMMARY_BYTES
        assert (value["expiring_image_count"], len(value["findings"])) == (images, findings)
