"""What was pushed is read back as a preview, or refused with what to give instead."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.preview.result import bounded, summary_xcom
from airflow_provider_ecr_preview.core.preview.stored import (
    PreviewList,
    Unread,
    check_summary,
    earlier_summaries_of,
    preview_time,
    summaries_of,
)
from airflow_provider_ecr_preview.core.values import json_size
from airflow_provider_ecr_preview.core.xcom.audit import AUDIT_SCHEMA
from airflow_provider_ecr_preview.core.xcom.preview import MAX_SUMMARY_BYTES
from tests.support.builders import NOW, preview_xcom, previewed, summary
from tests.support.policies import policy, rule


class TestPreviewList:
    def test_a_sample_stands_for_the_images_where_it_holds_all_of_them(self) -> None:
        preview = PreviewList.of_summary(preview_xcom("a", previewed(1)))
        assert isinstance(preview, PreviewList)
        assert preview.images is not None
        assert next(iter(preview.images.values())).image_tags == ("v1",)

    def test_without_all_images_the_fingerprint_alone_is_known(self) -> None:
        preview = PreviewList.of_summary(preview_xcom("a", *map(previewed, range(20))))
        assert isinstance(preview, PreviewList)
        assert preview.images is None

    def test_a_list_of_other_images_is_unread(self) -> None:
        unread = PreviewList.of_summary(preview_xcom("a", previewed(1)), [previewed(2)])
        assert isinstance(unread, Unread)
        assert unread.remedy

    def test_an_image_whose_tags_may_have_been_cut_is_not_known(self) -> None:
        many = previewed(1, image_tags=tuple(f"v{number}" for number in range(50)), image_pushed_at=None)
        preview = PreviewList.of_summary(preview_xcom("a", many))
        assert isinstance(preview, PreviewList)
        assert preview.images is None

    def test_an_image_without_a_time_of_its_push_is_read(self) -> None:
        preview = PreviewList.of_summary(preview_xcom("a", previewed(1, image_pushed_at=None)))
        assert isinstance(preview, PreviewList)
        assert preview.images is not None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (7, "int"),
        ({"schema": "other/1"}, "other/1"),
        (preview_xcom(status="FAILED"), "FAILED"),
        (preview_xcom(findings=None), "findings"),
    ],
)
def test_what_is_no_whole_summary_is_refused(value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_summary(value)


FINDING = {"code": "x", "severity": "info", "message": "", "image_digests": []}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("registry_id", wrong) for wrong in (123456789012, "", " 123456789012", "12345678901", ["123456789012"])),
        *(("region_name", wrong) for wrong in ("", " eu-west-1", ["eu-west-1"])),
        *(("repository_name", wrong) for wrong in ("", "a ", 7)),
        *(("expiring_image_count", wrong) for wrong in ("10", -1, 1.0, True)),
        ("archiving_image_count", "0"),
        *(("findings", wrong) for wrong in ("abc", {"a": 1}, [{"code": "x"}], [None])),
        *(("findings", [{**FINDING, **wrong}]) for wrong in ({"severity": 1}, {"code": None}, {"image_digests": "x"})),
        ("findings", [{**FINDING, "image_digests": [3]}]),
        *(("sample", wrong) for wrong in ("abc", [{"image_digest": "x"}], [3])),
        ("policy_fingerprint", 5),
        ("images_fingerprint", 5),
        ("images_uri", 5),
        ("images_uri", ["file:///x"]),
    ],
)
def test_a_value_of_another_type_is_refused_before_anything_relies_on_it(key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"not a valid value: {key}\. Preview again"):
        check_summary({**preview_xcom(), key: value})


def test_a_sample_without_time_zones_is_refused() -> None:
    summary = preview_xcom("a", previewed(1))
    summary["sample"][0]["image_pushed_at"] = "2026-01-01T00:00:00"
    with pytest.raises(ValueError, match="not a valid value: sample"):
        check_summary(summary)


@pytest.mark.parametrize(("time", "is_known"), [(NOW.isoformat(), True), ("2026-11-23T12:00", False), (None, False)])
def test_the_time_of_a_preview_needs_a_time_zone(time: Any, is_known: bool) -> None:
    assert isinstance(preview_time(preview_xcom(previewed_at=time)), Unread) is not is_known


class TestSummariesOf:
    @pytest.mark.parametrize(
        "wrap",
        [
            lambda summary: summary,
            lambda summary: [summary],
            json.dumps,
            lambda summary: {"schema": AUDIT_SCHEMA, "summaries": [summary]},
            lambda summary: [{"schema": AUDIT_SCHEMA, "summaries": [summary]}],
        ],
        ids=["one", "list", "json", "audit", "audits"],
    )
    def test_every_form_is_read(self, wrap: Any) -> None:
        assert summaries_of(wrap(preview_xcom())) == [preview_xcom()]

    def test_a_repository_that_is_named_twice_is_refused_but_for_earlier_previews(self) -> None:
        with pytest.raises(ValueError, match=r"payments/api \(123456789012, eu-west-1\)"):
            summaries_of([preview_xcom(), preview_xcom()])
        assert len(earlier_summaries_of([preview_xcom(), preview_xcom()])) == 2

    @pytest.mark.parametrize("value", [7, "text", [7], {"schema": AUDIT_SCHEMA, "summaries": None}])
    def test_anything_else_is_refused_with_the_name_of_the_parameter(self, value: Any) -> None:
        with pytest.raises(ValueError, match=r"^previous_summaries"):
            earlier_summaries_of(value)


@given(
    st.integers(1, 60),
    st.text(min_size=1, max_size=256, alphabet=st.characters(max_codepoint=0x2FFF)),
    st.sampled_from(["r", "r" * 256, "\u4e00" * 256]),
)
def test_whatever_a_policy_holds_its_summary_fits(rule_count: int, description: str, name: str) -> None:
    rules = [rule(priority, description=description) for priority in range(1, rule_count + 1)]
    images = [previewed(number, applied_rule_priority=number) for number in range(1, rule_count + 1)]
    value = summary_xcom(summary(*images, of=policy(*rules), repository_name=name), images_uri=f"s3://{name}")
    assert json_size(value) <= MAX_SUMMARY_BYTES
    assert value["expiring_image_count"] == rule_count


def test_the_rules_that_take_the_fewest_images_go_first() -> None:
    rules = [rule(priority) for priority in range(1, 61)]
    images = [previewed(number, applied_rule_priority=60) for number in range(3)]
    value: Any = summary_xcom(summary(*images, of=policy(*rules)))
    longer = bounded({**value, "images_uri": "u" * 7000})
    assert json_size(longer) <= MAX_SUMMARY_BYTES
    assert longer["rules"][-1]["image_count"] == 3
    assert all(kept["bytes_upper_bound"] is None for kept in longer["rules"])
