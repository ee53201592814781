"""Audits that compare the applied policies with those in files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.reports.dataset import csv_rows
from airflow_provider_ecr_preview.reports.expected_policies import read_expected_policies
from tests.support.contexts import audit_context

NAMES = ["payments/api", "payments/webhooks", "shop/web", "shop/none"]


def keep(count: int) -> dict[str, Any]:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}
    return {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}


@pytest.fixture
def registry(local_ecr: LocalEcr) -> LocalEcr:
    for name in NAMES:
        local_ecr.create_repository(name, policy=None if name == "shop/none" else keep(5))
        local_ecr.push_many(name, 3, newest_days_ago=40)
    return local_ecr


def audit(expected: Any, **parameters: Any) -> Any:
    operator = EcrAuditLifecyclePoliciesOperator(
        task_id="audit",
        dag=None,
        repository_names=NAMES,
        expected_policies=expected,
        region_name="us-east-1",
        audit_id="drift",
        audit_name="drift",
        **parameters,
    )
    return operator.execute(audit_context())


def found(value: Any) -> dict[str, list[str]]:
    return {
        finding["code"]: [repository["repository_name"] for repository in finding["repositories"]]
        for finding in value["findings"]
        if finding["code"].endswith(("_differs", "_policy_unknown"))
    }


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def plan(*policies: tuple[str, Any]) -> dict[str, Any]:
    changes = [
        {
            "address": f"aws_ecr_lifecycle_policy.p{number}",
            "type": "aws_ecr_lifecycle_policy",
            "change": {
                "actions": ["update"],
                "before": {"repository": name},
                "after": {"repository": name, "policy": json.dumps(policy)} if policy else {"repository": name},
                "after_unknown": {} if policy else {"policy": True},
            },
        }
        for number, (name, policy) in enumerate(policies)
    ]
    return {"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": changes}


def test_a_folder_of_policies_is_compared_with_what_is_applied(registry: LocalEcr, tmp_path: Path) -> None:
    write(tmp_path, "git/payments/api.json", keep(5))
    write(tmp_path, "git/payments/webhooks.json", keep(9))
    write(tmp_path, "git/shop/none.json", keep(5))
    write(tmp_path, "git/README.md", "Policies.")
    write(tmp_path, "git/package.json", {"name": "x"})
    value = audit(f"{tmp_path}/git", reports_path=f"file://{tmp_path}/reports")
    assert found(value) == {"applied_policy_differs": ["payments/webhooks", "shop/none"]}
    assert value["warning_finding_count"] == 2
    rows = {
        row["repository_name"]: row
        for uri in value["table_uris"]
        if uri.endswith("csv")
        for row in csv_rows(_path(uri))
    }
    assert rows["payments/webhooks"]["finding_codes"] == rows["shop/none"]["finding_codes"] == "applied_policy_differs"
    report = next((tmp_path / "reports" / "audits").rglob("*.md")).read_text()
    assert "applied_policy_differs" in report
    assert not registry.calls.mutating


def test_a_plan_of_terraform_and_globs_are_read(registry: LocalEcr, tmp_path: Path) -> None:
    of_plan = write(tmp_path, "plan.json", plan(("shop/web", keep(7)), ("payments/api", None)))
    assert found(audit([f"file://{of_plan}"])) == {
        "applied_policy_differs": ["shop/web"],
        "expected_policy_unknown": ["payments/api"],
    }
    for_all = write(tmp_path, "all.json", keep(6))
    globs = {"payments/*": str(for_all), "shop/web": str(write(tmp_path, "web.json", keep(5)))}
    assert found(audit(json.dumps(globs))) == {"applied_policy_differs": ["payments/api", "payments/webhooks"]}


def test_candidates_cannot_be_compared_with_the_files(registry: LocalEcr, tmp_path: Path) -> None:
    path = write(tmp_path, "payments/api.json", keep(5))
    with pytest.raises(ValueError, match="this task previews candidates"):
        audit(str(path.parent.parent), lifecycle_policy_text=keep(1))
    assert not len(registry.calls)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing", None, "expected_policies: "),
        ("empty/x.txt", "x", "no file in this folder"),
        ("one.json", keep(5), "does not name its repository"),
        ("image.json", "\xff", "expected_policies: "),
    ],
)
def test_files_that_cannot_be_read_are_refused_before_any_call(
    tmp_path: Path, name: str, content: Any, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        write(tmp_path, name, content)
    if content == "\xff":
        path.write_bytes(b"\xff\xff")
    with pytest.raises(ValueError, match=message):
        read_expected_policies(str(path.parent if name.startswith("empty") else path))


@pytest.mark.parametrize("nothing", [None, "", [], {}, "None"])
def test_no_files_mean_that_nothing_is_expected(nothing: Any) -> None:
    assert read_expected_policies(nothing) is None


def test_other_values_are_refused() -> None:
    with pytest.raises(ValueError, match="expected_policies is a int"):
        read_expected_policies(3)


def test_a_relative_path_starts_at_the_folder_of_the_dag_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        "git/api.yaml",
        "rules:\n- rulePriority: 1\n  selection: {tagStatus: any, countType: imageCountMoreThan, countNumber: 5}\n  action: {type: expire}\n",
    )
    policies = read_expected_policies("git", tmp_path)
    assert policies is not None
    assert set(policies.by_name) == {"api"}


def _path(uri: str) -> Any:
    from airflow.sdk import ObjectStoragePath  # noqa: PLC0415

    return ObjectStoragePath(uri)
