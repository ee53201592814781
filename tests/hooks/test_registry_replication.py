"""What DescribeRegistry says about replicated deletions reaches the hook, whatever botocore's model knows."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ecr_preview.core.exceptions import AccessDeniedError, EcrUnreachableError, ThrottledError
from airflow_provider_ecr_preview.core.replication import DeletionRule, RegistryReplication
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.local import AccessDenied, Altered, LocalEcr, TruncatedBody, server_error, throttled

ACCOUNT = "123456789012"
WEST = (ACCOUNT, "eu-west-1")


@pytest.fixture
def hook() -> EcrLifecyclePolicyPreviewHook:
    return EcrLifecyclePolicyPreviewHook(throttle_timeout=0.3)


def test_the_setting_that_botocore_may_drop_is_read(local_ecr: LocalEcr, hook: EcrLifecyclePolicyPreviewHook) -> None:
    local_ecr.replicate((ACCOUNT, "eu-north-1"))
    local_ecr.replicate(WEST, prefixes=["payments/"], deletions=True)
    rule = DeletionRule(("payments/",), (WEST,))
    assert hook.get_registry_replication() == RegistryReplication(ACCOUNT, "us-east-1", (rule,))


def test_a_registry_without_rules_replicates_nothing(local_ecr: LocalEcr, hook: EcrLifecyclePolicyPreviewHook) -> None:
    assert hook.get_registry_replication() == RegistryReplication(ACCOUNT, "us-east-1")


def test_every_region_has_rules_of_its_own(local_ecr: LocalEcr) -> None:
    local_ecr.replicate(WEST, deletions=True)
    other = EcrLifecyclePolicyPreviewHook(region_name="eu-west-1")
    assert other.get_registry_replication() == RegistryReplication(ACCOUNT, "eu-west-1")


def test_a_refusal_names_the_action(local_ecr: LocalEcr, hook: EcrLifecyclePolicyPreviewHook) -> None:
    local_ecr.inject(AccessDenied(), "DescribeRegistry")
    with pytest.raises(AccessDeniedError, match=r"the registry .*ecr:DescribeRegistry") as denied:
        hook.get_registry_replication()
    assert denied.value.action == "ecr:DescribeRegistry"


@pytest.mark.parametrize("fault", [server_error(), throttled(), TruncatedBody()], ids=["500", "throttled", "cut off"])
def test_a_call_that_fails_once_is_repeated(
    local_ecr: LocalEcr, hook: EcrLifecyclePolicyPreviewHook, fault: Any
) -> None:
    local_ecr.replicate(WEST, deletions=True)
    local_ecr.inject(fault, "DescribeRegistry")
    assert hook.get_registry_replication().deletion_rules


def without_rules(answer: dict[str, Any]) -> None:
    answer["replicationConfiguration"] = {"rules": {}}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (TruncatedBody(), EcrUnreachableError),
        (throttled(), ThrottledError),
        (Altered(without_rules), EcrUnreachableError),
    ],
    ids=["cut off", "throttled", "another shape"],
)
def test_an_answer_that_cannot_be_read_is_never_none(
    local_ecr: LocalEcr, hook: EcrLifecyclePolicyPreviewHook, fault: Any, error: type[Exception]
) -> None:
    local_ecr.inject(fault, "DescribeRegistry", calls=None)
    with pytest.raises(error):
        hook.get_registry_replication()
