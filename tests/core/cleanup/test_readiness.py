"""A readiness report says of every repository what blocks, and fits into its bound."""

from __future__ import annotations

import json
from typing import Any, cast, get_args

import pytest

from airflow_provider_ecr_preview.core.cleanup.answers import WITH_A_LIST, Verdict
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult
from airflow_provider_ecr_preview.core.cleanup.readiness import (
    MAX_READINESS_BYTES,
    ReadAttempt,
    RepositoryReadiness,
    change_permissions,
    nothing_previewed,
    read_permissions,
    readiness_xcom,
    rows_of,
    without_a_preview,
)
from airflow_provider_ecr_preview.core.preview.stored import check_summary
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.display.readiness import MAX_ROWS, readiness_table
from airflow_provider_ecr_preview.display.text import render
from tests.support.builders import NOW


def check(code: str, verdict: Verdict, remedy: str | None = None) -> CheckResult:
    return CheckResult(code, verdict, f"{code} says {verdict}.", remedy=remedy)


def ready(name: str, *checks: CheckResult) -> RepositoryReadiness:
    return RepositoryReadiness(RepositoryId("123456789012", "eu-west-1", name), checks, cast("Any", None))


def report(*readiness: RepositoryReadiness, run: tuple[CheckResult, ...] = ()) -> tuple[Any, Any]:
    rows = rows_of(readiness, run)
    return readiness_xcom(readiness, rows, action="delete", checked_at=NOW), rows


@pytest.mark.parametrize(
    ("code", "verdict", "is_previewed", "expected"),
    [
        ("preview_unchanged", "passed", True, "not_checked"),
        ("preview_unchanged", "unknown", True, "unknown"),
        ("preview_unchanged", "off", True, "off"),
        ("tags_unchanged", "passed", True, "passed"),
        ("tags_unchanged", "passed", False, "not_checked"),
        ("preview_age", "passed", False, "not_checked"),
        ("in_use", "spared", False, "spared"),
    ],
)
def test_what_needs_a_preview_is_not_checked(code: str, verdict: Verdict, expected: str, *, is_previewed: bool) -> None:
    (answered,) = without_a_preview([check(code, verdict)], is_previewed=is_previewed)
    assert answered.verdict == expected


def test_what_needs_a_fresh_preview_is_not_checked_except_the_tags() -> None:
    checks = [check("image_age", "unknown", WITH_A_LIST), check("tags_unchanged", "unknown", WITH_A_LIST)]
    assert [check.verdict for check in without_a_preview(checks, is_previewed=True)] == ["not_checked", "unknown"]


def test_calls_that_fail_are_named_with_what_makes_them_work() -> None:
    works = ReadAttempt("ecr:DescribeImages")
    assert read_permissions([works]).verdict == "passed"
    denied = [ReadAttempt("ecr:A", "no.", "Allow ecr:A."), ReadAttempt("ecr:B", "no, too."), works]
    answer = read_permissions(denied)
    assert (answer.verdict, answer.message, answer.remedy) == ("unknown", "ecr:A: no. ecr:B: no, too.", "Allow ecr:A.")
    assert read_permissions([ReadAttempt("ecr:B", "no.")]).remedy is None
    assert "ecr:BatchDeleteImage" in change_permissions(["ecr:BatchDeleteImage"]).message


def test_what_stands_for_a_missing_preview_is_a_summary() -> None:
    value = nothing_previewed(RepositoryId("123456789012", "eu-west-1", "a"), NOW)
    assert check_summary(value) is value


def test_rows_that_block_come_first_and_are_counted() -> None:
    value, rows = report(
        ready("a", check("in_use", "passed"), check("max_images", "blocked")),
        ready("b", check("in_use", "unknown"), check("max_images", "off")),
        ready("c", check("in_use", "spared"), check("max_images", "not_checked")),
        run=(check("run_max_images", "passed"),),
    )
    assert [row["verdict"] for row in rows] == [
        "blocked",
        "unknown",
        "not_checked",
        "spared",
        "passed",
        "passed",
        "off",
    ]
    assert (value["repository_count"], value["ready_repository_count"]) == (3, 1)
    assert value["verdicts"]["in_use"] == {"passed": 1, "unknown": 1, "spared": 1}
    assert value["rows"] == rows
    assert rows[-3]["repository_name"] is None


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_every_verdict_has_its_place(verdict: Verdict) -> None:
    value, _ = report(ready("a", check("in_use", verdict)))
    assert value["ready_repository_count"] == (verdict not in ("blocked", "unknown"))


def test_a_report_of_many_repositories_fits() -> None:
    long = CheckResult("in_use", "unknown", "x" * 5000, remedy="y" * 5000)
    value, rows = report(*(ready(f"team/{number}", long, check("images_left", "passed")) for number in range(500)))
    assert len(json.dumps(value)) <= MAX_READINESS_BYTES
    assert len(value["rows"]) + value["rows_left_out"] == len(rows) == 1000
    assert value["rows"][0]["message"].endswith("…")


def test_what_one_remedy_lifts_is_one_row_of_the_table() -> None:
    names = [f"team/{number}" for number in range(5)]
    denied = [
        check(code, "unknown", "Allow it.") for code in ("read_permissions", "image_age", "max_bytes", "max_share")
    ]
    value, rows = report(
        *(ready(name, *denied, check("in_use", "passed")) for name in names), run=(check("x", "blocked"),)
    )
    text = " ".join(render(readiness_table(value, rows), width=160).split())
    assert "0 of 5 repositories ready; 5 checks passed. Nothing was started, and nothing was changed." in text
    assert text.count("UNKNOWN") == 1
    for shown in ("team/0, team/1, team/2", "and 2 more", "read_permissions,", "-> Allow it.", "the whole run"):
        assert shown in text
    assert "in_use" not in text


def test_a_table_has_an_end_and_may_be_empty() -> None:
    value, rows = report(*(ready(f"team/{n}", check("in_use", "blocked", f"Do {n}.")) for n in range(MAX_ROWS + 7)))
    assert "and 7 more rows." in render(readiness_table(value, rows), width=160)
    value, rows = report(ready("a", check("in_use", "passed")))
    assert "\n" not in render(readiness_table(value, rows))
