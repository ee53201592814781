"""A response about another repository or registry is rejected, whichever call it answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.exceptions import MalformedResponseError
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.selection import RepositorySelection
from airflow_provider_ecr_preview.engine.manifests import batch_get_image_of, freed_by
from airflow_provider_ecr_preview.engine.pull_policies import PullPolicies
from airflow_provider_ecr_preview.engine.registry_facts import read_registry_facts
from airflow_provider_ecr_preview.engine.repository_lister import RepositoryLister
from airflow_provider_ecr_preview.hooks.ecr_cleanup import EcrImageCleanupHook
from airflow_provider_ecr_preview.local import LocalEcr, malformed
from tests.support.policies import keep

pytestmark = pytest.mark.changes_registry

NAME = "payments/api"
REGISTRY = "123456789012"
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "210987654321"}, "Action": "ecr:BatchGetImage"}],
    }
)
Hook = EcrImageCleanupHook


def digest(hook: Hook) -> str:
    return next(hook.iter_repository_images(NAME)).image_digest


CALLS: dict[str, Callable[[Hook, str | None], Any]] = {
    "StartLifecyclePolicyPreview": lambda hook, registry: hook.start_preview(NAME, registry_id=registry),
    "GetLifecyclePolicyPreview": lambda hook, registry: hook.get_preview_status(NAME, registry_id=registry),
    "DescribeImages": lambda hook, registry: list(hook.iter_repository_images(NAME, registry_id=registry)),
    "GetLifecyclePolicy": lambda hook, registry: hook.get_lifecycle_policy(NAME, registry_id=registry),
    "PutLifecyclePolicy": lambda hook, registry: hook.put_lifecycle_policy(
        NAME, LifecyclePolicy.parse(keep(3)), registry_id=registry
    ),
    "DeleteLifecyclePolicy": lambda hook, registry: hook.delete_lifecycle_policy(NAME, registry_id=registry),
    "UpdateImageStorageClass": lambda hook, registry: hook.archive_image(NAME, digest(hook), registry_id=registry),
    "BatchGetImage": lambda hook, registry: batch_get_image_of(hook, NAME, registry)([{"imageDigest": digest(hook)}]),
}


@pytest.fixture
def hook(local_ecr: LocalEcr) -> Hook:
    local_ecr.create_repository(NAME, policy=keep(2))
    local_ecr.push_many(NAME, 5)
    hook = Hook(outage_timeout=0.0)
    hook.start_preview(NAME)
    return hook


@pytest.mark.parametrize("operation", CALLS)
def test_an_answer_about_another_repository_is_rejected(local_ecr: LocalEcr, hook: Hook, operation: str) -> None:
    local_ecr.inject(malformed("other repository"), operation, calls=None)
    with pytest.raises(MalformedResponseError, match=r"about the repository 'somebody/else' instead of 'payments/api'"):
        CALLS[operation](hook, None)


@pytest.mark.parametrize("operation", CALLS)
def test_an_answer_about_another_registry_is_rejected(local_ecr: LocalEcr, hook: Hook, operation: str) -> None:
    local_ecr.inject(malformed("other registry"), operation, calls=None)
    with pytest.raises(MalformedResponseError, match=r"about the registry '999999999999' instead of '123456789012'"):
        CALLS[operation](hook, REGISTRY)


@pytest.mark.parametrize("operation", CALLS)
def test_without_a_registry_in_the_request_the_answer_may_name_any(
    local_ecr: LocalEcr, hook: Hook, operation: str
) -> None:
    local_ecr.inject(malformed("other registry"), operation, calls=None)
    CALLS[operation](hook, None)


@pytest.mark.parametrize("operation", ["DescribePullThroughCacheRules", "DescribeRepositoryCreationTemplates"])
@pytest.mark.parametrize("kind", ["null items", "empty", "nulls"])
def test_malformed_facts_about_the_registry_are_a_named_error(
    local_ecr: LocalEcr, hook: Hook, operation: str, kind: str
) -> None:
    local_ecr.inject(malformed(kind), operation)
    with pytest.raises(MalformedResponseError, match="the registry"):
        read_registry_facts(hook)


def test_malformed_manifests_leave_the_exact_bytes_unknown(local_ecr: LocalEcr, hook: Hook) -> None:
    inventory = RepositoryInventory()
    inventory.update(hook.iter_repository_images(NAME))
    local_ecr.inject(malformed("null items"), "BatchGetImage")
    freed = freed_by(hook.summarize_preview(NAME), inventory, batch_get_image_of(hook, NAME, None))
    assert freed.freed is None
    assert "BatchGetImage has not the form of ECR's" in str(freed.message)


@pytest.mark.parametrize("kind", ["empty", "nulls"])
def test_malformed_tags_are_a_named_error_of_the_list(local_ecr: LocalEcr, hook: Hook, kind: str) -> None:
    hook.throttle_timeout = 1.0
    local_ecr.inject(malformed(kind), "ListTagsForResource", calls=None)
    with pytest.raises(MalformedResponseError, match=NAME):
        RepositoryLister(hook).names(RepositorySelection.of(tags={"team": "payments"}))


def test_a_list_of_repositories_of_another_registry_is_rejected(local_ecr: LocalEcr, hook: Hook) -> None:
    local_ecr.inject(malformed("other registry"), "DescribeRepositories")
    with pytest.raises(MalformedResponseError, match="about the registry '999999999999'"):
        RepositoryLister(hook, REGISTRY).names(RepositorySelection())


@pytest.mark.parametrize("kind", ["other registry", "other repository"])
def test_a_repository_policy_of_somebody_else_is_unknown(local_ecr: LocalEcr, hook: Hook, kind: str) -> None:
    hook.conn.set_repository_policy(repositoryName=NAME, policyText=POLICY)
    local_ecr.inject(malformed(kind), "GetRepositoryPolicy", calls=None)
    grants = PullPolicies(lambda _: hook).grants_of(RepositoryId(REGISTRY, "us-east-1", NAME))
    assert "is not the answer to the request" in str(grants)
