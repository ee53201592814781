from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom
from airflow_provider_ecr_preview.core.xcom.preview import MARKER_KEY, PreviewSummaryXCom
from airflow_provider_ecr_preview.operators.ecr_audit import EcrMergeLifecycleAuditsOperator
from tests.support.contexts import audit_context, pushed_by

AUDITED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def outcome(name: str, region_name: str = "us-east-1", *, expiring: int = 0, failed: bool = False) -> RepositoryOutcome:
    summary = {
        "repository_name": name,
        "registry_id": "123456789012",
        "region_name": region_name,
        "expiring_image_count": expiring,
        "archiving_image_count": 0,
        "tagged_image_count": expiring,
        "untagged_image_count": 0,
        "total_image_count": 100,
        "expiring_bytes_upper_bound": expiring * 1000,
        "findings": [],
        "images_uri": None,
    }
    if failed:
        return RepositoryOutcome(name, "123456789012", region_name, "failed", error="ThrottledError", message="slow")
    return RepositoryOutcome(
        name, "123456789012", region_name, "previewed", summary=cast("PreviewSummaryXCom", summary), preview_calls=2
    )


def part(*outcomes: RepositoryOutcome) -> AuditXCom:
    audit = Audit("part", AUDITED_AT)
    audit.update(outcomes)
    return audit_xcom(audit, table_uris=[f"file:///{outcomes[0].repository_name}.csv"])


PARTS = [
    part(outcome("a/one", expiring=3), outcome("a/two")),
    part(outcome("b/one", expiring=7)),
    part(outcome("a/one", "eu-west-1", expiring=5)),
]


def merge(audits: Any, **kwargs: Any) -> EcrMergeLifecycleAuditsOperator:
    return EcrMergeLifecycleAuditsOperator(**{"task_id": "merge", "audits": audits, "audit_id": "weekly", **kwargs})


def test_the_parts_make_one_audit_by_account_and_region() -> None:
    of = audit_context()
    value = merge(PARTS).execute(of)
    assert json.loads(json.dumps(value)) == value
    assert (value["audit_id"], value["audited_at"]) == ("weekly", AUDITED_AT.isoformat())
    assert (value["repository_count"], value["expiring_image_count"]) == (4, 15)
    by_region = {registry["region_name"]: registry["expiring_image_count"] for registry in value["registries"]}
    assert by_region == {"us-east-1": 10, "eu-west-1": 5}
    assert [repository["repository_name"] for repository in value["top"]] == ["b/one", "a/one", "a/one", "a/two"]
    assert len(value["table_uris"]) == 3
    assert value["missing_part_count"] == 0
    assert pushed_by(of)[MARKER_KEY]["counts"]["repository_count"] == 4


@pytest.mark.parametrize("audits", [PARTS[0], [PARTS[0]], (PARTS[0],), [[PARTS[0]]], iter([PARTS[0]])])
def test_one_audit_and_lists_of_lists_are_taken(audits: Any) -> None:
    assert merge(audits).execute(audit_context())["repository_count"] == 2


@pytest.mark.parametrize("audits", ["{{ ti.xcom_pull('audit') }}", 5, {"schema": "other"}, [{"rows": 1}]])
def test_a_value_that_is_not_an_audit_is_refused(audits: Any) -> None:
    with pytest.raises(ValueError, match="audit"):
        merge(audits).execute(audit_context())


def test_a_missing_part_fails_the_task_after_the_other_parts_are_pushed() -> None:
    of = audit_context()
    with pytest.raises(exceptions.AuditIncompleteError, match="1 part of the audit is missing"):
        merge([PARTS[0], None]).execute(of)
    assert pushed_by(of)["return_value"]["missing_part_count"] == 1
    assert pushed_by(of)[MARKER_KEY]["counts"]["missing_part_count"] == 1


def test_a_missing_part_is_a_warning_if_on_missing_is_warn() -> None:
    value = merge([PARTS[0], None, None], on_missing="warn").execute(audit_context())
    assert (value["missing_part_count"], value["repository_count"]) == (2, 2)


def test_parts_are_missing_that_left_no_result_at_all() -> None:
    states = {"audit_0": "success", "audit_1": "failed", "audit_2": "upstream_failed", "audit_3": "skipped"}
    task = merge(PARTS[:1])
    task._audit_task_ids = ["audit"]
    with pytest.raises(
        exceptions.AuditIncompleteError, match=r"2 parts .* \(audit_1 failed, audit_2 upstream_failed\)"
    ):
        task.execute(audit_context(states=states))


def test_an_audit_whose_task_failed_because_of_single_repositories_is_not_missing() -> None:
    task = merge([part(outcome("a/one", failed=True), outcome("a/two"))], fail_on=0.5)
    task._audit_task_ids = ["audit"]
    assert task.execute(audit_context(states={"audit_0": "failed"}))["missing_part_count"] == 0


