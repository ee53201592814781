"""The output of another task that turns out to be None is refused where None would mean something wider."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from airflow_provider_ecr_preview.sensors.ecr_preview import EcrLifecyclePolicyPreviewSensor
from airflow_provider_ecr_preview.templating.outputs import RESULTS
from tests.support.operators import registered_operators

PUSHED = {"policy_fingerprint": "a0" * 32, "status": "COMPLETE"}


def rendered(task: Any, pushed: Mapping[str, Any]) -> Any:
    """Return a task whose fields are rendered as Airflow does, with the XComs of another task."""

    def xcom_pull(*, key: str, default: Any, **_: Any) -> Any:
        return pushed.get(key, default)

    ti = SimpleNamespace(xcom_pull=xcom_pull, task=task, task_id=task.task_id, map_index=-1, dag_id="d", run_id="run")
    task.render_template_fields({"ti": ti, "dag": task.dag, "run_id": "run"}, task.dag.get_template_env())
    return task


def started(dag: DAG) -> Any:
    return EcrStartLifecyclePolicyPreviewOperator(task_id="start", repository_name="payments/api", dag=dag)


@pytest.fixture
def dag() -> DAG:
    return DAG("d", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC))


def test_a_key_of_the_started_preview_reaches_the_next_task(dag: DAG) -> None:
    summarize = EcrSummarizeLifecyclePolicyPreviewOperator(
        task_id="summarize",
        repository_name="payments/api",
        policy_fingerprint=started(dag).output["policy_fingerprint"],
        dag=dag,
    )
    assert summarize.upstream_task_ids == {"start"}
    assert rendered(summarize, PUSHED).policy_fingerprint == "a0" * 32


@pytest.mark.parametrize("operator", [EcrStartLifecyclePolicyPreviewOperator, EcrLifecyclePolicyPreviewSensor])
def test_the_result_of_a_preview_is_pushed_by_key(operator: Any) -> None:
    assert operator(task_id="task", repository_name="payments/api").multiple_outputs is True


@pytest.mark.parametrize("operator", sorted(set(registered_operators()), key=lambda operator: operator.__name__))
def test_every_parameter_refuses_a_key_that_the_other_task_did_not_push(dag: DAG, operator: type[BaseOperator]) -> None:
    missing = started(dag).output["policy_fingerprnt"]
    needed = {"audits": [], "summary": [], "candidates": {}, "repository_name": "a/b", "repository_names": "a/b"}
    needed |= {"region_name": "us-east-1", "applied": {}, "changes": {}, "audit": {}}
    parameters = {name for cls in operator.__mro__ for name in getattr(cls.__init__, "__annotations__", {})}
    needed = {name: value for name, value in needed.items() if name in parameters}
    for name in sorted({*operator.template_fields} & parameters - {"subject", "body"}):
        task = operator(task_id=f"with_{name}", dag=dag, **{**needed, name: missing})
        with pytest.raises(
            ValueError, match=rf"{name} is None: the task 'start' pushed no value under the key 'policy_fing"
        ):
            rendered(task, PUSHED)


def test_a_task_without_a_result_is_refused_where_none_means_something_else(dag: DAG) -> None:
    result = started(dag).output
    task = EcrAuditLifecyclePoliciesOperator(task_id="a", repository_names="a/b", lifecycle_policy_text=result, dag=dag)
    with pytest.raises(ValueError, match="lifecycle_policy_text is None: the task 'start' has no result"):
        rendered(task, {})
    task = EcrAuditLifecyclePoliciesOperator(task_id="b", repository_names="a/b", reports_path=result, dag=dag)
    assert rendered(task, {}).reports_path is None


def test_the_parameters_that_take_results_are_parameters() -> None:
    assert set(RESULTS) <= {name for operator in registered_operators() for name in operator.template_fields}
