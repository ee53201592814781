"""Whether every account that may pull was read: a person should look, and nothing is blocked."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.plan import CleanupPlan
from airflow_provider_ecr_preview.core.cleanup.pulling_account_checks import pulling_accounts
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.pull_grants import PullGrants
from tests.support.builders import NOW, REGION, REGISTRY_ID, REPOSITORY

A, B = "111111111111", "222222222222"
SUMMARY: Any = {"registry_id": REGISTRY_ID, "region_name": REGION, "repository_name": REPOSITORY}
UNREAD = Unread("denied.", "Allow it.")


class Read:
    """What is in use, of which only the accounts and Regions matter that were read."""

    def __init__(self, *places: str) -> None:
        self.read_scope = places


def answer(pulls: Any, in_use: Any = None, **settings: Any) -> tuple[str, str]:
    used = Read(f"{A}/{REGION}", f"{B}/us-east-1") if in_use is None else in_use
    evidence = Evidence(SUMMARY, UNREAD, UNREAD, UNREAD, used, NOW, pulls=pulls)
    found = pulling_accounts(evidence, CleanupSettings(**settings), CleanupPlan())
    assert found.verdict in ("passed", "warned", "off")
    return found.verdict, found.message


def grants(*account_ids: str, others: tuple[str, ...] = ()) -> PullGrants:
    return PullGrants(frozenset(account_ids), frozenset(others))


def test_an_account_that_was_read_in_the_region_of_the_repository_is_nothing_to_look_at() -> None:
    assert answer(grants()) == ("passed", "No other account can pull.")
    assert answer(grants(A)) == ("passed", f"What runs was read in every account that can pull: {A}.")


def test_an_account_that_was_read_elsewhere_alone_or_anybody_else_is_named() -> None:
    said = "These accounts can pull images, but what they run was not read: "
    assert answer(grants(A, B)) == ("warned", f"{said}{B}.")
    assert answer(grants(others=("every AWS account",))) == ("warned", f"{said}every AWS account.")


def test_of_many_accounts_the_first_are_named() -> None:
    _, message = answer(grants(*(f"{number:012d}" for number in range(13))))
    assert message.endswith("000000000009 and 3 more.")


def test_a_policy_that_could_not_be_read_is_said() -> None:
    assert answer(UNREAD) == ("warned", "The accounts that can pull could not be read: denied.")


@pytest.mark.parametrize(
    ("pulls", "in_use", "check"), [(None, None, True), (grants(B), UNREAD, True), (grants(B), None, False)]
)
def test_where_it_does_not_matter_nothing_is_said(pulls: Any, in_use: Any, check: bool) -> None:
    assert answer(pulls, in_use, check_in_use=check)[0] == "off"
