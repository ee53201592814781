"""Add deployments of ECS services, which moto lacks: they pin the tags of a task definition to digests."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from moto.core.models import DEFAULT_ACCOUNT_ID

from airflow_provider_ecr_preview.core.in_use.reference import parse_references
from airflow_provider_ecr_preview.local.calls import Call
from airflow_provider_ecr_preview.local.extension import Answer, Extension
from airflow_provider_ecr_preview.local.registry import DEFAULT_REGION
from airflow_provider_ecr_preview.local.reply import Reply

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.local.registry import Registry


ONGOING = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")


class ServiceDeployments(Extension):
    """The deployments and revisions of ECS services.

    A deployment resolves every tag of the task definition to its current digest. The service starts later tasks from
    this digest, even after the tag has moved.

    :param registry: the registry to look up tags in.
    :param refusal: returns the reply of a fault that replaces an answer.
    """

    service = "ecs"
    responses = "moto.ecs.responses.EC2ContainerServiceResponse"

    def __init__(self, registry: Registry, refusal: Callable[[Call], Reply | None]) -> None:
        super().__init__(refusal)
        self._registry = registry
        self._revisions: dict[str, dict[str, Any]] = {}
        self._deployments: list[dict[str, Any]] = []

    def answers(self) -> Mapping[str, Answer]:
        """Return the function that answers each operation."""
        return {
            "DescribeServiceDeployments": self._describe,
            "DescribeServiceRevisions": self._describe_revisions,
            "ListServiceDeployments": self._list,
        }

    def clear(self) -> None:
        """Forget every deployment."""
        self._revisions.clear()
        self._deployments.clear()

    def deploy(
        self,
        cluster: str,
        service: str,
        *,
        status: str = "SUCCESSFUL",
        region_name: str = DEFAULT_REGION,
        account_id: str = DEFAULT_ACCOUNT_ID,
    ) -> str:
        """Redeploy a service with its current task definition, and return the ARN of the new revision.

        While a deployment runs, the previous revision is current as well; the service rolls back to it if the
        deployment fails.

        :param cluster: name of the cluster.
        :param service: name of the service.
        :param status: the status of the deployment.
        :param region_name: the Region.
        :param account_id: the account.
        """
        self.install()
        backend = import_module("moto.ecs.models").ecs_backends[account_id][region_name]
        (found,), _ = backend.describe_services(cluster, [service])
        arn = str(found.arn).replace(":service/", ":service-revision/", 1) + f"/{len(self._revisions) + 1}"
        definition = backend.describe_task_definition(found.task_definition)
        now = datetime.now(UTC)
        self._revisions[arn] = {
            "serviceRevisionArn": arn,
            "serviceArn": found.arn,
            "clusterArn": found.cluster_arn,
            "taskDefinition": found.task_definition,
            "containerImages": [self._pinned(container) for container in definition.container_definitions],
            "createdAt": now,
        }
        before = [revision["arn"] for revision in getattr(found, "current_service_revisions", ())]
        deployment = {
            "serviceDeploymentArn": found.arn.replace(":service/", ":service-deployment/", 1) + f"/{uuid.uuid4().hex}",
            "serviceArn": found.arn,
            "clusterArn": found.cluster_arn,
            "createdAt": now,
            "status": status,
            "targetServiceRevisionArn": arn,
            "targetServiceRevision": {"arn": arn},
            "sourceServiceRevisions": [{"arn": revision} for revision in before],
        }
        self._deployments.append(deployment)
        current = [arn]
        if status in ONGOING:
            current = [*before, arn]
        elif status != "SUCCESSFUL":
            current = before
        found.current_service_revisions = [{"arn": revision} for revision in current]
        return arn

    def forget_revision(self, arn: str) -> None:
        """Forget a revision, as ECS does after a while.

        :param arn: its ARN.
        """
        del self._revisions[arn]

    def _pinned(self, container: dict[str, Any]) -> dict[str, Any]:
        pinned = {"containerName": container["name"], "image": container["image"]}
        for image in parse_references(container["image"]):
            repository = self._registry.repository(
                image.repository_name, region_name=image.region_name, account_id=image.registry_id
            )
            by_tag = {"imageTag": image.image_tag or ""}
            digest = image.image_digest or repository.find(by_tag).get_image_digest()
            pinned["imageDigest"] = digest
        return pinned

    def _describe_revisions(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return _described("serviceRevisions", parameters["serviceRevisionArns"], self._revisions)

    def _describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        by_arn = {deployment["serviceDeploymentArn"]: deployment for deployment in self._deployments}
        return _described("serviceDeployments", parameters["serviceDeploymentArns"], by_arn)

    def _list(self, parameters: dict[str, Any]) -> dict[str, Any]:
        statuses = parameters.get("status")
        found = [
            deployment
            for deployment in reversed(self._deployments)
            if parameters["service"] in (deployment["serviceArn"], deployment["serviceArn"].rpartition("/")[2])
            and (not statuses or deployment["status"] in statuses)
        ]
        first, size = int(parameters.get("nextToken") or 0), parameters.get("maxResults", 100)
        answer: dict[str, Any] = {"serviceDeployments": found[first : first + size]}
        if first + size < len(found):
            answer["nextToken"] = str(first + size)
        return answer


def _described(key: str, arns: Sequence[str], known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        key: [known[arn] for arn in arns if arn in known],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known],
    }
