"""The operations of ECR on lifecycle policies and their previews."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import LifecyclePolicyNotFoundException

from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.local.paging import invalid
from airflow_provider_ecr_preview.local.request import TAG_STATUSES, Request


def start_lifecycle_policy_preview(request: Request) -> dict[str, Any]:
    """Evaluate a policy, and show the result once the preview is over."""
    request.check_repository_name()
    repository = request.repository
    text = request.parameters.get("lifecyclePolicyText") or repository.lifecycle_policy
    if not text:
        raise LifecyclePolicyNotFoundException(repository.name, repository.registry_id)
    policy = _policy(text)
    if repository.preview is not None and repository.preview.status == "IN_PROGRESS":
        raise ServiceException(
            "LifecyclePolicyPreviewInProgressException",
            f"The previous lifecycle policy preview request for the repository with name '{repository.name}' "
            f"in the registry with id '{repository.registry_id}' has not completed. Wait and try again.",
        )
    preview = request.registry.replace_preview(repository, policy)
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "lifecyclePolicyText": preview.policy_text,
        "status": "IN_PROGRESS",
    }


def get_lifecycle_policy_preview(request: Request) -> dict[str, Any]:
    """Return the state of the repository's preview and one page of its results."""
    parameters = request.parameters
    request.check_repository_name()
    request.check_image_ids()
    request.one_of("tagStatus", TAG_STATUSES, "ANY")
    if "imageIds" in parameters and ("maxResults" in parameters or "nextToken" in parameters):
        raise invalid("imageIds", "imageIds cannot be combined with maxResults or nextToken")
    repository = request.repository
    if repository.preview is None:
        raise ServiceException(
            "LifecyclePolicyPreviewNotFoundException",
            f"There is no lifecycle policy preview for the repository with name '{repository.name}' "
            f"in the registry with id '{repository.registry_id}'",
        )
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        **repository.preview.get(parameters, request.registry.token_life_seconds),
    }


def get_lifecycle_policy(request: Request) -> dict[str, Any]:
    """Return the applied policy, and when it last ran."""
    repository = request.repository
    if not repository.lifecycle_policy:
        raise LifecyclePolicyNotFoundException(repository.name, repository.registry_id)
    ran_at = repository.last_evaluated_at
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "lifecyclePolicyText": repository.lifecycle_policy,
        # AWS does not document the value before the first run.
        "lastEvaluatedAt": 0 if ran_at is None else ran_at.timestamp(),
    }


def delete_lifecycle_policy(request: Request) -> dict[str, Any]:
    """Remove the applied policy, and return it."""
    answer = get_lifecycle_policy(request)
    repository = request.repository
    repository.lifecycle_policy = repository.last_evaluated_at = None
    return answer


def put_lifecycle_policy(request: Request) -> dict[str, Any]:
    """Apply a policy in the current grammar, which moto knows only in part."""
    repository = request.repository
    repository.lifecycle_policy = _policy(request.parameters.get("lifecyclePolicyText", "")).text
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "lifecyclePolicyText": repository.lifecycle_policy,
    }


def check_policy(text: str) -> None:
    """Refuse a policy that ECR refuses.

    :param text: the policy.
    :raises InvalidParameterException: if ECR refuses it.
    """
    _policy(text)


@lru_cache(maxsize=256)
def _policy(text: str) -> LifecyclePolicy:
    """Return the policy; the cache is for audits, which send one text to thousands of repositories."""
    try:
        return LifecyclePolicy.parse(text)
    except InvalidLifecyclePolicyError as error:
        findings = "; ".join(map(str, error.findings))
        raise invalid("LifecyclePolicyText", f"Lifecycle policy validation failure: {findings}") from error
