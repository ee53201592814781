"""The trigger form of every example can be sent as it opens, and what it sends is what the DAG takes."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG

from tests.dags.conftest import EXAMPLES


def is_required(schema: dict[str, Any]) -> bool:
    """Return whether the form wants a value: it does unless null is among the types, or no type is named."""
    types = schema.get("type", "null")
    return "null" not in ([types] if isinstance(types, str) else types)


def says(param: Any) -> str:
    """Return the help of a field."""
    return param.description or param.schema.get("description_md", "")


@pytest.mark.parametrize("dag_id", EXAMPLES)
def test_no_field_of_the_form_is_empty_that_has_to_be_filled_in(examples: dict[str, DAG], dag_id: str) -> None:
    params = examples[dag_id].params
    assert not [name for name in params if is_required(params.get_param(name).schema) and params[name] in (None, "")]


@pytest.mark.parametrize("dag_id", EXAMPLES)
def test_the_form_is_valid_as_it_opens(examples: dict[str, DAG], dag_id: str) -> None:
    params = examples[dag_id].params
    assert params.validate() == params.dump()


@pytest.mark.parametrize("dag_id", EXAMPLES)
def test_a_choice_between_values_names_its_type(examples: dict[str, DAG], dag_id: str) -> None:
    params = examples[dag_id].params
    schemas = {name: params.get_param(name).schema for name in params}
    assert not [name for name, schema in schemas.items() if "enum" in schema and "type" not in schema]


@pytest.mark.parametrize("dag_id", EXAMPLES)
def test_every_field_has_a_title_and_says_what_to_enter(examples: dict[str, DAG], dag_id: str) -> None:
    params = examples[dag_id].params
    schemas = {name: params.get_param(name).schema for name in params}
    assert not [name for name, schema in schemas.items() if "title" not in schema]
    assert not [name for name, schema in schemas.items() if not says(params.get_param(name))]


@pytest.mark.parametrize("dag_id", EXAMPLES)
def test_a_field_that_takes_free_text_has_an_example(examples: dict[str, DAG], dag_id: str) -> None:
    params = examples[dag_id].params
    schemas = {name: params.get_param(name).schema for name in params}
    texts = {
        name: schema for name, schema in schemas.items() if "string" in schema.get("type", "") and "enum" not in schema
    }
    assert not [name for name, schema in texts.items() if not schema.get("examples")]


@pytest.mark.parametrize("dag_id", EXAMPLES)
def test_the_number_of_runs_at_a_time_is_limited(examples: dict[str, DAG], dag_id: str) -> None:
    assert examples[dag_id].max_active_runs <= 4


@pytest.mark.parametrize("dag_id", EXAMPLES)
def test_a_list_takes_what_is_typed(examples: dict[str, DAG], dag_id: str) -> None:
    params = examples[dag_id].params
    # With examples, Airflow's form offers those and takes nothing else.
    assert not [name for name in params if {"items", "examples"} <= {*params.get_param(name).schema}]
