"""What an audit writes, read back as its readers do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom
from airflow_provider_ecr_preview.local import LocalEcr, PreviewFails
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_merge import EcrMergeLifecycleAuditsOperator
from airflow_provider_ecr_preview.reports import audit as audit_reports
from airflow_provider_ecr_preview.reports import dataset as audit_table_files
from airflow_provider_ecr_preview.reports.layout import kept_list_uri
from airflow_provider_ecr_preview.reports.lists import read_image_list, read_lines
from airflow_provider_ecr_preview.reports.storage import files_under
from tests.support.contexts import audit_context
from tests.support.policies import keep

NAMES = [f"team/service-{number}" for number in range(6)]
BEGAN = datetime(2026, 1, 5, 6, tzinfo=UTC)
WEEK = timedelta(days=7)


def audit(reports: str, began: datetime = BEGAN, map_index: int = -1, **kwargs: Any) -> AuditXCom:
    task = EcrAuditLifecyclePoliciesOperator(
        **{
            "task_id": "audit",
            "repository_names": NAMES,
            "reports_path": reports,
            "audit_id": f"weekly {began:%Y-%m-%d}",
            "audit_name": "weekly",
            "fail_on": "none",
            **kwargs,
        }
    )
    return task.execute(audit_context(began, map_index=map_index))


@pytest.fixture
def registry(local_ecr: LocalEcr) -> LocalEcr:
    for number, name in enumerate(NAMES):
        local_ecr.create_repository(name, policy=keep(2) if number else None)
        local_ecr.push_many(name, 3 + number)
    local_ecr.inject(PreviewFails(), repository=NAMES[1], calls=None)
    return local_ecr


@pytest.fixture
def bucket(local_ecr: LocalEcr) -> str:
    local_ecr.client("s3").create_bucket(Bucket="reports")
    return "s3://aws_default@reports/ecr"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return f"file://{tmp_path}/reports"


def names_under(path: Path) -> set[str]:
    return {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}


def totals(reader: str) -> tuple[Any, ...]:
    sums = (
        "count(*)",
        "sum(expiring_image_count)",
        "sum(archiving_image_count)",
        "sum(total_image_count)",
        "sum(expiring_bytes_upper_bound)",
        "count(*) filter (status = 'failed')",
        "count(*) filter (status = 'without_policy')",
        "sum(preview_call_count)",
        "sum(info_finding_count + warning_finding_count + critical_finding_count)",
    )
    [row] = duckdb.sql(f"select {', '.join(sums)} from {reader}").fetchall()
    return tuple(int(value) for value in row)


@pytest.mark.parametrize("extension", ["csv", "parquet"])
def test_the_tables_read_as_one_give_the_totals_of_the_xcom(
    registry: LocalEcr, folder: str, tmp_path: Path, extension: str
) -> None:
    value = audit(folder)
    reader = f"read_{extension}('{tmp_path}/reports/repositories/{extension}/**/*.{extension}', hive_partitioning=true)"
    assert totals(reader) == (
        value["repository_count"],
        value["expiring_image_count"],
        value["archiving_image_count"],
        value["total_image_count_known"],
        value["expiring_bytes_upper_bound_known"],
        value["failed_count"],
        value["without_policy_count"],
        value["preview_call_count"],
        value["info_finding_count"] + value["warning_finding_count"] + value["critical_finding_count"],
    )
    assert (value["failed_count"], value["without_policy_count"], value["expiring_image_count"]) == (1, 1, 18)
    partitions = duckdb.sql(f"select distinct registry_id, region_name, audit_date from {reader}").fetchall()
    assert [tuple(map(str, partition)) for partition in partitions] == [("123456789012", "us-east-1", "2026-01-05")]


def test_both_tables_have_the_same_rows(registry: LocalEcr, folder: str, tmp_path: Path) -> None:
    audit(folder)
    columns = "repository_name, status, error, audited_at, images_fingerprint, expiring_image_count, images_uri"
    rows = [
        duckdb.sql(f"select {columns} from '{tmp_path}/reports/repositories/{end}/**/*.{end}' order by 1").fetchall()
        for end in ("csv", "parquet")
    ]
    assert [row[:3] for row in rows[0]] == [row[:3] for row in rows[1]]
    assert [row[4:] for row in rows[0]] == [row[4:] for row in rows[1]]
    assert rows[0][1][:3] == (NAMES[1], "failed", "PreviewFailedError")


def test_without_pyarrow_there_is_a_csv_alone(
    registry: LocalEcr, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_table_files, "find_spec", lambda name: None)
    [uri] = audit(folder)["table_uris"]
    assert uri.endswith(".csv")
    assert not (tmp_path / "reports/repositories/parquet").exists()


def test_every_repository_has_the_list_of_its_images(registry: LocalEcr, folder: str) -> None:
    value = audit(folder)
    for summary in value["summaries"] or ():
        assert summary["images_uri"] is not None
        images = list(read_image_list(summary["images_uri"]))
        assert len(images) == summary["expiring_image_count"]
    assert len(value["summaries"] or ()) == 4


def test_every_image_of_a_repository_is_in_one_of_its_two_lists(registry: LocalEcr, folder: str) -> None:
    value = audit(folder)
    for summary in value["summaries"] or ():
        uri = summary["images_uri"] or ""
        kept = list(read_lines(kept_list_uri(uri)))
        assert summary["expiring_image_count"] + len(kept) == summary["total_image_count"]
        assert {image["reason"] for image in kept} <= {"within_count", "within_days", "no_rule"}
        assert not {image["image_digest"] for image in kept} & {image.image_digest for image in read_image_list(uri)}


@pytest.mark.parametrize("kwargs", [{"write_kept_images": False}, {"enrich": False}])
def test_images_that_stay_can_be_left_out_and_those_of_an_earlier_attempt_go(
    registry: LocalEcr, folder: str, tmp_path: Path, kwargs: dict[str, Any]
) -> None:
    audit(folder)
    assert (tmp_path / "reports/kept_images").exists()
    audit(folder, **kwargs)
    assert not (tmp_path / "reports/kept_images").exists()
    assert (tmp_path / "reports/images").exists()


def test_image_lists_can_be_left_out(registry: LocalEcr, folder: str, tmp_path: Path) -> None:
    value = audit(folder, write_image_lists=False)
    assert all(summary["images_uri"] is None for summary in value["summaries"] or ())
    assert not (tmp_path / "reports/images").exists()


def test_the_markdown_report_is_at_the_report_uri_of_the_audit(registry: LocalEcr, folder: str) -> None:
    uri = audit(folder)["report_uri"]
    assert uri is not None
    text = ObjectStoragePath(uri).read_text()
    assert "6 repositories: 4 previewed, 1 without a policy, 1 failed" in text
    assert "`team/service-5`" in text


# What s3fs needs allows one release of botocore only, which is another than the earlier Airflows of make compatibility have.
@pytest.mark.skipif(find_spec("s3fs") is None, reason="the s3 extra is not installed")
def test_the_same_on_s3(registry: LocalEcr, bucket: str) -> None:
    value = audit(bucket)
    assert value["report_uri"] is not None
    assert value["report_uri"].startswith("s3://aws_default@reports/ecr/audits/")
    assert "6 repositories" in ObjectStoragePath(value["report_uri"]).read_text()
    for summary in value["summaries"] or ():
        assert len(list(read_image_list(summary["images_uri"] or ""))) == summary["expiring_image_count"]
    again = audit(bucket, BEGAN + WEEK)
    assert again["changes"] is not None
    assert (again["changes"]["compared_count"], again["changes"]["baselines"][0]["audit_id"]) == (
        5,
        "weekly 2026-01-05",
    )


def test_auditing_again_replaces_the_reports(registry: LocalEcr, folder: str, tmp_path: Path) -> None:
    audit(folder)
    once = names_under(tmp_path / "reports")
    audit(folder)
    assert names_under(tmp_path / "reports") == once
    assert not [name for name in once if "outcomes" in name]


def test_a_part_of_a_mapped_audit_writes_its_own_table_and_no_report(
    registry: LocalEcr, folder: str, tmp_path: Path
) -> None:
    parts = [
        audit(folder, map_index=index, repository_names=names) for index, names in enumerate((NAMES[:3], NAMES[3:]))
    ]
    assert [part["report_uri"] for part in parts] == [None, None]
    merge = EcrMergeLifecycleAuditsOperator(
        task_id="merge", audits=parts, reports_path=folder, audit_id="weekly 2026-01-05", fail_on="none"
    )
    merged = merge.execute(audit_context(BEGAN))
    assert merged["report_uri"] is not None
    assert "6 repositories" in ObjectStoragePath(merged["report_uri"]).read_text()
    assert sorted(merged["table_uris"]) == sorted(parts[0]["table_uris"] + parts[1]["table_uris"])
    assert totals(f"'{tmp_path}/reports/repositories/csv/**/*.csv'")[:2] == (6, merged["expiring_image_count"])
    assert merged["changes"] is not None
    assert "first audit" in merged["changes"]["notes"][0]


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b", b"no gzip", b"\x00" * 9])
def test_a_damaged_earlier_list_is_reported_in_the_comparison_and_does_not_fail_the_audit(
    registry: LocalEcr, folder: str, damage: bytes
) -> None:
    for summary in audit(folder)["summaries"] or ():
        Path(str(summary["images_uri"]).removeprefix("file://")).write_bytes(damage)
    registry.push_many(NAMES[-1], 1)
    changes = audit(folder, BEGAN + WEEK)["changes"]
    assert changes is not None
    assert (changes["compared_count"], changes["counts_only_count"]) == (5, 1)
    (note,) = changes["notes"]
    assert "Only counts are compared for 1 repository whose image lists cannot be read" in note
    assert NAMES[-1] in note


@pytest.mark.parametrize(
    "damage", [b"a,b\n1,2\n", b"\xff\xfe\x00", b"audited_at,audit_name,audit_id\nyesterday,weekly,x\n"]
)
def test_a_damaged_table_of_an_earlier_audit_is_reported_in_the_comparison_and_does_not_fail_the_audit(
    registry: LocalEcr, folder: str, tmp_path: Path, damage: bytes
) -> None:
    audit(folder)
    for table in (tmp_path / "reports/repositories/csv").rglob("*.csv"):
        table.write_bytes(damage)
    changes = audit(folder, BEGAN + WEEK)["changes"]
    assert changes is not None
    (baseline,) = changes["baselines"]
    assert (changes["compared_count"], baseline["audit_id"]) == (0, None)
    assert "cannot be read" in str(baseline["error"])
    assert "first audit" not in " ".join(changes["notes"])
    # The next one has a whole audit to compare with again.
    assert (audit(folder, BEGAN + 2 * WEEK)["changes"] or {})["compared_count"] == 5


def test_reports_that_are_too_old_are_removed(registry: LocalEcr, folder: str, tmp_path: Path) -> None:
    audit(folder, BEGAN - 2 * WEEK)
    audit(folder, BEGAN - WEEK)
    audit(folder, retention_days=7)
    days = {part for name in names_under(tmp_path / "reports") for part in name.split("/") if "audit_date" in part}
    assert days == {"audit_date=2025-12-29", "audit_date=2026-01-05"}


def test_only_reports_are_removed(registry: LocalEcr, folder: str, tmp_path: Path) -> None:
    other = tmp_path / "reports" / "repositories" / "notes.txt"
    other.parent.mkdir(parents=True)
    other.write_text("mine")
    (tmp_path / "reports" / "elsewhere" / "audit_date=2001-01-01").mkdir(parents=True)
    (tmp_path / "reports" / "elsewhere" / "audit_date=2001-01-01" / "mine.csv").write_text("mine")
    audit(folder, retention_days=0)
    assert other.read_text() == "mine"
    assert (tmp_path / "reports" / "elsewhere" / "audit_date=2001-01-01" / "mine.csv").exists()


FOREIGN = (
    "repositories/csv/registry_id=123456789012/region_name=us-east-1/audit_date=2001-01-01/mine.csv",
    "repositories/csv/registry_id=123456789012/region_name=us-east-1/audit_date=2001-01-01/notes/mine-0123abcd.csv",
    "repositories/csv/registry_id=123456789012/region_name=us-east-1/audit_date=2001-01-01/mine-0123abcd.parquet",
    "repositories/csv/registry_id=payments/region_name=us-east-1/audit_date=2001-01-01/mine-0123abcd.csv",
    "repositories/csv/archive/registry_id=123456789012/region_name=us-east-1/audit_date=2001-01-01/mine-0123abcd.csv",
    "repositories/tsv/registry_id=123456789012/region_name=us-east-1/audit_date=2001-01-01/mine-0123abcd.tsv",
    "repositories/audit_date=2001-01-01/mine-0123abcd.csv",
    "images/registry_id=123456789012/region_name=us-east-1/audit_date=2001-01-01/audit=x-0123abcd/repository_name=a/mine.gz",
    "images/registry_id=123456789012/region_name=us-east-1/audit_date=2001-01-01/audit=x/repository_name=a/images.jsonl.gz",
    "images/registry_id=123456789012/region_name=us-east-1/audit_date=2001-01-01/audit=x-0123abcd/a/images.jsonl.gz",
    "audits/audit_date=2001-01-01/mine.md",
    "audits/audit_date=2001-01-01/mine-0123abcd.txt",
    "audits/audit_date=2001-01-01/audit_date=2001-01-01/mine-0123abcd.md",
    "audits/old/audit_date=2001-01-01/mine-0123abcd.md",
    "audits/audit_date=2001-02-30/mine-0123abcd.md",
    "audit_date=2001-01-01/mine-0123abcd.md",
    "outcomes/audit_date=2001-01-01/mine-0123abcd.md",
)


class TestRetention:
    def test_a_file_that_no_audit_writes_stays_wherever_it_is(
        self, registry: LocalEcr, folder: str, tmp_path: Path
    ) -> None:
        audit(folder, BEGAN - 2 * WEEK)
        for name in FOREIGN:
            file = tmp_path / "reports" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("mine")
        audit(folder, retention_days=0)
        names = names_under(tmp_path / "reports")
        assert set(FOREIGN) <= set(names)
        assert not [name for name in names if "audit_date=2025-12-22" in name]

    @pytest.mark.parametrize("retention_days", [0, 7, "7"])
    def test_a_folder_below_that_of_a_day_keeps_the_reports_of_today(
        self, registry: LocalEcr, tmp_path: Path, retention_days: Any
    ) -> None:
        parent = "repositories/csv/registry_id=123456789012/region_name=eu-west-1/audit_date=2001-01-01"
        folder = f"file://{tmp_path}/{parent}/reports"
        audit(folder, BEGAN - 2 * WEEK)
        value = audit(folder, retention_days=retention_days)
        left = names_under(tmp_path / parent / "reports")
        assert {part for name in left for part in name.split("/") if "audit_date" in part} == {"audit_date=2026-01-05"}
        assert all(list(read_lines(kept_list_uri(summary["images_uri"] or ""))) for summary in value["summaries"] or ())

    def test_what_lies_behind_a_symbolic_link_stays(self, registry: LocalEcr, folder: str, tmp_path: Path) -> None:
        audit(folder, BEGAN - 2 * WEEK)
        (tmp_path / "reports" / "audits").rename(tmp_path / "elsewhere")
        (tmp_path / "reports" / "audits").symlink_to(tmp_path / "elsewhere")
        kept = tmp_path / "reports" / "kept_images"
        (day,) = kept.rglob("audit_date=*")
        day.rename(tmp_path / "day")
        day.symlink_to(tmp_path / "day")
        (table,) = (tmp_path / "reports" / "repositories" / "csv").rglob("*.csv")
        table.rename(tmp_path / "table.csv")
        table.symlink_to(tmp_path / "table.csv")
        before = names_under(tmp_path / "elsewhere"), names_under(tmp_path / "day")
        audit(folder, retention_days=0)
        after = {name for name in names_under(tmp_path / "elsewhere") if "2026-01-05" not in name}
        assert (after, names_under(tmp_path / "day")) == before
        assert table.is_symlink()

    def test_a_folder_that_is_a_link_itself_is_kept_tidy(self, registry: LocalEcr, tmp_path: Path) -> None:
        (tmp_path / "disk").mkdir()
        (tmp_path / "reports").symlink_to(tmp_path / "disk")
        audit(f"file://{tmp_path}/reports", BEGAN - 2 * WEEK)
        audit(f"file://{tmp_path}/reports", retention_days=7)
        assert not [name for name in names_under(tmp_path / "disk") if "audit_date=2025-12-22" in name]

    def test_reports_of_days_to_come_stay(self, registry: LocalEcr, folder: str, tmp_path: Path) -> None:
        audit(folder, BEGAN + WEEK)
        before = set(names_under(tmp_path / "reports"))
        audit(folder, retention_days=0)
        assert before <= set(names_under(tmp_path / "reports"))

    @pytest.mark.parametrize("retention_days", [-1, float("nan"), True, "soon", 40_000, 0.5])
    def test_days_that_mean_nothing_are_refused_before_any_call(
        self, registry: LocalEcr, folder: str, tmp_path: Path, retention_days: Any
    ) -> None:
        with pytest.raises(ValueError, match="retention_days"):
            audit(folder, retention_days=retention_days)
        assert not len(registry.calls)
        assert not (tmp_path / "reports").exists()

    def test_a_report_that_another_part_has_just_removed_is_no_error(
        self, registry: LocalEcr, folder: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        audit(folder, BEGAN - 2 * WEEK)
        find = audit_reports.own_files_in
        seen = {
            name: find(ObjectStoragePath(folder), name)
            for name in ("repositories", "images", "kept_images", "audits", "owners")
        }
        audit(folder, BEGAN - WEEK, retention_days=0)
        monkeypatch.setattr(audit_reports, "own_files_in", lambda root, name: seen[name])
        audit(folder, retention_days=0)

    @pytest.mark.skipif(find_spec("s3fs") is None, reason="the s3 extra is not installed")
    def test_the_same_on_s3(self, registry: LocalEcr, bucket: str) -> None:
        folder = f"{bucket}/audit_date=2001-01-01/[a]"
        audit(folder, BEGAN - 2 * WEEK)
        s3 = registry.client("s3")
        for name in FOREIGN:
            s3.put_object(Bucket="reports", Key=f"ecr/audit_date=2001-01-01/[a]/{name}", Body=b"mine")
        audit(f"{bucket}/audit_date=2001-01-01/a", BEGAN - 2 * WEEK)
        audit(folder, retention_days=7)
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket="reports")["Contents"]]
        assert {f"ecr/audit_date=2001-01-01/[a]/{name}" for name in FOREIGN} <= set(keys)
        old = {key.split("/")[2] for key in keys if "audit_date=2025-12-22" in key}
        assert old == {"a"}


class TestChanges:
    def test_the_first_audit_says_that_it_has_no_baseline(self, registry: LocalEcr, folder: str) -> None:
        changes = audit(folder)["changes"]
        assert changes is not None
        assert changes["baselines"][0]["audit_id"] is None
        assert "first audit of 123456789012, us-east-1" in changes["notes"][0]
        assert changes["compared_count"] == 0

    def test_without_reports_nothing_is_compared(self, registry: LocalEcr) -> None:
        assert audit("")["changes"] is None

    def test_images_are_compared_by_their_lists(self, registry: LocalEcr, folder: str) -> None:
        audit(folder)
        registry.push_many(NAMES[2], 4)
        changes = audit(folder, BEGAN + WEEK)["changes"]
        assert changes is not None
        assert changes["newly_affected_image_count"] == 4
        assert changes["no_longer_affected_image_count"] == 0
        assert (changes["compared_count"], changes["not_comparable_count"]) == (5, 1)
        assert [changed["repository_name"] for changed in changes["top"]] == [NAMES[2]]
        assert changes["top"][0]["compared_by"] == "images"

    def test_the_newest_earlier_audit_of_the_same_name_is_the_baseline(self, registry: LocalEcr, folder: str) -> None:
        audit(folder, BEGAN)
        audit(folder, BEGAN + WEEK)
        audit(folder, BEGAN + WEEK + timedelta(hours=1), audit_name="another", audit_id="another")
        audit(folder, BEGAN + 3 * WEEK)
        changes = audit(folder, BEGAN + 2 * WEEK)["changes"]
        assert changes is not None
        assert changes["baselines"][0]["audit_id"] == "weekly 2026-01-12"

    def test_an_audit_is_no_baseline_of_itself(self, registry: LocalEcr, folder: str) -> None:
        audit(folder, audit_id="one")
        changes = audit(folder, BEGAN + timedelta(hours=1), audit_id="one")["changes"]
        assert changes is not None
        assert changes["baselines"][0]["audit_id"] is None

    def test_a_candidate_policy_is_not_compared_with_the_applied_policies(
        self, registry: LocalEcr, folder: str
    ) -> None:
        audit(folder)
        changes = audit(folder, BEGAN + WEEK, lifecycle_policy_text=keep(1))["changes"]
        assert changes is not None
        assert changes["baselines"][0]["audit_id"] is None
        assert changes["policy_changed_count"] == 0

    def test_a_list_that_was_removed_is_compared_by_counts(
        self, registry: LocalEcr, folder: str, tmp_path: Path
    ) -> None:
        audit(folder)
        for file in files_under(ObjectStoragePath(folder) / "images"):
            file.unlink()
        registry.push_many(NAMES[2], 4)
        changes = audit(folder, BEGAN + WEEK)["changes"]
        assert changes is not None
        assert (changes["counts_only_count"], changes["top"][0]["note"]) == (
            1,
            "Image lists of both audits are needed, and at least one is missing.",
        )

    def test_a_jump_raises_an_alarm_that_can_fail_the_task(self, registry: LocalEcr, folder: str) -> None:
        audit(folder)
        registry.push_many(NAMES[2], 4)
        changes = audit(folder, BEGAN + WEEK, alarm_count=3, alarm_share=0.5)["changes"]
        assert changes is not None
        assert [changed["repository_name"] for changed in changes["alarms"]] == [NAMES[2]]
        assert json.loads(json.dumps(changes)) == changes
        with pytest.raises(Exception, match="alarm"):
            audit(folder, BEGAN + WEEK, alarm_count=3, fail_on_alarm=True)

    def test_what_disappeared_and_appeared_is_named(self, registry: LocalEcr, folder: str) -> None:
        audit(folder, repository_names=NAMES[:4])
        changes = audit(folder, BEGAN + WEEK, repository_names=NAMES[1:])["changes"]
        assert changes is not None
        assert [repository["repository_name"] for repository in changes["disappeared"]] == [NAMES[0]]
        assert (changes["appeared_count"], changes["disappeared_count"]) == (2, 1)
