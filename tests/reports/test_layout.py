from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.reports.columns import COLUMNS, audit_row
from airflow_provider_ecr_preview.reports.layout import (
    audit_date_of,
    image_list_path,
    kept_list_uri,
    partition,
    report_day,
    repository_folder,
    repository_of,
    site_of,
)
from tests.core.audit.test_summary import audited, failed
from tests.support.builders import NOW


def test_a_partition_names_registry_region_and_day() -> None:
    day = date(2026, 1, 5)
    assert partition("123456789012", "eu-west-1", day) == (
        "registry_id=123456789012/region_name=eu-west-1/audit_date=2026-01-05"
    )
    assert partition(None, "eu-west-1", day).startswith("registry_id=__HIVE_DEFAULT_PARTITION__/")


def test_the_images_that_stay_are_a_table_of_their_own() -> None:
    path = image_list_path("123456789012", "eu-west-1", date(2026, 1, 5), "audit", "team/images/api")
    kept = kept_list_uri(f"s3://aws@reports/images/ecr/{path}")
    assert kept == f"s3://aws@reports/images/ecr/kept_{path}"
    assert site_of(kept) == ("123456789012", "eu-west-1")


def test_beside_one_list_of_affected_images_is_one_of_those_that_stay() -> None:
    assert kept_list_uri("file:///reports/images/api.jsonl.gz") == "file:///reports/images/api.kept.jsonl.gz"
    assert kept_list_uri("file:///reports/api") == "file:///reports/api.kept.jsonl.gz"


@given(st.text(min_size=1, max_size=300))
def test_any_name_is_one_folder_of_its_own(name: str) -> None:
    folder = repository_folder(name)
    assert "/" not in folder
    assert len(folder) <= 255
    assert folder.removeprefix("repository_name=").strip(".")
    assert repository_of(folder) in (name, None)


@given(st.text(min_size=200, max_size=400), st.text(min_size=200, max_size=400))
def test_names_that_are_cut_stay_different(one: str, other: str) -> None:
    assert (repository_folder(one) == repository_folder(other)) == (one == other)


@pytest.mark.parametrize(
    ("folder", "day"),
    [
        ("audit_date=2026-01-05", date(2026, 1, 5)),
        ("audit_date=2026-02-30", None),
        ("audit_date=yesterday", None),
        ("2026-01-05", None),
    ],
)
def test_the_day_of_a_folder_is_read_back_or_not_there(folder: str, day: date | None) -> None:
    assert audit_date_of(folder) == day


def test_a_row_has_every_column_and_what_is_not_known_is_none() -> None:
    row = audit_row(failed("a", "Error", "two\nlines"), audit_id="1", audit_name="weekly", audited_at=NOW)
    assert list(row) == [column.name for column in COLUMNS]
    assert (row["message"], row["expiring_image_count"], row["images_uri"]) == ("two lines", None, None)


def test_a_row_of_a_previewed_repository_has_its_counts() -> None:
    outcome = audited("a", expiring=2, findings=["dead_rule", "costs"])
    row = audit_row(outcome, audit_id="1", audit_name="weekly", audited_at=NOW)
    assert (row["expiring_image_count"], row["warning_finding_count"], row["message"]) == (2, 1, None)
    assert row["finding_codes"] == "costs dead_rule"
    assert row["previewed_at"] == NOW
    nothing = audit_row(audited("b", expiring=0), audit_id="1", audit_name="weekly", audited_at=NOW)
    assert (nothing["finding_codes"], nothing["oldest_pushed_at"]) == (None, None)


@pytest.mark.parametrize("registry_id", ["123456789012", None])
@pytest.mark.parametrize("region_name", ["us-east-1", None])
def test_the_registry_and_region_of_a_file_are_read_back(registry_id: str | None, region_name: str | None) -> None:
    path = image_list_path(registry_id, region_name, date(2026, 1, 5), "weekly", "team/a")
    assert site_of(f"s3://reports/{path}") == (registry_id, region_name)
    assert path.startswith(f"images/{partition(registry_id, region_name, date(2026, 1, 5))}/audit=weekly/")


def test_a_file_in_no_partition_is_of_no_registry() -> None:
    assert site_of("s3://reports/audits/audit_date=2026-01-05/weekly.md") == (None, None)


slugs = st.from_regex(r"[a-z0-9._-]{1,9}-[0-9a-f]{8}", fullmatch=True)
days = st.dates(date(2001, 1, 1), date(2100, 1, 1))


@given(day=days, name=st.text(min_size=1, max_size=300), audit=slugs, ending=st.sampled_from(["csv", "parquet"]))
def test_the_day_of_every_file_that_an_audit_writes_is_read_back(day: date, name: str, audit: str, ending: str) -> None:
    images = image_list_path("123456789012", None, day, audit, name)
    folder = partition(None, "eu-west-1", day)
    paths = [
        images,
        kept_list_uri(f"/{images}")[1:],
        f"repositories/{ending}/{folder}/{audit}.{ending}",
        f"audits/audit_date={day}/{audit}.md",
        f"audits/audit_date={day}/.{'0f' * 16}.part",
    ]
    assert [report_day(path) for path in paths] == [day] * 5
    assert [report_day(f"audits/{path}") for path in paths] == [None] * 5
    assert [report_day(f"{path}/{path}") for path in paths] == [None] * 5


def test_a_name_that_no_repository_folder_has_is_no_report() -> None:
    folder = f"images/{partition(None, None, date(2001, 1, 1))}/audit=a-0123abcd"
    for name in ("repository_name=a b", "repository_name=a~b", "repository_name=", "repository_name=.", "name=a"):
        assert report_day(f"{folder}/{name}/images.jsonl.gz") is None


def test_a_list_in_a_folder_for_reports_that_lies_in_a_partition_is_told_by_its_own_partition() -> None:
    path = image_list_path("123456789012", "eu-west-1", date(2026, 1, 5), "audit", "team/api")
    root = f"s3://reports/{image_list_path('210987654321', 'us-east-1', date(2001, 1, 1), 'other', 'a')}"
    assert kept_list_uri(f"{root}/{path}") == f"{root}/kept_{path}"
    assert site_of(f"{root}/{path}") == ("123456789012", "eu-west-1")
