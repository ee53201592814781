"""Mapped task instances that are given one path write files of their own; the files of other tasks keep their names."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.former import FormerPolicy
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrDeletePreviewedImagesOperator
from airflow_provider_ecr_preview.reports.former_policies import keep_former_policies, read_former_policies
from tests.operators.test_text_of_xcom import required
from tests.support.operators import registered_operators
from tests.support.policies import keep

FILES = sorted(
    {
        (operator, name)
        for operator in registered_operators()
        for name in operator.template_fields
        if name.endswith("_path") and name != "reports_path"
    },
    key=lambda pair: (pair[0].__name__, pair[1]),
)


def started(task: Any, map_index: int, *, times: int = 1) -> BaseOperator:
    """Return a task as it is when it executes."""
    task = task.prepare_for_execution()
    ti = SimpleNamespace(map_index=map_index, task=task, dag_run=SimpleNamespace(conf={}), xcom_pull=lambda **_: None)
    context: Any = {"ti": ti, "dag": task.dag, "dag_run": ti.dag_run, "run_id": "run", "policy": "{}"}
    task.render_template_fields(context, task.get_template_env())
    found: BaseOperator = ti.task
    for _ in range(times):
        found.pre_execute(context)
    return found


@pytest.mark.parametrize(("operator", "name"), FILES, ids=lambda value: getattr(value, "__name__", value))
def test_each_mapped_instance_writes_its_own_file(operator: type[BaseOperator], name: str) -> None:
    fields = [field for field in operator.template_fields if not field.endswith("_path")]
    mapped = "aws_conn_id" if "aws_conn_id" in fields else fields[0]
    path = "file:///lists/{{ run_id }}.jsonl.gz"
    with DAG("dag", schedule=None):
        given = {**required(operator, mapped), name: path}
        shared = operator.partial(task_id="shared", **given).expand(**{mapped: ["a", "b"]})
        indexed = "file:///lists/{{ ti.map_index }}.jsonl.gz"
        apart = operator.partial(task_id="apart", **{**given, name: indexed}).expand(**{mapped: ["a", "b"]})
        alone = operator(task_id="alone", **required(operator), **{name: path})
    assert [getattr(started(shared, index), name) for index in (0, 1)] == [
        "file:///lists/run-mapped-0.jsonl.gz",
        "file:///lists/run-mapped-1.jsonl.gz",
    ]
    assert getattr(started(shared, 1, times=2), name) == "file:///lists/run-mapped-1.jsonl.gz"
    assert getattr(started(apart, 1), name) == "file:///lists/1.jsonl.gz"
    assert getattr(started(alone, -1), name) == "file:///lists/run.jsonl.gz"
    # In a mapped task group, the operator itself is not mapped.
    assert getattr(started(alone, 4), name) == "file:///lists/run-mapped-4.jsonl.gz"


def test_no_path_stays_no_path() -> None:
    for path in (None, "", "None"):
        task = EcrDeletePreviewedImagesOperator(task_id="x", summary={}, results_path=path)  # type: ignore[arg-type]
        task.pre_execute({"ti": mock.Mock(map_index=2)})  # type: ignore[typeddict-item]
        assert task.results_path == path


def test_restore_finds_the_files_of_mapped_instances_by_the_path_that_all_were_given(tmp_path: Path) -> None:
    def former(name: str, count: int, kept_at: str) -> FormerPolicy:
        repository = RepositoryId("123456789012", "us-east-1", name)
        return FormerPolicy(
            repository, LifecyclePolicy.from_service(json.dumps(keep(count))), "f" * 64, "change", kept_at
        )

    path = f"file://{tmp_path}/former.jsonl.gz"
    with pytest.raises(ValueError, match="cannot be read"):
        read_former_policies(path)
    keep_former_policies(f"file://{tmp_path}/former-mapped-0.jsonl.gz", [former("a", 1, "2026-01-02")], "change")
    keep_former_policies(f"file://{tmp_path}/former-mapped-11.jsonl.gz", [former("b", 2, "2026-01-02")], "change")
    keep_former_policies(f"file://{tmp_path}/former-other.jsonl.gz", [former("c", 3, "2026-01-02")], "change")
    found = read_former_policies(path).former_policies
    assert sorted(policy.repository.repository_name for policy in found) == ["a", "b"]
    # With a file of an earlier release: the last change of each repository is undone, wherever it is.
    keep_former_policies(path, [former("a", 9, "2026-01-01"), former("d", 4, "2026-01-01")], "earlier")
    after = {f.repository.repository_name: f.fingerprint for f in read_former_policies(path).former_policies}
    assert after == {f.repository.repository_name: f.fingerprint for f in found} | {
        "d": former("d", 4, "2026-01-01").fingerprint
    }
