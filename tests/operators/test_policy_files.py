"""A JSON file can be named in place of a policy, relative to the DAG, and in no other parameter."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrDeletePreviewedImagesOperator
from airflow_provider_ecr_preview.operators.ecr_compare import EcrCompareLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_preview import EcrStartLifecyclePolicyPreviewOperator
from tests.support.policies import keep


@pytest.fixture(params=[False, True], ids=["texts", "native"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Return a folder with policies, and a DAG that finds them."""
    for name in ("policies", "shared"):
        (tmp_path / name).mkdir()
    (tmp_path / "policies" / "keep.json").write_text(json.dumps(keep(10, description="for {{ run_id }}")))
    (tmp_path / "shared" / "all.json").write_text(
        json.dumps({"payments/*": json.loads(json.dumps(keep(10, description="all")))})
    )
    dag = DAG(
        "dag",
        schedule=None,
        template_searchpath=[str(tmp_path), str(tmp_path / "shared")],
        render_template_as_native_obj=request.param,
    )
    return SimpleNamespace(path=tmp_path, dag=dag)


def rendered(task: Any, *, parsed: bool = True) -> Any:
    """Return the task as it is when it executes."""
    if parsed:
        task.dag.resolve_template_files()
    task = task.prepare_for_execution()
    ti = SimpleNamespace(map_index=0, task=task, dag_run=SimpleNamespace(conf={}))
    task.render_template_fields(
        {"ti": ti, "dag": task.dag, "dag_run": ti.dag_run, "run_id": "run 1"}, task.get_template_env()
    )
    return ti.task


def described(value: Any) -> str:
    document = json.loads(value) if isinstance(value, str) else value
    return str(document["rules"][0]["description"])


Make = Callable[..., BaseOperator]


@pytest.mark.parametrize("parsed", [True, False])
@pytest.mark.parametrize(
    "operator",
    [
        lambda **kwargs: EcrStartLifecyclePolicyPreviewOperator(repository_name="x", **kwargs),
        lambda **kwargs: EcrAuditLifecyclePoliciesOperator(repository_names="x", **kwargs),
        lambda **kwargs: EcrCompareLifecyclePoliciesOperator(repository_names="x", **kwargs),
        lambda **kwargs: EcrDeletePreviewedImagesOperator(summary={}, **kwargs),
    ],
    ids=["start", "audit", "compare", "delete"],
)
def test_the_content_of_a_named_file_is_rendered(folder: Any, operator: Make, parsed: bool) -> None:
    with folder.dag:
        task = operator(task_id="task", lifecycle_policy_text="policies/keep.json")
    assert described(rendered(task, parsed=parsed).lifecycle_policy_text) == "for run 1"  # type: ignore[attr-defined]


@pytest.mark.parametrize("parsed", [True, False])
def test_files_can_be_named_for_single_policies_and_for_all(folder: Any, parsed: bool) -> None:
    named = {
        "payments/*": "policies/keep.json",
        "web/*": None,
        "ml/*": json.loads(json.dumps(keep(10, description="a.json"))),
    }
    with folder.dag:
        single = EcrAuditLifecyclePoliciesOperator(task_id="a", repository_names="x", lifecycle_policies=named)
        whole = EcrAuditLifecyclePoliciesOperator(task_id="b", repository_names="x", lifecycle_policies="all.json")
        compared = EcrCompareLifecyclePoliciesOperator(task_id="c", repository_names="x", candidates=named)
    policies = rendered(single, parsed=parsed).lifecycle_policies
    assert described(policies["payments/*"]) == "for run 1"
    assert described(policies["ml/*"]) == "a.json"
    assert policies["web/*"] is None
    assert named["payments/*"] == "policies/keep.json"
    assert "payments/*" in str(rendered(whole, parsed=parsed).lifecycle_policies)
    assert described(rendered(compared, parsed=parsed).candidates["payments/*"]) == "for run 1"


def test_a_mapped_task_reads_the_file_too(folder: Any) -> None:
    with folder.dag:
        partial = EcrAuditLifecyclePoliciesOperator.partial(task_id="a", lifecycle_policy_text="policies/keep.json")
        task = partial.expand(repository_names=[["x"], ["y"]])
    assert described(rendered(task).lifecycle_policy_text) == "for run 1"


def test_no_other_text_that_ends_so_is_opened(folder: Any) -> None:
    with folder.dag:
        start = EcrStartLifecyclePolicyPreviewOperator(task_id="a", repository_name="policies/keep.json")
        audit = EcrAuditLifecyclePoliciesOperator(
            task_id="b", repository_names=["policies/keep.json"], reports_path="policies/keep.json", audit_id="all.json"
        )
        delete = EcrDeletePreviewedImagesOperator(task_id="c", summary="all.json", results_path="policies/keep.json")
    assert rendered(start).repository_name == "policies/keep.json"
    audit, delete = rendered(audit), rendered(delete)
    assert (audit.repository_names, audit.reports_path) == (["policies/keep.json"], "policies/keep.json")
    assert (audit.audit_id, delete.summary, delete.results_path) == ("all.json", "all.json", "policies/keep.json")


@pytest.mark.parametrize("name", ["nowhere.json", "../dag/policies/keep.json", "/etc/keep.json"])
def test_a_missing_policy_file_is_an_error_when_the_task_runs(
    folder: Any, local_ecr: LocalEcr, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with folder.dag:
        task = EcrStartLifecyclePolicyPreviewOperator(
            task_id="a", repository_name="payments/api", lifecycle_policy_text=name
        )
    with pytest.raises(
        InvalidLifecyclePolicyError, match=r"the name of a file that was not found.*template_searchpath"
    ):
        rendered(task).execute({})
    assert not len(local_ecr.calls)


def test_a_name_that_a_template_makes_is_not_opened(folder: Any, local_ecr: LocalEcr) -> None:
    with folder.dag:
        task = EcrStartLifecyclePolicyPreviewOperator(
            task_id="a", repository_name="payments/api", lifecycle_policy_text="policies/{{ 'keep' }}.json"
        )
    task = rendered(task)
    assert task.lifecycle_policy_text == "policies/keep.json"
    with pytest.raises(InvalidLifecyclePolicyError, match="was not found"):
        task.execute({})


def test_a_text_without_a_template_stays_as_it_is_written(folder: Any) -> None:
    texts = ["1.10", "2048", "1_000", "0x1f", "True"]
    with folder.dag:
        task = EcrDeletePreviewedImagesOperator(task_id="a", summary={}, results_path="2048")
    task.protected_tags = texts
    task = rendered(task)
    assert (task.protected_tags, task.results_path) == (texts, "2048")
