"""What is exactly freed, by the manifests of the images."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.exceptions import AccessDeniedError
from airflow_provider_ecr_preview.core.preview import layers
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.engine import manifests
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.images import IMAGE_MANIFEST
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from airflow_provider_ecr_preview.reports.dataset import csv_rows
from airflow_provider_ecr_preview.reports.manifests import ManifestCache
from tests.core.preview.test_layers import blob
from tests.support.contexts import audit_context, task_context

pytestmark = pytest.mark.changes_registry

REGION = "us-east-1"
NAME = "payments/api"


def keep(count: int) -> dict[str, Any]:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}
    return {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}


def push(ecr: LocalEcr, days_ago: float, *names: tuple[str, int]) -> str:
    text = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": IMAGE_MANIFEST,
            "config": blob(f"config {days_ago}", 7),
            "layers": [blob(name, size) for name, size in names],
        }
    )
    size = 7 + sum(size for _, size in names)
    return ecr.push(NAME, tags=[f"v{days_ago}"], pushed_days_ago=days_ago, size=size, manifest=text)


@pytest.fixture
def registry(local_ecr: LocalEcr) -> LocalEcr:
    local_ecr.create_repository(NAME, policy=keep(1))
    push(local_ecr, 90, ("base", 1_000), ("a", 100), ("b", 10))
    push(local_ecr, 80, ("base", 1_000), ("a", 100), ("c", 20))
    push(local_ecr, 70, ("base", 1_000), ("d", 30))
    return local_ecr


BY_HAND = 7 + 100 + 10 + 7 + 20
"""The two oldest images go: their configurations, a (once), b and c; the base stays with the newest image."""

UPPER_BOUND = 2 * 7 + 2 * 1_000 + 2 * 100 + 10 + 20


@pytest.fixture
def caller(registry: LocalEcr, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the ARN of the role that the tasks assume; the ARN of their session does not have its path."""
    arn: str = registry.client("iam").create_role(RoleName="auditor", Path="/team/", AssumeRolePolicyDocument="{}")[
        "Role"
    ]["Arn"]
    keys = registry.client("sts").assume_role(RoleArn=arn, RoleSessionName="airflow")["Credentials"]
    connection = json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
    connection |= {"login": keys["AccessKeyId"], "password": keys["SecretAccessKey"]}
    connection["extra"] = {**connection.get("extra", {}), "aws_session_token": keys["SessionToken"]}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    return arn


@pytest.fixture
def excluded(registry: LocalEcr, caller: str) -> str:
    registry.client().register_pull_time_update_exclusion(principalArn=caller)
    registry.calls.clear()
    return caller


def audit(**parameters: Any) -> Any:
    return EcrAuditLifecyclePoliciesOperator(
        task_id="audit", repository_names=[NAME], region_name=REGION, audit_id="a", audit_name="a", **parameters
    ).execute(audit_context())


def pulls(ecr: LocalEcr) -> list[Any]:
    images = ecr.client().describe_images(repositoryName=NAME)["imageDetails"]
    return [image.get("lastRecordedPullTime") for image in images]


def test_the_audit_has_the_exact_bytes_next_to_the_upper_bound_and_records_no_pull(
    registry: LocalEcr, excluded: str, tmp_path: Path
) -> None:
    value = audit(read_manifests=True, reports_path=f"file://{tmp_path}")
    (summary,) = value["summaries"]
    assert (summary["expiring_bytes_exact"], summary["expiring_bytes_upper_bound"]) == (BY_HAND, UPPER_BOUND)
    assert (summary["shared_bytes"], summary["expiring_family_count"]) == (1_000, 2)
    assert summary["exact_bytes_message"] is None
    assert (value["expiring_bytes_exact"], value["top"][0]["expiring_bytes_exact"]) == (BY_HAND, BY_HAND)
    assert pulls(registry) == [None] * 3
    assert registry.calls.count("BatchGetImage") == 1
    report = next((tmp_path / "audits").rglob("*.md")).read_text()
    assert "144 B would be freed by the manifests" in report
    assert "| Bytes at most | Bytes exactly |" in report
    (table,) = [uri for uri in value["table_uris"] if uri.endswith((".csv", ".csv.gz"))]
    (row,) = csv_rows(ObjectStoragePath(table))
    assert (row["expiring_bytes_exact"], row["shared_bytes"]) == (str(BY_HAND), "1000")


