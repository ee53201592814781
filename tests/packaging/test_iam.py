"""The IAM actions of the operators, as data and in the README."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_ecr_preview.iam import IAM_ACTIONS, ROLES, role_actions, role_policies_markdown

MUTATING = ("Put", "Delete", "BatchDelete", "Update", "Create", "Set", "Tag", "Untag", "Complete", "Upload", "Initiate")


def test_the_readme_has_the_policies_of_the_roles() -> None:
    assert role_policies_markdown() in (Path(__file__).parents[2] / "README.md").read_text()


def test_the_auditor_may_change_nothing() -> None:
    assert not [action for action in role_actions("auditor") if action.partition(":")[2].startswith(MUTATING)]


def test_only_the_cleaner_may_delete() -> None:
    assert [role for role in ROLES if "ecr:BatchDeleteImage" in role_actions(role)] == ["cleaner"]


def test_every_operator_that_calls_aws_has_a_role() -> None:
    assert {name for names in ROLES.values() for name in names} == set(IAM_ACTIONS)
