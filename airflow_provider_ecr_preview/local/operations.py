"""The ECR operations that moto lacks, and those of its own that it answers too simply."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import ImageNotFoundException, LifecyclePolicyNotFoundException
from moto.ecr.models import ECR_REPOSITORY_NAME_PATTERN, ECRBackend

from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.local.deletion import delete_images
from airflow_provider_ecr_preview.local.images import LocalImage
from airflow_provider_ecr_preview.local.paging import invalid, page_after
from airflow_provider_ecr_preview.local.previews import MAX_IMAGE_IDS
from airflow_provider_ecr_preview.local.registry import Registry
from airflow_provider_ecr_preview.local.replication import check_rules, replicate_push, replicating_deletions
from airflow_provider_ecr_preview.local.repositories import LocalRepository

MAX_DESCRIBED = 1_000


_REPOSITORY_NAME = re.compile(ECR_REPOSITORY_NAME_PATTERN)


_TAG_STATUSES = ("TAGGED", "UNTAGGED", "ANY")


_IMAGE_STATUSES = ("ACTIVE", "ARCHIVED", "ACTIVATING", "ANY")


@dataclass(frozen=True, slots=True)
class Request:
    """A request to one Region of one account.

    :param registry: the registry and its clocks.
    :param backend: moto's store of that Region and account.
    :param parameters: what was sent.
    """

    registry: Registry
    backend: ECRBackend
    parameters: Mapping[str, Any]

    @property
    def repository(self) -> LocalRepository:
        """The repository that the request names.

        :raises RepositoryNotFoundException: if there is none.
        """
        name, registry_id = self.parameters.get("repositoryName", ""), self.parameters.get("registryId")
        return cast("LocalRepository", self.backend._get_repository(name, registry_id))  # noqa: SLF001  # moto's own look-up

    def one_of(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """Return a member of the request's ``filter``.

        :raises InvalidParameterException: if it is none of the allowed values.
        """
        value = self.parameters.get("filter", {}).get(name, default)
        if value not in allowed:
            raise invalid(f"filter.{name}", f"Member must satisfy enum value set: [{', '.join(allowed)}]")
        return str(value)

    def check_repository_name(self) -> None:
        """Refuse a name that no repository can have.

        :raises InvalidParameterException: if it is one.
        """
        name = self.parameters.get("repositoryName")
        if not isinstance(name, str) or not _REPOSITORY_NAME.fullmatch(name):
            raise invalid("repositoryName", f"must satisfy regular expression '{ECR_REPOSITORY_NAME_PATTERN}'")

    def check_image_ids(self) -> None:
        """Refuse more image ids than ECR takes.

        :raises InvalidParameterException: if there are.
        """
        if len(self.parameters.get("imageIds") or ()) > MAX_IMAGE_IDS:
            raise invalid("imageIds", f"Member must have length less than or equal to {MAX_IMAGE_IDS}")


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
    request.one_of("tagStatus", _TAG_STATUSES, "ANY")
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


def describe_images(request: Request) -> dict[str, Any]:
    """Return one page of a repository's images, or the images that are named."""
    parameters = request.parameters
    request.check_image_ids()
    tag_status = request.one_of("tagStatus", _TAG_STATUSES, "ANY")
    image_status = request.one_of("imageStatus", _IMAGE_STATUSES, "ACTIVE")
    repository = request.repository
    if image_ids := parameters.get("imageIds"):
        if "maxResults" in parameters or "nextToken" in parameters:
            raise invalid("imageIds", "imageIds cannot be combined with maxResults or nextToken")
        found = {image.serial: image for image in map(repository.find, image_ids)}
        return {"imageDetails": [image.describe(repository.size_of(image)) for image in found.values()]}

    def is_wanted(image: LocalImage) -> bool:
        return (tag_status == "ANY" or (tag_status == "TAGGED") is bool(image.image_tags)) and (
            image_status in ("ANY", image.status)
        )

    images, token = page_after(
        repository.local_images,
        parameters,
        largest=MAX_DESCRIBED,
        serial=lambda image: image.serial,
        wanted=is_wanted,
    )
    answer: dict[str, Any] = {"imageDetails": [image.describe(repository.size_of(image)) for image in images]}
    return answer | ({"nextToken": token} if token else {})


def describe_repositories(request: Request) -> dict[str, Any]:
    """Return one page of a registry's repositories, or the repositories that are named."""
    parameters = request.parameters
    registry_id, names = parameters.get("registryId"), parameters.get("repositoryNames")
    if names and ("maxResults" in parameters or "nextToken" in parameters):
        raise invalid("repositoryNames", "repositoryNames cannot be combined with maxResults or nextToken")
    repositories = cast(
        "list[LocalRepository]",
        request.backend.describe_repositories(registry_id=registry_id, repository_names=names),
    )
    if names:
        return {"repositories": [repository.describe() for repository in repositories]}
    page, token = page_after(
        repositories, parameters, largest=MAX_DESCRIBED, serial=lambda repository: repository.serial
    )
    answer: dict[str, Any] = {"repositories": [repository.describe() for repository in page]}
    return answer | ({"nextToken": token} if token else {})


