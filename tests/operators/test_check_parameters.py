"""The parameters of the checks are the same in every operator that makes the checks."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from typing import Any
from unittest import mock

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from airflow_provider_ecr_preview.operators._check_parameters import CHECKED_TEMPLATE_FIELDS, CheckParameters
from airflow_provider_ecr_preview.operators.ecr_cleanup import (
    EcrDeletePreviewedImagesOperator,
    EcrPutLifecyclePolicyOperator,
)

OPERATORS = (EcrDeletePreviewedImagesOperator, EcrPutLifecyclePolicyOperator)
DEFAULTS = {field.name: field.default for field in fields(CheckParameters)}


def documented(cls: type[Any]) -> dict[str, str]:
    texts = re.findall(r":param (\w+):(.*?)(?=\n\s*:\w|\Z)", cls.__doc__ or "", re.DOTALL)
    return {name: " ".join(text.split()) for name, text in texts}


def annotations(operator: type[Any]) -> dict[str, str]:
    return {name: parameter.annotation for name, parameter in inspect.signature(operator).parameters.items()}


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_signature_has_every_parameter_of_the_checks_with_its_default(operator: type[Any]) -> None:
    parameters = inspect.signature(operator).parameters
    assert {name: parameters[name].default for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_docstring_says_the_same_of_every_parameter_of_the_checks(operator: type[Any]) -> None:
    assert {name: documented(operator)[name] for name in DEFAULTS} == documented(CheckParameters)


def test_the_operators_agree_on_types_and_texts_of_what_they_share() -> None:
    delete, put = map(annotations, OPERATORS)
    shared = {name for name in delete.keys() & put.keys() if name != "kwargs"}
    assert shared == {*DEFAULTS, "check_only", "dry_run", "on_blocked", "summary"}
    assert {name: delete[name] for name in shared} == {name: put[name] for name in shared}
    texts, others = map(documented, OPERATORS)
    assert {name: texts[name] for name in shared} == {name: others[name] for name in shared}


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_parameter_of_the_checks_is_an_attribute_that_airflow_renders(operator: type[Any]) -> None:
    given = {name: f"{{{{ params.{name} }}}}" for name in DEFAULTS}
    task = operator(task_id="task", summary=[], **given)
    assert {name: getattr(task, name) for name in DEFAULTS} == given
    assert {name for name in CHECKED_TEMPLATE_FIELDS if not hasattr(task, name)} == set()
    assert set(CHECKED_TEMPLATE_FIELDS) <= set(operator.template_fields)
    assert CheckParameters.of(task) == CheckParameters(**given)


@pytest.mark.parametrize("operator", OPERATORS)
def test_default_args_and_a_mapped_task_set_the_parameters_of_the_checks(operator: type[Any]) -> None:
    task = operator(task_id="task", summary=[], default_args={"max_images": 7, "protected_tags": ["prod"]})
    assert (task.max_images, task.protected_tags) == (7, ["prod"])
    mapped = operator.partial(task_id="mapped", max_images=7, min_age_days=1).expand(summary=[[], []])
    assert mapped.partial_kwargs["max_images"] == 7


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_limit_of_none_in_a_dag_lifts_the_limit_and_one_that_a_template_leaves_does_not(operator: type[Any]) -> None:
    task = operator(task_id="task", summary=[], max_images=None, max_preview_age=None)
    task.max_share = None
    settings = CheckParameters.of(task).settings()
    assert (settings.max_images, settings.max_preview_age, settings.max_share) == (None, None, DEFAULTS["max_share"])


@pytest.mark.parametrize("operator", OPERATORS)
def test_outputs_of_other_tasks_make_those_tasks_upstream(operator: type[Any]) -> None:
    with DAG("dag", schedule=None):
        audit, other, in_use, approve = (
            EmptyOperator(task_id=name) for name in ("audit", "other", "in_use", "approve")
        )
        task = operator(
            task_id="task",
            summary=[audit.output, other.output],
            in_use=in_use.output,
            approved=approve.output,
        )
    assert task.upstream_task_ids == {"audit", "other", "in_use", "approve"}


@pytest.mark.parametrize("operator", OPERATORS)
def test_outputs_of_other_tasks_are_replaced_by_their_values_before_the_operator_runs(operator: type[Any]) -> None:
    values = {"audit": {"schema": "of the audit"}, "in_use": {"schema": "of in_use"}}
    with DAG("dag", schedule=None):
        audit, in_use = (EmptyOperator(task_id=name) for name in values)
        task = operator(task_id="task", summary=[audit.output], in_use=in_use.output)

    def pulled(task_ids: str, **_: Any) -> Any:
        return values[task_ids]

    ti = mock.Mock(xcom_pull=pulled, map_index=-1)
    task.render_template_fields({"ti": ti, "run_id": "run", "expanded_ti_count": None})
    assert (task.summary, task.in_use) == ([values["audit"]], values["in_use"])
