"""What comes out of XCom is data: no operator renders it, however it is handed over; what the DAG's author wrote is rendered."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator, TaskGroup, task_group

from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrDeletePreviewedImagesOperator
from tests.support.operators import registered_operators

TEMPLATE = "{{ var.value.password }}"
RESULT = {"schema": "ecr-lifecycle-preview-summary/1", "rules": [{"description": TEMPLATE}]}


OPERATORS = sorted(set(registered_operators()), key=lambda operator: operator.__name__)
each_operator = pytest.mark.parametrize("operator", OPERATORS, ids=[operator.__name__ for operator in OPERATORS])


class Producer(BaseOperator):
    """A task whose result is looked at by others."""


def required(operator: type[BaseOperator], *but: str) -> dict[str, Any]:
    """Return arguments without which the operator cannot be made."""
    parameters = inspect.signature(operator.__init__).parameters.values()
    wanted = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty and parameter.kind is parameter.KEYWORD_ONLY
    ]
    needed = {name: "us-east-1" if name == "region_name" else "text" for name in wanted if name not in but}
    if operator.__name__ == "EcrCompareLifecyclePoliciesOperator" and "lifecycle_policy_text" not in but:
        needed["lifecycle_policy_text"] = "{{ policy }}"
    return needed


def rendered(task: Any, xcom: Any) -> BaseOperator:
    """Return the task as it is when it executes, after the task before it has returned ``xcom``."""
    task = task.prepare_for_execution()
    ti = SimpleNamespace(map_index=0, task=task, dag_run=SimpleNamespace(conf={}), xcom_pull=lambda **_: xcom)
    values = SimpleNamespace(value=SimpleNamespace(password="the password"))
    context: Any = {"ti": ti, "dag": task.dag, "dag_run": ti.dag_run, "run_id": "run 1", "var": values}
    task.render_template_fields(context, task.get_template_env())
    found: BaseOperator = ti.task
    return found


@pytest.fixture
def dag() -> Iterator[DAG]:
    with DAG("dag", schedule=None, default_args={"registry_id": "{{ run_id }} by default"}) as dag:
        yield dag


@pytest.fixture
def before(dag: DAG) -> Producer:
    return Producer(task_id="before")


VALUES = [TEMPLATE, [TEMPLATE], {"rules": [{"description": TEMPLATE}]}, RESULT, json.dumps(RESULT)]
each_value = pytest.mark.parametrize("value", VALUES, ids=["text", "list", "dict", "result", "JSON"])


def fields_of(task: BaseOperator) -> dict[str, Any]:
    return {name: getattr(task, name) for name in task.template_fields}


@each_value
@each_operator
def test_expand_kwargs_leaves_the_values_of_xcom_as_they_are(
    before: Producer, operator: type[BaseOperator], value: Any
) -> None:
    kwargs = dict.fromkeys(operator.template_fields, value)
    task = operator.partial(task_id="task", **required(operator, *kwargs)).expand_kwargs(before.output)
    assert fields_of(rendered(task, [kwargs])) == kwargs


@each_value
@each_operator
def test_expand_leaves_the_values_of_xcom_as_they_are(
    before: Producer, operator: type[BaseOperator], value: Any
) -> None:
    kwargs = dict.fromkeys(operator.template_fields, before.output)
    task = operator.partial(task_id="task", **required(operator, *kwargs)).expand(**kwargs)
    assert fields_of(rendered(task, [value])) == dict.fromkeys(kwargs, value)


@each_value
@each_operator
def test_a_result_that_is_handed_over_as_it_is_stays_as_it_is(
    before: Producer, operator: type[BaseOperator], value: Any
) -> None:
    given = {**required(operator), **dict.fromkeys(operator.template_fields, before.output)}
    assert set(map(str, fields_of(rendered(operator(task_id="task", **given), value)).values())) == {str(value)}
    in_a_list = {**required(operator), **{key: [before.output] for key in operator.template_fields}}
    assert set(map(str, fields_of(rendered(operator(task_id="list", **in_a_list), value)).values())) == {str([value])}


@each_value
@each_operator
def test_partial_leaves_the_values_of_xcom_as_they_are(
    before: Producer, operator: type[BaseOperator], value: Any
) -> None:
    mapped, *others = operator.template_fields
    given = {**required(operator, mapped), **dict.fromkeys(others, before.output)}
    task = operator.partial(task_id="task", **given).expand(**{mapped: ["{{ 'a' }}", "{{ 'b' }}"]})
    assert fields_of(rendered(task, value)) == {mapped: "a", **dict.fromkeys(others, value)}


@each_operator
def test_what_the_author_wrote_is_rendered(before: Producer, operator: type[BaseOperator]) -> None:
    template = "{{ run_id }}"
    mapped, *others = operator.template_fields
    written = dict.fromkeys(operator.template_fields, template)
    needed = required(operator, *written)
    for number, task in enumerate(
        [
            operator(task_id="plain", **needed, **written),
            operator.partial(task_id="expand", **needed).expand(**{key: [template] for key in written}),
            operator.partial(task_id="kwargs", **needed).expand_kwargs([written]),
            operator.partial(task_id="partial", **needed, **dict.fromkeys(others, template)).expand_kwargs(
                before.output
            ),
        ]
    ):
        assert set(fields_of(rendered(task, [{mapped: "run 1"}])).values()) == {"run 1"}, number
    in_dicts = operator(task_id="dict", **needed, **{key: {"rules": [template]} for key in written})
    assert fields_of(rendered(in_dicts, None)) == {key: {"rules": ["run 1"]} for key in written}


@pytest.mark.parametrize("value", [RESULT, [RESULT], json.dumps(RESULT), json.dumps([RESULT])])
@each_operator
def test_a_result_that_the_dag_file_has_read_stays_as_it_is(dag: DAG, operator: type[BaseOperator], value: Any) -> None:
    task = operator(task_id="task", **{**required(operator), **dict.fromkeys(operator.template_fields, value)})
    assert fields_of(rendered(task, None)) == dict.fromkeys(operator.template_fields, value)


@each_operator
def test_a_path_with_a_secret_is_refused_before_anything_is_done(dag: DAG, operator: type[BaseOperator]) -> None:
    for path in (name for name in operator.template_fields if name.endswith("_path")):
        secret = "s3://key:secret@bucket/x"
        with pytest.raises(ValueError, match=f"{path} has a secret in it: s3://key:...@bucket"):
            operator(task_id=f"constant_{path}", **{**required(operator), path: secret})
        task = operator(task_id=f"rendered_{path}", **required(operator))
        setattr(task, path, secret)
        with pytest.raises(ValueError, match=f"{path} has a secret in it: s3://key:...@bucket"):
            task.pre_execute({})
        operator(task_id=f"fine_{path}", **{**required(operator), path: "s3://aws_default@bucket/x"}).pre_execute({})


def test_the_texts_that_the_class_and_default_args_bring_are_rendered_in_a_mapped_task(before: Producer) -> None:
    audit = next(cls for cls in registered_operators() if cls.__name__ == "EcrAuditLifecyclePoliciesOperator")
    with TaskGroup("group", default_args={"reports_path": "file:///{{ run_id }}"}):
        task = audit.partial(task_id="task").expand_kwargs(before.output)
    done = rendered(task, [{"repository_names": [TEMPLATE]}])
    assert done.audit_id == "dag run 1"
    assert done.registry_id == "run 1 by default"
    assert done.reports_path == "file:///run 1"
    assert done.repository_names == [TEMPLATE]


def test_an_element_of_a_list_in_the_dag_file_may_come_from_xcom(before: Producer) -> None:
    task = EcrDeletePreviewedImagesOperator.partial(task_id="task").expand_kwargs([before.output])
    assert rendered(task, {"summary": {"x": TEMPLATE}}).summary == {"x": TEMPLATE}


def test_a_mapped_task_group_leaves_the_values_of_xcom_as_they_are(before: Producer) -> None:
    tasks = []

    @task_group
    def group(summary: Any) -> None:
        tasks.append(EcrDeletePreviewedImagesOperator(task_id="task", summary=summary))

    group.expand(summary=before.output)
    assert rendered(tasks[0], [{"x": TEMPLATE}]).summary == {"x": TEMPLATE}
