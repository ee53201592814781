"""What an earlier release pushed and wrote is still read: contracts grow by additions only."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.audit.kind import AuditKind
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome, StartedPreview
from airflow_provider_ecr_preview.core.audit.outcome_log import OutcomeLog
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.cleanup.approval import ApprovedRepository
from airflow_provider_ecr_preview.core.cleanup.checks import decide
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.in_use.repository import RepositoryInUse
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, summaries_of
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage
from airflow_provider_ecr_preview.core.xcom.approval import APPROVAL_KEY
from airflow_provider_ecr_preview.display.audit import audit_table
from airflow_provider_ecr_preview.display.audit_report import audit_markdown
from airflow_provider_ecr_preview.display.cleanup import cleanup_table
from airflow_provider_ecr_preview.display.comparison import comparison_table
from airflow_provider_ecr_preview.display.preview import summary_table
from airflow_provider_ecr_preview.display.reconciliation import reconciliation_table
from airflow_provider_ecr_preview.display.rollout import policy_change_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.operators.ecr_approval import EcrApproveCleanupOperator
from airflow_provider_ecr_preview.operators.ecr_merge import EcrMergeLifecycleAuditsOperator
from airflow_provider_ecr_preview.plugins.web.image_lists import Repository, images_uri_of
from airflow_provider_ecr_preview.reports.baseline import find_baseline, image_actions
from airflow_provider_ecr_preview.reports.former_policies import read_former_policies
from airflow_provider_ecr_preview.reports.in_use import in_use_of
from airflow_provider_ecr_preview.reports.lists import listed_images, read_image_list, read_lines
from airflow_provider_ecr_preview.reports.segments import PathSegments

FOLDER = Path(__file__).parents[1] / "frozen" / "0.1.0"
URL = f"file://{FOLDER}/files"
PAYMENTS = RepositoryId("123456789012", "us-east-1", "payments/api")


def frozen(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text().replace("file://{folder}", URL))


SUMMARIES = ["summary_with_list", "summary_without_list", "summary_of_candidate"]


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_is_read_with_its_images(name: str) -> None:
    (summary,) = summaries_of(frozen(name))
    preview = listed_images(summary)
    assert isinstance(preview, PreviewList)
    assert (preview.images is None) == (name == "summary_without_list")
    assert ApprovedRepository.of(summary, preview).policy_fingerprint == summary["policy_fingerprint"]
    assert summary["repository_name"] in render(summary_table(summary))


def test_a_summary_is_cleaned_up_as_if_it_were_made_today() -> None:
    (summary,) = summaries_of(frozen("summary_with_list"))
    approved = listed_images(summary)
    assert isinstance(approved, PreviewList)
    assert approved.images is not None
    previewed_at = datetime.fromisoformat(summary["previewed_at"])
    images = [
        RepositoryImage(
            image.image_digest, image.image_tags, image.image_pushed_at or previewed_at, image_size_in_bytes=10
        )
        for image in approved.images.values()
    ]
    kept = [RepositoryImage(f"sha256:{number}", ("kept",), previewed_at - timedelta(days=40)) for number in range(20)]
    settings = CleanupSettings(check_in_use=False)
    evidence = Evidence(summary, approved, approved, [*images, *kept], None, previewed_at + timedelta(hours=1))
    decision = decide(evidence, settings)
    assert not decision.blocking, [str(check) for check in decision.blocking]
    assert len(decision.plan.images) == summary["expiring_image_count"]


@pytest.mark.parametrize(
    ("name", "count"), [("audit", 2), ("merged_audit", 2), ("audit_killed", 2), ("audit_parts", 2)]
)
def test_an_audit_is_read(name: str, count: int) -> None:
    value = frozen(name)
    assert len(summaries_of(value)) == count
    for audit in value if isinstance(value, list) else [value]:
        assert audit["audit_id"] in render(audit_table(audit))
        assert audit_markdown(audit).startswith("# ECR lifecycle audit")
        assert Audit.from_xcom(audit).as_dict()["repository_count"] == audit["repository_count"]


def test_audits_are_merged() -> None:
    ti = mock.Mock(spec=["xcom_push", "map_index", "task"], map_index=-1, **{"task.outlets": []})
    merged = EcrMergeLifecycleAuditsOperator(task_id="merge", audits=frozen("audit_parts"), audit_id="merged").execute(
        {"ti": ti, "dag_run": mock.Mock(start_date=datetime(2026, 11, 23, tzinfo=UTC))}
    )
    assert (merged["repository_count"], merged["missing_part_count"]) == (2, 0)


def test_the_log_of_a_killed_audit_is_taken_up() -> None:
    (folder,) = (FOLDER / "files" / "reports" / "outcomes").glob("killed*/*")
    entries = [*OutcomeLog(PathSegments(ObjectStoragePath(f"file://{folder}"))).read()]
    assert {type(entry) for entry in entries} == {StartedPreview, RepositoryOutcome}
    assert {entry.repository_name for entry in entries} == {"payments/api", "shop/web"}


def test_the_tables_of_an_audit_are_a_baseline() -> None:
    baseline = find_baseline(
        ObjectStoragePath(f"{URL}/reports"),
        ("123456789012", "us-east-1"),
        audit_name="weekly",
        audit_id="weekly 2026-11-30",
        before=datetime(2026, 11, 30, tzinfo=UTC),
        kind=AuditKind(selection="*"),
    )
    assert baseline is not None
    assert baseline.audit_id == "weekly 2026-11-23"
    assert len(image_actions(frozen("audit")["summaries"][0]["images_uri"]) or {}) > 0


def test_what_is_in_use_is_read() -> None:
    value = frozen("in_use")
    used = in_use_of(value, now=lambda: datetime.fromisoformat(value["collected_at"]))(PAYMENTS)
    assert isinstance(used, RepositoryInUse)
    assert used.users_of("sha256:1", ["build-1"])
    assert not used.users_of("sha256:1", ["build-2"])
    assert not used.unread_sources


@pytest.mark.parametrize("name", ["cleanup_done", "cleanup_blocked", "cleanup_archived", "cleanup_dry_run"])
def test_a_clean_up_is_shown(name: str) -> None:
    value = frozen(name)
    assert "remedy" not in value["repositories"][0]["checks"][0]
    text = render(cleanup_table(value))
    assert value["status"].upper() in text
    assert "policy_unchanged" in text


def test_the_dry_run_of_an_earlier_release_is_shown_to_who_approves() -> None:
    summaries = [frozen("summary_with_list"), frozen("summary_without_list")]
    task = EcrApproveCleanupOperator(task_id="approve", summary=summaries, dry_run_result=frozen("cleanup_dry_run"))
    pushed = {}
    ti = mock.Mock(map_index=-1, xcom_push=lambda key, value: pushed.update({key: value}))
    with (
        mock.patch(
            "airflow.providers.standard.operators.hitl.upsert_hitl_detail", side_effect=ArithmeticError
        ) as asked,
        pytest.raises(ArithmeticError),
    ):
        task.execute({"ti": ti, "task_instance": ti})
    assert "## What the dry run says" in asked.call_args.kwargs["body"]
    assert pushed[APPROVAL_KEY]["repository_count"] == 2


@pytest.mark.parametrize("name", ["put", "put_blocked", "put_dry_run", "put_with_path", "restore"])
def test_a_policy_change_is_shown_and_restored(name: str) -> None:
    value = frozen(name)
    assert value["status"].upper() in render(policy_change_table(value))
    restored = read_former_policies(value)
    assert [former.repository.repository_name for former in restored.former_policies] == (
        ["shop/web"] if value["status"] == "changed" else []
    )


def test_former_policies_are_read_from_their_file() -> None:
    (former,) = read_former_policies(f"{URL}/former.jsonl.gz").former_policies
    assert former.replaced_by == frozen("put_with_path")["repositories"][0]["policy_fingerprint"]


Table = Callable[[Any], Any]


@pytest.mark.parametrize(
    ("name", "table"), [("comparison", comparison_table), ("reconciliation", reconciliation_table)]
)
def test_other_results_are_shown(name: str, table: Table) -> None:
    assert "shop/web" in render(table(frozen(name)), width=140)


def test_lists_are_read() -> None:
    assert len([*read_image_list(f"{URL}/images-1.jsonl.gz")]) == 10
    assert len([*read_lines(f"{URL}/images-1.kept.jsonl.gz")]) == 10
    assert {line["status"] for line in read_lines(f"{URL}/results.jsonl.gz")} == {"deleted", "spared"}


def test_the_pages_find_the_list_of_a_summary_and_of_an_audit() -> None:
    wanted = Repository("123456789012", "us-east-1", "payments/api")
    assert images_uri_of(frozen("summary_with_list"), wanted) == f"{URL}/images-1.jsonl.gz"
    assert images_uri_of(frozen("audit"), wanted).startswith(f"{URL}/reports/images/")
