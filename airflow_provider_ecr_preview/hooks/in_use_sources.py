"""Who runs images, service by service. Each source is a function that yields what is named there, and by whom.

A source of your own is such a function, too: give it to ``EcrCollectImagesInUseOperator`` beside the names of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from airflow_provider_ecr_preview.hooks.eks_images import cluster_images
from airflow_provider_ecr_preview.hooks.nested import values_of

_DESCRIBED_AT_ONCE = 100
_SERVICES_AT_ONCE = 10


class FoundReference(NamedTuple):
    """An image that something names.

    :param reference: the image as it is named.
    :param kind: what names it, for example ``ECS task``.
    :param name: name or ARN of what names it.
    :param image_digest: the digest that the reference was resolved to; None where that is not known.
    """

    reference: str
    kind: str
    name: str
    image_digest: str | None = None


ClientOf = Callable[[str], Any]
"""Returns the boto3 client of a service."""

InUseSource = Callable[[ClientOf], Iterator[FoundReference]]


def ecs(client_of: ClientOf) -> Iterator[FoundReference]:
    """Yield what runs on ECS, and what ECS may start at any time.

    That is the images of running tasks, of every ACTIVE task definition, and of the task definitions of services, which
    may be no longer ACTIVE. Calls ListClusters, ListTasks, DescribeTasks, ListServices, DescribeServices,
    ListTaskDefinitions and DescribeTaskDefinition (``ecs:`` IAM actions of the same names).

    :param client_of: returns the client of a service.
    """
    client = client_of("ecs")
    definitions = set(_all(client, "list_task_definitions", "taskDefinitionArns", status="ACTIVE"))
    for cluster in _all(client, "list_clusters", "clusterArns"):
        for arns in _in_parts(_all(client, "list_tasks", "taskArns", cluster=cluster), _DESCRIBED_AT_ONCE):
            for task in client.describe_tasks(cluster=cluster, tasks=arns)["tasks"]:
                definitions.add(task["taskDefinitionArn"])
                for container in task.get("containers", ()):
                    if image := container.get("image"):
                        yield FoundReference(image, "ECS task", task["taskArn"], container.get("imageDigest"))
        services = _all(client, "list_services", "serviceArns", cluster=cluster)
        for arns in _in_parts(services, _SERVICES_AT_ONCE):
            for service in client.describe_services(cluster=cluster, services=arns)["services"]:
                definitions.update(
                    deployment["taskDefinition"]
                    for deployment in (service, *service.get("deployments", ()))
                    if deployment.get("taskDefinition")
                )
    for arn in sorted(definitions):
        definition = client.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        for container in definition.get("containerDefinitions", ()):
            yield FoundReference(container["image"], "ECS task definition", arn)


def lambda_functions(client_of: ClientOf) -> Iterator[FoundReference]:
    """Yield the images of all Lambda functions, in every published version, and so of every alias.

    Lambda keeps a version at the digest that its tag had, and stops to run a function some time after that image is
    deleted. Calls ListFunctions, ListVersionsByFunction and GetFunction (``lambda:`` IAM actions of the same names).

    :param client_of: returns the client of a service.
    """
    client = client_of("lambda")
    for function in _all(client, "list_functions", "Functions"):
        if function.get("PackageType") != "Image":
            continue
        name = function["FunctionName"]
        for version in _all(client, "list_versions_by_function", "Versions", FunctionName=name):
            code = client.get_function(FunctionName=name, Qualifier=version["Version"])["Code"]
            by = f"{name}:{version['Version']}"
            for reference in filter(None, (code.get("ImageUri"), code.get("ResolvedImageUri"))):
                yield FoundReference(reference, "Lambda function", by)


def batch(client_of: ClientOf) -> Iterator[FoundReference]:
    """Yield the images of all ACTIVE job definitions of AWS Batch.

    Calls DescribeJobDefinitions (``batch:DescribeJobDefinitions``).

    :param client_of: returns the client of a service.
    """
    for definition in _all(client_of("batch"), "describe_job_definitions", "jobDefinitions", status="ACTIVE"):
        for reference in values_of(definition, "image"):
            yield FoundReference(reference, "Batch job definition", definition["jobDefinitionArn"])


def sagemaker(client_of: ClientOf) -> Iterator[FoundReference]:
    """Yield the images of all SageMaker models.

    Calls ListModels and DescribeModel (``sagemaker:`` IAM actions of the same names).

    :param client_of: returns the client of a service.
    """
    client = client_of("sagemaker")
    for model in _all(client, "list_models", "Models"):
        described = client.describe_model(ModelName=model["ModelName"])
        for reference in values_of(described, "Image"):
            yield FoundReference(reference, "SageMaker model", model["ModelName"])


def app_runner(client_of: ClientOf) -> Iterator[FoundReference]:
    """Yield the images of all App Runner services.

    Calls ListServices and DescribeService (``apprunner:`` IAM actions of the same names).

    :param client_of: returns the client of a service.
    """
    client = client_of("apprunner")
    for service in _all(client, "list_services", "ServiceSummaryList"):
        described = client.describe_service(ServiceArn=service["ServiceArn"])["Service"]
        for reference in values_of(described.get("SourceConfiguration", {}), "ImageIdentifier"):
            yield FoundReference(reference, "App Runner service", service["ServiceName"])


def codebuild(client_of: ClientOf) -> Iterator[FoundReference]:
    """Yield the images that CodeBuild projects build in.

    Calls ListProjects and BatchGetProjects (``codebuild:`` IAM actions of the same names).

    :param client_of: returns the client of a service.
    """
    client = client_of("codebuild")
    for names in _in_parts(_all(client, "list_projects", "projects"), _DESCRIBED_AT_ONCE):
        for project in client.batch_get_projects(names=names)["projects"]:
            if image := project.get("environment", {}).get("image"):
                yield FoundReference(image, "CodeBuild project", project["name"])


def eks(client_of: ClientOf) -> Iterator[FoundReference]:
    """Yield what runs on all EKS clusters, and what they may start at any time.

    Needs the extra ``eks`` where there are clusters. Calls ListClusters and DescribeCluster (``eks:`` IAM actions of the
    same names), and the Kubernetes API of every cluster, see
    :func:`~airflow_provider_ecr_preview.hooks.eks_images.cluster_images`.

    :param client_of: returns the client of a service.
    """
    client = client_of("eks")
    for cluster_name in _all(client, "list_clusters", "clusters"):
        for reference, kind, name in cluster_images(client, client_of("sts"), cluster_name):
            yield FoundReference(reference, kind, name)


SOURCES: Mapping[str, InUseSource] = {
    "ecs": ecs,
    "eks": eks,
    "lambda": lambda_functions,
    "batch": batch,
    "sagemaker": sagemaker,
    "apprunner": app_runner,
    "codebuild": codebuild,
}
"""The sources by the name of their service."""


def _all(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    """Yield what all pages of an operation hold."""
    token: dict[str, str] = {}
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page.get(key, ())
        return
    while True:
        page = getattr(client, operation)(**arguments, **token)
        yield from page.get(key, ())
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def _in_parts(values: Iterator[Any], size: int) -> Iterator[list[Any]]:
    part: list[Any] = []
    for value in values:
        part.append(value)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
