"""Find the users of images in each AWS service. A source is a function that yields the images and who names them.

Your own source is such a function, too: pass it to ``EcrCollectImagesInUseOperator`` next to the built-in names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import botocore

from airflow_provider_ecr_preview.sources.ecs import ecs
from airflow_provider_ecr_preview.sources.ecs_daemons import ecs_daemons
from airflow_provider_ecr_preview.sources.eks import cluster_images, values_of
from airflow_provider_ecr_preview.sources.emr_serverless import emr_serverless
from airflow_provider_ecr_preview.sources.found import (
    ClientOf,
    FoundReference,
    InUseSource,
    UnknownImage,
    all_of,
    in_parts,
    knows,
)

__all__ = [
    "FURTHER_SOURCES",
    "SOURCES",
    "ClientOf",
    "FoundReference",
    "InUseSource",
    "UnknownImage",
    "app_runner",
    "batch",
    "codebuild",
    "ecs",
    "ecs_daemons",
    "eks",
    "emr_serverless",
    "lambda_functions",
    "sagemaker",
]


_DESCRIBED_AT_ONCE = 100


def lambda_functions(client_of: ClientOf) -> Iterator[FoundReference]:
    """Yield the images of all Lambda functions, in every published version, and so of every alias.

    Lambda pins a version to the digest that its tag had, and some time after that image is deleted, the function stops
    running. Calls ListFunctions, ListVersionsByFunction and GetFunction (``lambda:`` IAM actions of the same names).

    :param client_of: returns the client of a service.
    """
    client = client_of("lambda")
    for function in all_of(client, "list_functions", "Functions"):
        if function.get("PackageType") != "Image":
            continue
        name = function["FunctionName"]
        for version in _all_that_are_there(client, "list_versions_by_function", "Versions", FunctionName=name):
            by = f"{name}:{version['Version']}"
            try:
                code = client.get_function(FunctionName=name, Qualifier=version["Version"])["Code"]
            except client.exceptions.ResourceNotFoundException:
                continue  # it was deleted since it was listed
            for reference in filter(None, (code.get("ImageUri"), code.get("ResolvedImageUri"))):
                yield FoundReference(reference, "Lambda function", by)


def _all_that_are_there(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    try:
        yield from all_of(client, operation, key, **arguments)
    except client.exceptions.ResourceNotFoundException:
        return  # the function was deleted since it was listed


def batch(client_of: ClientOf) -> Iterator[FoundReference]:
    """Yield the images of all ACTIVE job definitions of AWS Batch.

    Calls DescribeJobDefinitions (``batch:DescribeJobDefinitions``).

    :param client_of: returns the client of a service.
    """
    for definition in all_of(client_of("batch"), "describe_job_definitions", "jobDefinitions", status="ACTIVE"):
        for reference in values_of(definition, "image"):
            yield FoundReference(reference, "Batch job definition", definition["jobDefinitionArn"])


def sagemaker(client_of: ClientOf) -> Iterator[FoundReference | UnknownImage]:
    """Yield the images of all SageMaker models, and those that endpoints were deployed with.

    An endpoint resolves tags when it is deployed, and starts later instances from these digests. Calls ListModels,
    DescribeModel, ListEndpoints, DescribeEndpoint, ListInferenceComponents and DescribeInferenceComponent
    (``sagemaker:`` IAM actions of the same names). DescribeModel and DescribeInferenceComponent show environment
    variables. With a botocore that does not know all images of an inference component, each is an unknown image, too.

    :param client_of: returns the client of a service.
    """
    client = client_of("sagemaker")
    for model in all_of(client, "list_models", "Models"):
        described = client.describe_model(ModelName=model["ModelName"])
        for reference in values_of(described, "Image"):
            yield FoundReference(reference, "SageMaker model", model["ModelName"])
    for endpoint in all_of(client, "list_endpoints", "Endpoints"):
        described = client.describe_endpoint(EndpointName=endpoint["EndpointName"])
        for key in ("SpecifiedImage", "ResolvedImage"):
            for reference in values_of(described, key):
                yield FoundReference(reference, "SageMaker endpoint", endpoint["EndpointName"])
    for component in all_of(client, "list_inference_components", "InferenceComponents"):
        name = component["InferenceComponentName"]
        described = client.describe_inference_component(InferenceComponentName=name)
        for key in ("Image", "SpecifiedImage", "ResolvedImage"):
            for reference in values_of(described, key):
                yield FoundReference(reference, "SageMaker inference component", name)
        if not knows(client, "DescribeInferenceComponent", "Specifications"):
            why = f"botocore {botocore.__version__} does not know all images of an inference component; upgrade boto3"
            yield UnknownImage(why, "SageMaker inference component", name)


def app_runner(client_of: ClientOf) -> Iterator[FoundReference]:
    """Yield the images of all App Runner services.

    Calls ListServices and DescribeService (``apprunner:`` IAM actions of the same names).

    :param client_of: returns the client of a service.
    """
    client = client_of("apprunner")
    for service in all_of(client, "list_services", "ServiceSummaryList"):
        described = client.describe_service(ServiceArn=service["ServiceArn"])["Service"]
        for reference in values_of(described.get("SourceConfiguration", {}), "ImageIdentifier"):
            yield FoundReference(reference, "App Runner service", service["ServiceName"])


def codebuild(client_of: ClientOf) -> Iterator[FoundReference]:
    """Yield the images that CodeBuild projects build in.

    Calls ListProjects and BatchGetProjects (``codebuild:`` IAM actions of the same names).

    :param client_of: returns the client of a service.
    """
    client = client_of("codebuild")
    for names in in_parts(all_of(client, "list_projects", "projects"), _DESCRIBED_AT_ONCE):
        for project in client.batch_get_projects(names=names)["projects"]:
            if image := project.get("environment", {}).get("image"):
                yield FoundReference(image, "CodeBuild project", project["name"])


def eks(client_of: ClientOf) -> Iterator[FoundReference]:
    """Yield the images that EKS clusters run or may start at any time.

    Needs the extra ``eks`` if there are clusters. Calls ListClusters and DescribeCluster (``eks:`` IAM actions of the
    same names), and the Kubernetes API of every cluster, see
    :func:`~airflow_provider_ecr_preview.sources.eks.cluster_images`.

    :param client_of: returns the client of a service.
    """
    client = client_of("eks")
    for cluster_name in all_of(client, "list_clusters", "clusters"):
        yield from cluster_images(client, client_of("sts"), cluster_name)


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


FURTHER_SOURCES: Mapping[str, InUseSource] = {"ecs_daemons": ecs_daemons, "emr_serverless": emr_serverless}
"""Sources that are read only if named, because they need more permissions."""
