"""The operations of ECR on a registry and its repositories."""

from __future__ import annotations

from typing import Any, cast

from airflow_provider_ecr_preview.local.paging import invalid, page_after
from airflow_provider_ecr_preview.local.replication import check_rules, replicas_of
from airflow_provider_ecr_preview.local.repositories import LocalRepository
from airflow_provider_ecr_preview.local.request import Request

MAX_PER_PAGE = 1_000


def describe_repositories(request: Request) -> dict[str, Any]:
    """Return one page of a registry's repositories, or the named repositories."""
    parameters = request.parameters
    names = parameters.get("repositoryNames")
    if names and ("maxResults" in parameters or "nextToken" in parameters):
        raise invalid("repositoryNames", "repositoryNames cannot be combined with maxResults or nextToken")
    repositories = cast(
        "list[LocalRepository]",
        request.backend.describe_repositories(repository_names=names),
    )
    if names:
        return {"repositories": [repository.describe() for repository in repositories]}
    page, token = page_after(
        repositories, parameters, largest=MAX_PER_PAGE, serial=lambda repository: repository.serial
    )
    answer: dict[str, Any] = {"repositories": [repository.describe() for repository in page]}
    return answer | ({"nextToken": token} if token else {})


def put_registry_scanning_configuration(request: Request) -> dict[str, Any]:
    """Set how repositories are scanned. moto requires rules; here they may be missing, which means none."""
    configuration = {
        "scanType": request.parameters.get("scanType", "BASIC"),
        "rules": request.parameters.get("rules") or [],
    }
    request.backend.put_registry_scanning_configuration(configuration["scanType"], configuration["rules"])
    return {"registryScanningConfiguration": configuration}


def put_replication_configuration(request: Request) -> dict[str, Any]:
    """Replace the replication rules; moto accepts only one, and drops members that botocore's model lacks."""
    backend, configuration = request.backend, request.parameters.get("replicationConfiguration", {})
    check_rules(configuration.get("rules", ()), (backend.account_id, backend.region_name), request.registry.regions)
    backend.replication_config = {"rules": list(configuration.get("rules", ()))}
    return {"replicationConfiguration": backend.replication_config}


def describe_image_replication_status(request: Request) -> dict[str, Any]:
    """Return where an image was replicated to. Copies are there immediately, so no status is other than COMPLETE."""
    repository, image_id = request.repository, request.parameters["imageId"]
    image = repository.find(image_id)
    return {
        "repositoryName": repository.name,
        "imageId": {name: image_id[name] for name in ("imageDigest", "imageTag") if name in image_id},
        "replicationStatuses": [
            {"region": region_name, "registryId": account_id, "status": "COMPLETE"}
            for account_id, region_name in replicas_of(request.registry, repository, image)
        ],
    }


def describe_registry(request: Request) -> dict[str, Any]:
    """Return the replication rules of the caller's own registry."""
    return {
        "registryId": request.backend.account_id,
        "replicationConfiguration": request.backend.replication_config,
    }