def test_a_merged_audit_with_missing_parts_is_merged_with_them() -> None:
    first = merge([PARTS[0], None], on_missing="warn").execute(audit_context())
    assert merge([first, PARTS[1]], on_missing="warn").execute(audit_context())["missing_part_count"] == 1


def test_fail_on_is_about_the_whole_audit() -> None:
    parts = [part(outcome("a/one", failed=True)), PARTS[1]]
    of = audit_context()
    with pytest.raises(exceptions.AuditFailedError, match=r"1 of 2 repositories .* ThrottledError 1"):
        merge(parts).execute(of)
    assert pushed_by(of)["return_value"]["failed_count"] == 1
    assert merge(parts, fail_on=0.5).execute(audit_context())["failed_count"] == 1


def of_all(
    *names: str, registry_id: str | None = "123456789012", region_name: str = "us-east-1"
) -> list[RepositoryOutcome]:
    ended = (outcome(name, region_name, failed=registry_id is None) for name in names)
    return [
        replace(
            found,
            registry_id=registry_id,
            summary=None if found.summary is None else cast("Any", {**found.summary, "registry_id": registry_id}),
        )
        for found in ended
    ]


def test_audits_that_share_repositories_are_rejected_before_anything_is_written(tmp_path: Path) -> None:
    of = audit_context()
    parts = [part(*of_all("a/one", "a/two")), part(*of_all("b/one")), part(*of_all("a/two", "a/three"))]
    with pytest.raises(
        exceptions.AuditsOverlapError,
        match=r"1 repository is in more than one .*: a/two \(123456789012, us-east-1\) in audits 1 and 3\. .*batches",
    ):
        merge(parts, reports_path=f"file://{tmp_path}").execute(of)
    assert pushed_by(of) == {}
    assert list(tmp_path.iterdir()) == []


def test_the_error_names_the_first_shared_repositories_and_counts_the_others() -> None:
    names = [f"team/{number:03}" for number in range(300)]
    twice = [part(*of_all(*names)), part(*of_all(*names))]
    assert twice[0]["summaries"] is None
    with pytest.raises(exceptions.AuditsOverlapError, match=r"300 repositories .*team/004 .*; and 295 more\."):
        merge(twice).execute(audit_context())


def test_an_overlap_is_found_after_an_earlier_merge() -> None:
    merged = merge([part(*of_all(*(f"team/{number}" for number in range(200)))), PARTS[1]]).execute(audit_context())
    with pytest.raises(exceptions.AuditsOverlapError, match="team/150"):
        merge([merged, part(*of_all("team/150"))]).execute(audit_context())


@pytest.mark.parametrize("status", ["failed", "without_policy"])
def test_a_repository_that_was_not_previewed_is_counted_once_too(status: Any) -> None:
    ended = [replace(found, status=status, summary=None) for found in of_all(*(f"team/{n}" for n in range(80)))]
    with pytest.raises(exceptions.AuditsOverlapError, match="team/79"):
        merge([part(*ended), part(*of_all("team/79"))]).execute(audit_context())


@pytest.mark.parametrize(
    "other", [{"region_name": "eu-west-1"}, {"registry_id": "210987654321"}, {"registry_id": None}], ids=str
)
def test_the_same_name_in_another_account_or_region_is_another_repository(other: dict[str, Any]) -> None:
    value = merge([part(*of_all("a/one")), part(*of_all("a/one", **other))], fail_on="none").execute(audit_context())
    assert value["repository_count"] == 2


def test_failures_before_the_account_was_known_are_no_overlap() -> None:
    refused = of_all("a/one", registry_id=None)
    assert merge([part(*refused), part(*refused)], fail_on="none").execute(audit_context())["failed_count"] == 2


def test_results_of_earlier_versions_without_all_names_are_merged_with_a_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = part(*of_all(*(f"team/{number}" for number in range(200))))
    del old["packed_repositories"]
    assert merge([old, PARTS[0]]).execute(audit_context())["repository_count"] == 202
    assert "150 repositories are not named in the audits to merge" in capsys.readouterr().out


def test_damaged_names_are_an_error_that_says_which_task_to_clear() -> None:
    damaged = cast("AuditXCom", {**PARTS[0], "packed_repositories": "damaged"})
    with pytest.raises(ValueError, match=r"packed_repositories .*Clear the task"):
        merge([damaged]).execute(audit_context())


def test_an_invalid_parameter_is_an_error() -> None:
    with pytest.raises(ValueError, match="on_missing is 'ignore'"):
        merge(PARTS, on_missing="ignore").execute(audit_context())


def test_every_template_field_is_an_attribute() -> None:
    task = merge(PARTS)
    assert all(hasattr(task, field) for field in task.template_fields)


def test_audits_of_no_repository_are_a_warning_or_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert merge([], on_no_repositories="warn").execute(audit_context())["repository_count"] == 0
    assert "no repository to audit" in capsys.readouterr().out
    of = audit_context()
    with pytest.raises(exceptions.NoRepositoriesError):
        merge([]).execute(of)
    assert pushed_by(of)["return_value"]["repository_count"] == 0