def test_the_manifests_are_kept_and_read_again_only_for_new_images(
    registry: LocalEcr, excluded: str, tmp_path: Path
) -> None:
    audit(read_manifests=True, reports_path=f"file://{tmp_path}")
    assert audit(read_manifests=True, reports_path=f"file://{tmp_path}")["expiring_bytes_exact"] == BY_HAND
    assert registry.calls.count("BatchGetImage") == 1
    push(registry, 60, ("base", 1_000), ("b", 10))
    audit(read_manifests=True, reports_path=f"file://{tmp_path}")
    (new,) = registry.calls.of("BatchGetImage")[1:]
    assert len(new.parameters["imageIds"]) == 1
    (kept,) = (tmp_path / "manifests").rglob("*.gz")
    kept.write_bytes(b"damaged")
    assert audit(read_manifests=True, reports_path=f"file://{tmp_path}")["expiring_bytes_exact"] is not None


def test_a_role_that_is_not_excluded_is_refused_and_no_manifest_is_read(registry: LocalEcr, caller: str) -> None:
    registry.calls.clear()
    without_path = caller.replace("/team/", "/")
    message = f"aws ecr register-pull-time-update-exclusion --principal-arn {without_path} --region {REGION}"
    with pytest.raises(AccessDeniedError, match=message):
        audit(read_manifests=True)
    start = EcrStartLifecyclePolicyPreviewOperator(task_id="start", repository_name=NAME, wait_for_completion=True)
    start.execute(task_context())
    with pytest.raises(AccessDeniedError, match="No manifest was read"):
        summarize(read_manifests=True)
    assert not registry.calls.count("BatchGetImage")
    assert pulls(registry) == [None] * 3


def test_the_registry_of_another_account_is_refused(registry: LocalEcr, excluded: str) -> None:
    with pytest.raises(AccessDeniedError, match="connection of account 999999999999"):
        audit(read_manifests=True, registry_id="999999999999")
    assert not registry.calls.count("BatchGetImage")


def summarize(**parameters: Any) -> Any:
    return EcrSummarizeLifecyclePolicyPreviewOperator(
        task_id="summarize", repository_name=NAME, region_name=REGION, **parameters
    ).execute(task_context())


def test_the_summary_of_one_preview_has_the_exact_bytes_too(registry: LocalEcr, excluded: str) -> None:
    start = EcrStartLifecyclePolicyPreviewOperator(task_id="start", repository_name=NAME, wait_for_completion=True)
    start.execute(task_context())
    assert summarize(read_manifests=True)["expiring_bytes_exact"] == BY_HAND
    assert "expiring_bytes_exact" not in summarize()
    for part in ({"max_items": 1}, {"enrich": False}):
        with pytest.raises(ValueError, match="read_manifests needs enrich"):
            summarize(read_manifests=True, **part)


def test_without_enrich_the_audit_refuses_to_read_manifests(registry: LocalEcr) -> None:
    with pytest.raises(ValueError, match="read_manifests needs enrich"):
        audit(read_manifests=True, enrich=False)


def test_what_cannot_be_read_is_unknown_and_says_why(
    registry: LocalEcr, excluded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.push(NAME, tags=["archived"], pushed_days_ago=100, archived_days_ago=95)
    value = audit(read_manifests=True)
    assert "Archived images have to be restored" in value["summaries"][0]["exact_bytes_message"]
    assert value["expiring_bytes_exact"] is None
    assert (value["expiring_bytes_exact_known"], value["exact_bytes_unknown_repository_count"]) == (0, 1)
    monkeypatch.setattr(manifests, "MAX_MANIFESTS", 2)
    assert "has 4 images" in audit(read_manifests=True)["summaries"][0]["exact_bytes_message"]


def test_a_repository_where_nothing_expires_frees_nothing_and_needs_no_call(registry: LocalEcr, excluded: str) -> None:
    registry.put_policy(NAME, keep(50))
    assert audit(read_manifests=True)["expiring_bytes_exact"] == 0
    assert not registry.calls.count("BatchGetImage")


def test_kept_manifests_of_ten_thousand_images_are_read_back(tmp_path: Path) -> None:
    cache = ManifestCache(f"file://{tmp_path}")
    repository = RepositoryId("123456789012", REGION, NAME)
    of = {
        bytes([number // 256, number % 256]) * 16: layers.Manifest(((bytes([number % 256]) * 32, number),))
        for number in range(layers.MAX_MANIFESTS)
    }
    cache.write(repository, of)
    assert cache.read(repository) == of
    assert cache.read(RepositoryId("123456789012", REGION, "other")) == {}
