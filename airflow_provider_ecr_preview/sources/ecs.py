"""Find the images that Amazon ECS runs or may start at any time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_ecr_preview.sources.found import ClientOf, FoundReference, all_of, in_parts

_DESCRIBED_AT_ONCE = 100


_SERVICES_AT_ONCE = 10


_DEPLOYMENTS_AT_ONCE = 20


_REVISIONS_AT_ONCE = 20


ONGOING = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
"""States of a deployment that may still roll back to the previous revision."""


_MISSING = "MISSING"
"""ECS's reason for not describing a resource that was deleted after it was listed."""


def ecs(client_of: ClientOf) -> Iterator[FoundReference]:
    """Yield the images that ECS runs or may start at any time.

    These are the images of running tasks, of every ACTIVE task definition, of the task definitions of services and task
    sets (even if no longer ACTIVE), and of service revisions. A service resolves the tags of its task definition when
    it is deployed, and starts later tasks from these digests even if the tags have moved. Three kinds of revisions
    count: current ones, the last deployed one, and those that a deployment under way may roll back to.

    Calls ListClusters, ListTasks, DescribeTasks, ListServices, DescribeServices, ListTaskDefinitions,
    DescribeTaskDefinition, ListServiceDeployments, DescribeServiceDeployments and DescribeServiceRevisions (``ecs:`` IAM
    actions of the same names). DescribeTaskDefinition and DescribeTasks show environment variables.

    :param client_of: returns the client of a service.
    """
    client = client_of("ecs")
    definitions = set(all_of(client, "list_task_definitions", "taskDefinitionArns", status="ACTIVE"))
    services: list[Mapping[str, Any]] = []
    for cluster in all_of(client, "list_clusters", "clusterArns"):
        for arns in in_parts(all_of(client, "list_tasks", "taskArns", cluster=cluster), _DESCRIBED_AT_ONCE):
            for task in described(client.describe_tasks(cluster=cluster, tasks=arns), "tasks"):
                definitions.add(task["taskDefinitionArn"])
                for container in task.get("containers", ()):
                    if image := container.get("image"):
                        yield FoundReference(image, "ECS task", task["taskArn"], container.get("imageDigest"))
        for arns in in_parts(all_of(client, "list_services", "serviceArns", cluster=cluster), _SERVICES_AT_ONCE):
            services += described(client.describe_services(cluster=cluster, services=arns), "services")
    for service in services:
        definitions.update(_definitions_of(service))
    for arn in sorted(definitions):
        definition = client.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        for container in definition.get("containerDefinitions", ()):
            yield FoundReference(container["image"], "ECS task definition", arn)
    yield from _pinned(client, services)


def described(answer: Mapping[str, Any], key: str, *, may_be_missing: bool = True) -> Sequence[Mapping[str, Any]]:
    """Return the resources that ECS describes.

    :param answer: the answer, which lists under ``failures`` the resources that could not be described.
    :param key: the key of the list.
    :param may_be_missing: whether resources may have been deleted after they were listed.
    :raises LookupError: if any other resource could not be described.
    """
    allowed = {_MISSING} if may_be_missing else set[str]()
    failures = [failure for failure in answer.get("failures", ()) if failure.get("reason") not in allowed]
    if failures:
        named = "; ".join(f"{failure.get('arn')}: {failure.get('reason')}" for failure in failures[:5])
        raise LookupError(f"ECS does not describe {len(failures)} of its {key}: {named}")
    found: Sequence[Mapping[str, Any]] = answer.get(key, ())
    return found


def images_of(revisions: Iterable[Mapping[str, Any]], key: str, kind: str) -> Iterator[FoundReference]:
    """Yield the images that revisions are pinned to.

    :param revisions: revisions of services or daemons.
    :param key: the key of their ARN.
    :param kind: the kind of revision, for reports.
    """
    for revision in revisions:
        for container in revision.get("containerImages", ()):
            if image := container.get("image"):
                yield FoundReference(image, kind, revision[key], container.get("imageDigest"))


def _definitions_of(service: Mapping[str, Any]) -> Iterator[str]:
    for part in (service, *service.get("deployments", ()), *service.get("taskSets", ())):
        if definition := part.get("taskDefinition"):
            yield definition


def _pinned(client: Any, services: Sequence[Mapping[str, Any]]) -> Iterator[FoundReference]:
    current = dict.fromkeys(arn for service in services for arn in _arns(service.get("currentServiceRevisions")))
    yield from _revisions(client, current, may_be_missing=False)
    earlier: dict[str, None] = {}
    for service in services:
        earlier |= dict.fromkeys(_to_go_back_to(client, service))
    yield from _revisions(client, earlier.keys() - current.keys(), may_be_missing=True)


def _to_go_back_to(client: Any, service: Mapping[str, Any]) -> Iterator[str]:
    """Yield the revisions that a service may roll back to."""
    if service.get("deploymentController", {}).get("type", "ECS") != "ECS":
        return
    try:
        deployments = [
            *all_of(
                client,
                "list_service_deployments",
                "serviceDeployments",
                service=service["serviceArn"],
                cluster=service["clusterArn"],
            )
        ]
    except client.exceptions.ServiceNotFoundException:
        return
    done = [deployment for deployment in deployments if deployment.get("status") == "SUCCESSFUL"]
    if done:
        last = max(done, key=lambda deployment: deployment["createdAt"])
        yield from filter(None, [last.get("targetServiceRevisionArn")])
    ongoing = (deployment["serviceDeploymentArn"] for deployment in deployments if deployment.get("status") in ONGOING)
    for arns in in_parts(ongoing, _DEPLOYMENTS_AT_ONCE):
        answer = client.describe_service_deployments(serviceDeploymentArns=arns)
        for deployment in described(answer, "serviceDeployments"):
            yield from _arns(deployment.get("sourceServiceRevisions"))
            yield from _arns([deployment.get("targetServiceRevision") or {}])
            yield from filter(None, [(deployment.get("rollback") or {}).get("serviceRevisionArn")])


def _revisions(client: Any, arns: Collection[str], *, may_be_missing: bool) -> Iterator[FoundReference]:
    for part in in_parts(sorted(arns), _REVISIONS_AT_ONCE):
        answer = client.describe_service_revisions(serviceRevisionArns=part)
        revisions = described(answer, "serviceRevisions", may_be_missing=may_be_missing)
        yield from images_of(revisions, "serviceRevisionArn", "ECS service revision")


def _arns(revisions: Any) -> Iterator[str]:
    return (revision["arn"] for revision in revisions or () if revision.get("arn"))
