"""A response that ECR never sends is rejected by name, and never counts as an empty preview."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.exceptions import EcrUnreachableError, MalformedResponseError
from airflow_provider_ecr_preview.engine.fleet.run import PreviewFleet, PreviewTarget
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.faults import Altered
from tests.support.policies import keep

REPOSITORY = "payments/api"
POLICY = keep(2)
Change = Callable[[dict[str, Any]], Any]


def of_first(**values: Any) -> Change:
    return lambda response: response["previewResults"][0].update(values)


CHANGES: dict[str, Change] = {
    "an unknown action": of_first(action={"type": "QUARANTINE"}),
    "an unknown action, counted nowhere": lambda response: (
        response.update(previewResults=[{**response["previewResults"][0], "action": {"type": "QUARANTINE"}}]),
        response["summary"].update(expiringImageTotalCount=0),
    ),
    "an expiry with a target": of_first(action={"type": "EXPIRE", "targetStorageClass": "ARCHIVE"}),
    "a transition without a target": of_first(action={"type": "TRANSITION"}),
    "no action": lambda response: response["previewResults"][0].pop("action"),
    "an action that is null": of_first(action=None),
    "no digest": lambda response: response["previewResults"][0].pop("imageDigest"),
    "a digest that is null": of_first(imageDigest=None),
    "a priority that is a text": of_first(appliedRulePriority="1"),
    "a time that is none": of_first(imagePushedAt="yesterday"),
    "an image that is null": lambda response: response["previewResults"].append(None),
    "no results": lambda response: response.pop("previewResults"),
    "results that are null": lambda response: response.update(previewResults=None),
    "results that are a text": lambda response: response.update(previewResults="none"),
    "another repository": lambda response: response.update(repositoryName="payments/web"),
    "no repository": lambda response: response.pop("repositoryName"),
    "no policy": lambda response: response.pop("lifecyclePolicyText"),
    "a policy that is null": lambda response: response.update(lifecyclePolicyText=None),
    "a policy that is not JSON": lambda response: response.update(lifecyclePolicyText="{"),
    "a status that is null": lambda response: response.update(status=None),
    "a count below zero": lambda response: response["summary"].update(expiringImageTotalCount=-1),
    "a count that is a text": lambda response: response["summary"].update(expiringImageTotalCount="none"),
}


@pytest.fixture
def repository(local_ecr: LocalEcr) -> LocalEcr:
    local_ecr.create_repository(REPOSITORY, policy=POLICY)
    local_ecr.push_many(REPOSITORY, 5)
    return local_ecr


@pytest.mark.parametrize("what", CHANGES)
def test_a_hook_rejects_a_preview(repository: LocalEcr, what: str) -> None:
    hook = EcrLifecyclePolicyPreviewHook(outage_timeout=0.0)
    hook.start_preview(REPOSITORY)
    repository.inject(Altered(CHANGES[what]), calls=None)
    with pytest.raises(EcrUnreachableError, match=REPOSITORY):
        hook.summarize_preview(REPOSITORY)


@pytest.mark.parametrize("what", CHANGES)
def test_an_audit_records_a_preview_as_failed(repository: LocalEcr, what: str) -> None:
    repository.inject(Altered(CHANGES[what]), calls=None)
    fleet = PreviewFleet(hook=EcrLifecyclePolicyPreviewHook(), outage_timeout=0.0, max_workers=1)
    [outcome] = fleet.audit([PreviewTarget(REPOSITORY)])
    assert outcome.status == "failed"
    assert outcome.summary is None
    assert outcome.error in ("MalformedResponseError", "EcrUnreachableError")


def test_a_response_for_another_registry_is_rejected(repository: LocalEcr) -> None:
    hook = EcrLifecyclePolicyPreviewHook()
    hook.start_preview(REPOSITORY, registry_id="123456789012")
    repository.inject(Altered(lambda response: response.update(registryId="210987654321")), calls=None)
    with pytest.raises(MalformedResponseError, match="about the registry '210987654321' instead of '123456789012'"):
        hook.get_preview_status(REPOSITORY, registry_id="123456789012")


def test_an_inventory_of_another_repository_is_rejected(repository: LocalEcr) -> None:
    def change(response: dict[str, Any]) -> None:
        response["imageDetails"][0]["repositoryName"] = "payments/web"

    repository.inject(Altered(change), "DescribeImages", calls=None)
    with pytest.raises(MalformedResponseError, match="about the repository 'payments/web'"):
        list(EcrLifecyclePolicyPreviewHook().iter_repository_images(REPOSITORY))
