"""The daemons of ECS and EMR Serverless, answered as botocore's model has it, because moto does not know them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from airflow_provider_ecr_preview.iam import FURTHER_IN_USE_ACTIONS
from airflow_provider_ecr_preview.sources.aws import FURTHER_SOURCES, SOURCES, FoundReference, UnknownImage
from airflow_provider_ecr_preview.sources.found import knows

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
ARN = "arn:aws:ecs:us-east-1:123456789012:"
DIGESTS = ["sha256:" + digit * 64 for digit in "0123"]
NOW = datetime(2026, 1, 5, tzinfo=UTC)


def read(source: str, service: str, answers: Sequence[tuple[str, dict[str, Any], dict[str, Any]]]) -> list[Any]:
    """Return what a source yields when these calls, and no others, are answered so, in this order."""
    client = boto3.Session("key", "secret", region_name="us-east-1").client(service)
    with Stubber(client) as stubber:
        for operation, parameters, answer in answers:
            stubber.add_response(operation, answer, parameters)
        found = [*FURTHER_SOURCES[source](lambda _: client)]
        stubber.assert_no_pending_responses()
    return found


def revision(number: int, definition: str) -> dict[str, Any]:
    image = {"containerName": "main", "image": f"{HOST}/agent:live", "imageDigest": DIGESTS[number]}
    arn = f"{ARN}daemon-revision/{number}"
    return {"daemonRevisionArn": arn, "daemonTaskDefinitionArn": definition, "containerImages": [image]}


def test_what_daemons_run_and_may_go_back_to_is_found() -> None:
    daemon, deployment, cluster = f"{ARN}daemon/agent", f"{ARN}daemon-deployment/1", f"{ARN}cluster/main"
    active, inactive = f"{ARN}daemon-task-definition/agent:2", f"{ARN}daemon-task-definition/agent:1"
    revisions = [revision(0, active), revision(1, inactive), revision(2, inactive)]
    arns = [revision["daemonRevisionArn"] for revision in revisions]
    containers = [{"name": "main", "image": f"{HOST}/agent:live"}, {"name": "side", "image": f"{HOST}/side:v1"}]
    found = read(
        "ecs_daemons",
        "ecs",
        [
            ("list_daemon_task_definitions", {"status": "ACTIVE"}, {"daemonTaskDefinitions": [], "nextToken": "a"}),
            (
                "list_daemon_task_definitions",
                {"status": "ACTIVE", "nextToken": "a"},
                {"daemonTaskDefinitions": [{"arn": active}]},
            ),
            ("list_clusters", {}, {"clusterArns": [cluster]}),
            ("list_daemons", {"clusterArn": cluster}, {"daemonSummariesList": [{"daemonArn": daemon}]}),
            ("describe_daemon", {"daemonArn": daemon}, {"daemon": {"currentRevisions": [{"arn": arns[0]}]}}),
            (
                "list_daemon_deployments",
                {"daemonArn": daemon},
                {
                    "daemonDeployments": [
                        {"daemonDeploymentArn": f"{ARN}daemon-deployment/0", "status": "SUCCESSFUL"},
                        {"daemonDeploymentArn": deployment, "status": "IN_PROGRESS"},
                    ]
                },
            ),
            (
                "describe_daemon_deployments",
                {"daemonDeploymentArns": [deployment]},
                {
                    "daemonDeployments": [
                        {
                            "targetDaemonRevision": {"arn": arns[0]},
                            "sourceDaemonRevisions": [{"arn": arns[1]}],
                            "rollback": {"rollbackTargetDaemonRevisionArn": arns[2]},
                        }
                    ]
                },
            ),
            ("describe_daemon_revisions", {"daemonRevisionArns": arns}, {"daemonRevisions": revisions}),
            *(
                (
                    "describe_daemon_task_definition",
                    {"daemonTaskDefinition": arn},
                    {"daemonTaskDefinition": {"containerDefinitions": containers}},
                )
                for arn in (inactive, active)
            ),
        ],
    )
    pinned = {reference.image_digest for reference in found if reference.kind == "ECS daemon revision"}
    assert pinned == {*DIGESTS[:3]}
    assert {
        (reference.reference, reference.name) for reference in found if reference.kind == "ECS daemon task definition"
    } == {(container["image"], arn) for container in containers for arn in (inactive, active)}


def test_a_botocore_that_does_not_know_daemons_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Upgrade boto3, or leave out ecs_daemons"):
        [*FURTHER_SOURCES["ecs_daemons"](lambda _: object())]


def image(number: int) -> dict[str, Any]:
    return {"imageUri": f"{HOST}/spark:v{number}", "resolvedImageDigest": DIGESTS[number]}


def test_applications_of_emr_serverless_and_their_runs_under_way_are_found() -> None:
    arn = "arn:aws:emr-serverless:us-east-1:123456789012:/applications/one"
    summary = {"arn": arn, "releaseLabel": "emr-7", "type": "spark", "createdAt": NOW, "updatedAt": NOW}
    application = {
        "applicationId": "one",
        "arn": "arn:aws:emr-serverless:us-east-1:123456789012:/applications/one",
        "releaseLabel": "emr-7",
        "type": "spark",
        "state": "STARTED",
        "createdAt": NOW,
        "updatedAt": NOW,
        "imageConfiguration": image(0),
        "workerTypeSpecifications": {"Executor": {"imageConfiguration": image(1)}},
    }
    run = {
        "applicationId": "one",
        "jobRunId": "run",
        "arn": f"{arn}/jobruns/run",
        "createdBy": "arn:aws:iam::123456789012:user/me",
        "createdAt": NOW,
        "updatedAt": NOW,
        "executionRole": "arn:aws:iam::123456789012:role/job",
        "state": "RUNNING",
        "stateDetails": "on it",
        "releaseLabel": "emr-7",
        "jobDriver": {"hive": {"query": "s3://bucket/query"}},
        "imageConfiguration": image(2),
    }
    listed = {key: run[key] for key in ("applicationId", "arn", "createdBy", "createdAt", "updatedAt", "executionRole")}
    listed |= {"id": "run", "state": "RUNNING", "stateDetails": "on it", "releaseLabel": "emr-7"}
    states = ["SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", "QUEUED", "CANCELLING"]
    client = boto3.Session("key", "secret", region_name="us-east-1").client("emr-serverless")
    if not knows(client, "GetJobRun", "jobRun", "imageConfiguration"):
        pytest.skip("This botocore does not know the images of a job run.")
    found = read(
        "emr_serverless",
        "emr-serverless",
        [
            (
                "list_applications",
                {},
                {
                    "applications": [
                        {**summary, "id": "gone", "state": "TERMINATED"},
                        {**summary, "id": "one", "state": "STOPPED"},
                    ]
                },
            ),
            ("get_application", {"applicationId": "one"}, {"application": application}),
            ("list_job_runs", {"applicationId": "one", "states": states}, {"jobRuns": [listed]}),
            ("get_job_run", {"applicationId": "one", "jobRunId": "run"}, {"jobRun": run}),
        ],
    )
    assert found == [
        FoundReference(f"{HOST}/spark:v0", "EMR Serverless application", application["arn"], DIGESTS[0]),
        FoundReference(f"{HOST}/spark:v1", "EMR Serverless application", application["arn"], DIGESTS[1]),
        FoundReference(f"{HOST}/spark:v2", "EMR Serverless job run", run["arn"], DIGESTS[2]),
    ]
    assert not any(isinstance(item, UnknownImage) for item in found)


def test_a_botocore_that_does_not_know_the_images_of_a_job_run_leaves_no_run_out() -> None:
    client = boto3.Session("key", "secret", region_name="us-east-1").client("emr-serverless")
    job_run = client.meta.service_model.operation_model("GetJobRun").output_shape.members["jobRun"]
    job_run.members.pop("imageConfiguration", None)
    arn = "arn:aws:emr-serverless:us-east-1:123456789012:/applications/one"
    listed = {
        "applicationId": "one",
        "id": "run",
        "arn": f"{arn}/jobruns/run",
        "state": "RUNNING",
        "stateDetails": "on it",
    }
    listed |= {
        "createdBy": "arn:aws:iam::123456789012:user/me",
        "createdAt": NOW,
        "updatedAt": NOW,
        "executionRole": "arn:aws:iam::123456789012:role/job",
        "releaseLabel": "emr-7",
    }
    application = {"id": "one", "arn": arn, "releaseLabel": "emr-7", "type": "spark", "state": "STARTED"}
    application |= {"createdAt": NOW, "updatedAt": NOW}
    described = {**application, "applicationId": "one"}
    del described["id"]
    with Stubber(client) as stubber:
        stubber.add_response("list_applications", {"applications": [application]})
        stubber.add_response("get_application", {"application": described})
        stubber.add_response("list_job_runs", {"jobRuns": [listed]})
        [unknown] = FURTHER_SOURCES["emr_serverless"](lambda _: client)
    assert isinstance(unknown, UnknownImage)
    assert (unknown.kind, unknown.name) == ("EMR Serverless job run", f"{arn}/jobruns/run")
    assert "does not know the images of a job run; upgrade boto3" in unknown.why


def test_a_botocore_that_does_not_know_all_images_of_an_inference_component_leaves_none_out() -> None:
    client = boto3.Session("key", "secret", region_name="us-east-1").client("sagemaker")
    client.meta.service_model.operation_model("DescribeInferenceComponent").output_shape.members.pop(
        "Specifications", None
    )
    name = {"InferenceComponentName": "llm", "EndpointName": "endpoint", "EndpointArn": "arn:aws:sagemaker:::endpoint"}
    name |= {"InferenceComponentArn": "arn:aws:sagemaker:::component", "CreationTime": NOW, "LastModifiedTime": NOW}
    component = {**name, "Specification": {"Container": {"DeployedImage": {"ResolvedImage": f"{HOST}/llm:v1"}}}}
    with Stubber(client) as stubber:
        stubber.add_response("list_models", {"Models": []})
        stubber.add_response("list_endpoints", {"Endpoints": []})
        stubber.add_response("list_inference_components", {"InferenceComponents": [{**name, "VariantName": "all"}]})
        stubber.add_response("describe_inference_component", component)
        found, unknown = SOURCES["sagemaker"](lambda _: client)
    assert found == FoundReference(f"{HOST}/llm:v1", "SageMaker inference component", "llm")
    assert isinstance(unknown, UnknownImage)
    assert "does not know all images of an inference component; upgrade boto3" in unknown.why


def test_every_further_source_has_its_iam_actions() -> None:
    assert {*FURTHER_SOURCES, "airflow"} == {*FURTHER_IN_USE_ACTIONS}