def put_lifecycle_policy(request: Request) -> dict[str, Any]:
    """Apply a policy of today's grammar, of which moto knows a part."""
    repository = request.repository
    repository.lifecycle_policy = _policy(request.parameters.get("lifecyclePolicyText", "")).text
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "lifecyclePolicyText": repository.lifecycle_policy,
    }


def update_image_storage_class(request: Request) -> dict[str, Any]:
    """Archive an image, or begin to restore it."""
    registry, repository = request.registry, request.repository
    image = repository.find(request.parameters.get("imageId", {}))
    target = request.parameters.get("targetStorageClass")
    if target not in ("STANDARD", "ARCHIVE"):
        raise invalid("targetStorageClass", "Member must satisfy enum value set: [STANDARD, ARCHIVE]")
    if image.status != ("ACTIVE" if target == "ARCHIVE" else "ARCHIVED"):
        raise _not_supported(f"The image is {image.status}; its storage class cannot be changed to {target}")
    if target == "ARCHIVE":
        index = repository.index
        if any(index.by_digest[of].status == "ACTIVE" for of in index.lists_naming(image.get_image_digest())):
            raise _not_supported("The image is referenced by a manifest list that is not archived")
        image.archive(registry.now)
    else:
        image.restore(registry.now, registry.clock.monotonic() + registry.restore_seconds)
    status = image.status if target == "ARCHIVE" else "ACTIVATING"
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageId": request.parameters["imageId"],
        "imageStatus": status,
    }


def batch_delete_image(request: Request) -> dict[str, Any]:
    """Delete images, or only tags of them."""
    request.check_image_ids()
    image_ids = request.parameters.get("imageIds")
    if not image_ids:
        raise invalid("imageIds", "Member must have length greater than or equal to 1")
    with replicating_deletions(request.registry, request.repository):
        return delete_images(request.backend, request.repository, image_ids)


def put_replication_configuration(request: Request) -> dict[str, Any]:
    """Replace the replication rules of a registry; moto takes one rule and forgets what botocore's model lacks."""
    backend, configuration = request.backend, request.parameters.get("replicationConfiguration", {})
    check_rules(configuration.get("rules", ()), (backend.account_id, backend.region_name))
    backend.replication_config = {"rules": list(configuration.get("rules", ()))}
    return {"replicationConfiguration": backend.replication_config}


def describe_registry(request: Request) -> dict[str, Any]:
    """Return the replication rules of the caller's own registry."""
    return {
        "registryId": request.backend.account_id,
        "replicationConfiguration": request.backend.replication_config,
    }


def replicate_pushed_image(request: Request) -> None:
    """Copy the image that PutImage pushed to where the registry replicates."""
    repository = request.repository
    pushed = {key: request.parameters[key] for key in ("imageDigest", "imageTag") if request.parameters.get(key)}
    if pushed:
        replicate_push(request.registry, repository, [repository.find(pushed)])


def record_pulls(request: Request) -> None:
    """Record a pull of every image that BatchGetImage returned."""
    repository = request.repository
    for image_id in request.parameters.get("imageIds", ()):
        with suppress(ImageNotFoundException):
            repository.find(image_id).pull(request.registry.now)


def _not_supported(message: str) -> ServiceException:
    return ServiceException("ImageStorageClassUpdateNotSupportedException", message)


@lru_cache(maxsize=256)
def _policy(text: str) -> LifecyclePolicy:
    """Return the policy; the cache is for audits, which send one text to thousands of repositories."""
    try:
        return LifecyclePolicy.parse(text)
    except InvalidLifecyclePolicyError as error:
        findings = "; ".join(map(str, error.findings))
        raise invalid("LifecyclePolicyText", f"Lifecycle policy validation failure: {findings}") from error


OPERATIONS: Mapping[str, Callable[[Request], dict[str, Any]]] = {
    "BatchDeleteImage": batch_delete_image,
    "DescribeImages": describe_images,
    "DescribeRegistry": describe_registry,
    "DescribeRepositories": describe_repositories,
    "GetLifecyclePolicyPreview": get_lifecycle_policy_preview,
    "PutLifecyclePolicy": put_lifecycle_policy,
    "PutReplicationConfiguration": put_replication_configuration,
    "StartLifecyclePolicyPreview": start_lifecycle_policy_preview,
    "UpdateImageStorageClass": update_image_storage_class,
}
"""The operations that are answered here; all others are moto's."""


EFFECTS: Mapping[str, Callable[[Request], None]] = {
    "BatchGetImage": record_pulls,
    "PutImage": replicate_pushed_image,
}
"""What an operation of moto's does beyond what moto does."""
