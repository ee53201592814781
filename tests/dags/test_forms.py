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
