"""The IAM actions of the operators, as data and in the documentation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session

from airflow_provider_ecr_preview.iam import (
    FURTHER_IN_USE_ACTIONS,
    IAM_ACTIONS,
    IN_USE_ACTIONS,
    READS_ENVIRONMENT_VARIABLES,
    ROLES,
    in_use_actions_markdown,
    role_actions,
    role_policies_markdown,
)

MUTATING = ("Put", "Delete", "BatchDelete", "Update", "Create", "Set", "Tag", "Untag", "Complete", "Upload", "Initiate")


def test_the_reference_has_the_policies_of_the_roles() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "iam.md"
    assert role_policies_markdown() in page.read_text()


def test_the_auditor_may_change_nothing() -> None:
    assert not [action for action in role_actions("auditor") if action.partition(":")[2].startswith(MUTATING)]


def test_only_the_cleaner_may_delete() -> None:
    assert [role for role in ROLES if "ecr:BatchDeleteImage" in role_actions(role)] == ["cleaner"]


def test_every_operator_that_calls_aws_has_a_role() -> None:
    assert {name for names in ROLES.values() for name in names} == set(IAM_ACTIONS)


def test_the_actions_that_show_environment_variables_are_those_whose_answers_have_a_place_for_them() -> None:
    actions = {
        action for by_source in (IN_USE_ACTIONS, FURTHER_IN_USE_ACTIONS) for of in by_source.values() for action in of
    }
    assert {action for action in actions if shows_environment_variables(action)} == {*READS_ENVIRONMENT_VARIABLES}


@cache
def model_of(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def shows_environment_variables(action: str) -> bool:
    service, _, operation = action.partition(":")
    model = model_of(service).operation_model(operation)
    return bool({*members(model.output_shape, frozenset())} & _ENVIRONMENT)


_ENVIRONMENT = {
    "environment",
    "environmentvariables",
    "runtimeenvironmentvariables",
    "properties",
    "sparksubmitparameters",
}


def members(shape: Any, seen: frozenset[str]) -> Iterator[str]:
    """Yield the names of all members of an answer that hold more than a number, in lower case."""
    if shape.name in seen:
        return
    for name, member in getattr(shape, "members", {}).items():
        # The proxy of a task definition has properties of its own.
        if "Proxy" not in shape.name:
            yield name.lower()
        yield from members(member, seen | {shape.name})
    for inner in (getattr(shape, "member", None), getattr(shape, "value", None)):
        if inner is not None:
            yield from members(inner, seen | {shape.name})


def test_the_guide_has_the_actions_of_every_source() -> None:
    guide = Path(__file__).parents[2] / "docs" / "guides" / "find-images-in-use.md"
    assert in_use_actions_markdown() in guide.read_text()
