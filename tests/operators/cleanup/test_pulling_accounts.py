"""Accounts that may pull from a repository and were not read are said, and block nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.in_use.images import ImagesInUse
from airflow_provider_ecr_preview.local import LocalEcr
from tests.operators.cleanup.collected import ACCOUNT, REGION, REPOSITORY

OTHER, THIRD = "111111111111", "222222222222"


def allow(*account_ids: str, **more: Any) -> str:
    principals = [f"arn:aws:iam::{account_id}:root" for account_id in account_ids]
    statement = {"Sid": "Pull", "Effect": "Allow", "Principal": {"AWS": principals}, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Action": ["ecr:BatchGetImage"]}]})


@pytest.fixture
def policies(local_ecr: LocalEcr, bench: Any) -> None:
    """Let one account pull by the policy of the repository, and another one by that of the registry."""
    resource = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/payments/*"
    local_ecr.repository(REPOSITORY).policy = allow(OTHER)
    # moto takes none that allows to pull.
    local_ecr.backend(REGION, ACCOUNT).registry_policy = allow(THIRD, Resource=resource)


def in_use_in(in_use: ImagesInUse, *account_ids: str) -> ImagesInUse:
    in_use.sources += [{"source": "ecs", "account_id": account_id, "region_name": REGION} for account_id in account_ids]
    return in_use


@pytest.mark.changes_registry
@pytest.mark.usefixtures("policies")
def test_accounts_that_may_pull_and_were_not_read_are_named_and_block_nothing(
    bench: Any, in_use: Any, local_ecr: LocalEcr
) -> None:
    result = bench.clean_up(bench.preview(), in_use=in_use_in(in_use(), OTHER))
    check = bench.check(result, "pulling_accounts")
    assert check["verdict"] == "warned"
    assert check["message"] == f"These accounts can pull images, but what they run was not read: {THIRD}."
    assert "required_scope" in check["remedy"]
    assert result["touched_image_count"] == 10
    assert (local_ecr.calls.count("GetRepositoryPolicy"), local_ecr.calls.count("GetRegistryPolicy")) == (1, 1)


@pytest.mark.usefixtures("policies")
def test_accounts_that_were_all_read_are_nothing_to_look_at(bench: Any, in_use: Any) -> None:
    result = bench.clean_up(bench.preview(), in_use=in_use_in(in_use(), OTHER, THIRD), dry_run=True)
    assert bench.check(result, "pulling_accounts")["message"] == (
        f"What runs was read in every account that can pull: {OTHER}, {THIRD}."
    )


def test_a_repository_without_a_policy_is_pulled_from_by_its_own_account_alone(bench: Any) -> None:
    check = bench.check(bench.clean_up(bench.preview(), dry_run=True), "pulling_accounts")
    assert (check["verdict"], check["message"]) == ("passed", "No other account can pull.")


@pytest.mark.changes_registry
@pytest.mark.parametrize("action", ["ecr:GetRepositoryPolicy", "ecr:GetRegistryPolicy"])
def test_a_policy_without_permission_to_read_is_reported_and_blocks_nothing(
    bench: Any, local_ecr: LocalEcr, action: str
) -> None:
    local_ecr.deny(action)
    result = bench.clean_up(bench.preview())
    check = bench.check(result, "pulling_accounts")
    assert check["verdict"] == "warned"
    assert action in f"{check['message']} {check['remedy']}"
    assert result["touched_image_count"] == 10


def test_a_policy_that_cannot_be_parsed_is_reported(bench: Any, local_ecr: LocalEcr) -> None:
    local_ecr.repository(REPOSITORY).policy = "[]"
    check = bench.check(bench.clean_up(bench.preview(), dry_run=True), "pulling_accounts")
    assert (check["verdict"], "a policy cannot be read" in check["message"]) == ("warned", True)


def test_without_check_in_use_no_policy_is_read(bench: Any, local_ecr: LocalEcr) -> None:
    result = bench.clean_up(bench.preview(), in_use=None, check_in_use=False, dry_run=True)
    assert bench.check(result, "pulling_accounts")["verdict"] == "off"
    assert not local_ecr.calls.count("GetRepositoryPolicy")
