"""What runs, collected from services that name images in every way there is, and a clean-up that spares it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from airflow.sdk import DAG
from botocore.awsrequest import AWSResponse

from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.operators.ecr_in_use import EcrCollectImagesInUseOperator
from airflow_provider_ecr_preview.sources.aws import SOURCES as BY_NAME
from airflow_provider_ecr_preview.sources.aws import ClientOf, FoundReference, lambda_functions
from airflow_provider_ecr_preview.sources.found import knows
from tests.support.contexts import task_context

REPOSITORY = "api"
"""Without a slash: moto's Lambda finds no other image in its ECR."""
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
SOURCES = ["ecs", "lambda", "batch", "sagemaker", "codebuild"]


def collect(**kwargs: Any) -> Any:
    return EcrCollectImagesInUseOperator(**{"task_id": "in_use", "sources": SOURCES, **kwargs}).execute(task_context())


def users(value: Any, name: str) -> list[str]:
    """Return the kinds of those who use an image, by digest or tag."""
    (found,) = [image for image in value["images"] if name in (image["image_digest"], image["image_tag"])]
    return sorted({kind for kind, _ in found["used_by"]})


@pytest.fixture
def digests(local_ecr: LocalEcr) -> list[str]:
    local_ecr.create_repository(REPOSITORY)
    return [local_ecr.push(REPOSITORY, tags=[f"v{number}"], pushed_days_ago=100 - number) for number in range(12)]


@pytest.fixture
def task(local_ecr: LocalEcr) -> Any:
    """Return what registers a task definition on ECS, and runs it when asked."""
    ecs = local_ecr.client("ecs")
    subnet = local_ecr.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    ecs.create_cluster(clusterName="main")

    def define(family: str, image: str, *, run: bool = False) -> str:
        arn: str = ecs.register_task_definition(
            family=family,
            containerDefinitions=[{"name": "main", "image": image, "memory": 64, "cpu": 1}],
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
        )["taskDefinition"]["taskDefinitionArn"]
        if run:
            network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": []}}
            ecs.run_task(cluster="main", taskDefinition=arn, launchType="FARGATE", networkConfiguration=network)
        return arn

    return define


@pytest.fixture
def function(local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes a Lambda function of an image, and publishes a version of it."""
    # Then moto's Lambda resolves a tag to the digest that it has, as AWS does.
    monkeypatch.setenv("MOTO_LAMBDA_STUB_ECR", "false")
    role = local_ecr.client("iam").create_role(RoleName="function", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client = local_ecr.client("lambda")

    def publish(name: str, image: str) -> None:
        if name not in [function["FunctionName"] for function in client.list_functions()["Functions"]]:
            client.create_function(FunctionName=name, Role=role, PackageType="Image", Code={"ImageUri": image})
        else:
            client.update_function_code(FunctionName=name, ImageUri=image)
        client.publish_version(FunctionName=name)

    return publish


def test_each_way_to_run_an_image_is_found(local_ecr: LocalEcr, digests: list[str], task: Any, function: Any) -> None:
    task("by-tag", f"{HOST}/{REPOSITORY}:v0", run=True)
    task("by-digest", f"{HOST}/{REPOSITORY}@{digests[1]}", run=True)
    task("runs-nowhere", f"{HOST}/{REPOSITORY}:v2")
    function("pinned", f"{HOST}/{REPOSITORY}:v3")
    function("pinned", f"{HOST}/{REPOSITORY}:v4")
    task("somebody-else's", "nginx:latest", run=True)
    value = collect()
    assert value["is_complete"]
    assert users(value, "v0") == ["ECS task", "ECS task definition"]
    assert users(value, digests[1]) == ["ECS task", "ECS task definition"]
    assert users(value, "v2") == ["ECS task definition"]
    assert users(value, digests[3]) == users(value, digests[4]) == ["Lambda function"]
    assert {image["repository_name"] for image in value["images"]} == {REPOSITORY}
    assert json.loads(json.dumps(value)) == value


def test_a_service_runs_a_task_definition_that_is_no_longer_active(
    local_ecr: LocalEcr, digests: list[str], task: Any
) -> None:
    arn = task("old", f"{HOST}/{REPOSITORY}:v5")
    ecs = local_ecr.client("ecs")
    ecs.create_service(cluster="main", serviceName="api", taskDefinition=arn, desiredCount=0)
    ecs.deregister_task_definition(taskDefinition=arn)
    assert users(collect(sources=["ecs"]), "v5") == ["ECS task definition"]


def test_a_task_whose_tag_was_resolved_protects_the_digest_and_the_tag(digests: list[str]) -> None:
    def resolved(_: ClientOf) -> Iterator[FoundReference]:
        yield FoundReference(f"{HOST}/{REPOSITORY}:v0", "ECS task", "task/1", digests[9])

    value = collect(sources=[resolved])
    assert [(image["image_digest"], image["image_tag"]) for image in value["images"]] == [
        (digests[9], None),
        (None, "v0"),
    ]
    assert value["sources"][0]["source"] == "resolved"


def test_batch_sagemaker_and_codebuild_are_read(local_ecr: LocalEcr, digests: list[str]) -> None:
    local_ecr.client("batch").register_job_definition(
        jobDefinitionName="nightly",
        type="container",
        containerProperties={"image": f"{HOST}/{REPOSITORY}:v6", "vcpus": 1, "memory": 128},
    )
    local_ecr.client("sagemaker").create_model(
        ModelName="ranking",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/model",
        PrimaryContainer={"Image": f"{HOST}/{REPOSITORY}:v7"},
    )
    local_ecr.client("codebuild").create_project(
        name="builder",
        source={"type": "S3", "location": "bucket/path"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": f"{HOST}/{REPOSITORY}:v8",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole="arn:aws:iam::123456789012:role/service-role/build",
    )
    value = collect()
    assert [users(value, tag) for tag in ("v6", "v7", "v8")] == [
        ["Batch job definition"],
        ["SageMaker model"],
        ["CodeBuild project"],
    ]


def test_what_sagemaker_resolved_at_deployment_is_found(local_ecr: LocalEcr, digests: list[str]) -> None:
    client, image = local_ecr.client("sagemaker"), f"{HOST}/{REPOSITORY}:v0"
    if not knows(client, "DescribeInferenceComponent", "Specifications"):
        pytest.skip("This botocore does not know all images of an inference component, so they stay unread.")
    client.create_model(ModelName="ranking", ExecutionRoleArn="arn:aws:iam::123456789012:role/model")
    variant = {"VariantName": "all", "ModelName": "ranking", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    client.create_endpoint_config(EndpointConfigName="ranking", ProductionVariants=[variant])
    client.create_endpoint(EndpointName="ranking", EndpointConfigName="ranking")
    deployed = [{"SpecifiedImage": image, "ResolvedImage": f"{HOST}/{REPOSITORY}@{digest}"} for digest in digests[1:4]]
    from moto.sagemaker.models import sagemaker_backends  # slow to import

    endpoint = sagemaker_backends["123456789012"]["us-east-1"].endpoints["ranking"]
    (of_production,) = endpoint.production_variants
    of_production["DeployedImages"] = deployed[:1]
    endpoint.shadow_production_variants = [{"VariantName": "shadow", "DeployedImages": deployed[1:2]}]
    endpoint.pending_deployment_summary = {
        "EndpointConfigName": "next",
        "ProductionVariants": [{"VariantName": "all", "DeployedImages": deployed[2:]}],
    }
    local_ecr.inference_components.images["llm"] = (f"{HOST}/{REPOSITORY}:v9", f"{HOST}/{REPOSITORY}@{digests[4]}")
    value = collect(sources=["sagemaker"])
    assert value["is_complete"], value["unread"]
    for name in ("v0", *digests[1:4]):
        assert users(value, name) == ["SageMaker endpoint"]
    for name in ("v9", digests[4]):
        assert users(value, name) == ["SageMaker inference component"]


def broken(_: ClientOf) -> Iterator[FoundReference]:
    yield FoundReference(f"{HOST}/{REPOSITORY}:v0", "pod", "default/api")
    raise PermissionError("not allowed to list pods")


def test_an_unreadable_source_is_reported_and_its_earlier_references_count(digests: list[str]) -> None:
    value = collect(sources=["ecs", broken])
    assert not value["is_complete"]
    (unread,) = value["unread"]
    assert (unread["source"], unread["reason"]) == ("broken", "PermissionError: not allowed to list pods")
    assert users(value, "v0") == ["pod"]


def test_a_source_that_cannot_be_read_fails_the_task_where_that_is_wanted(digests: list[str]) -> None:
    of = task_context()
    with pytest.raises(exceptions.ImagesInUseUnknownError, match=r"broken .*not allowed to list pods"):
        EcrCollectImagesInUseOperator(task_id="in_use", sources=[broken], on_unread="fail").execute(of)
    assert of["ti"].xcom_push.call_args.kwargs["value"]["unread"]


def torn(_: ClientOf) -> Iterator[FoundReference]:
    for number in range(12):
        yield FoundReference(f"{HOST}/{REPOSITORY}:v{number}@sha256:1", "pod", f"default/{number}")
    yield FoundReference(f"https://AWS:secret@{HOST}/{REPOSITORY}:v1", "pod", "default/last")


def test_every_reference_that_cannot_be_read_is_named_and_does_not_keep_others_from_being_read(
    digests: list[str],
) -> None:
    value = collect(sources=[torn])
    (unread,) = value["unread"]
    assert (unread["reference_count"], len(unread["references"])) == (12, 10)
    assert "12 references cannot be read" in unread["reason"]
    assert f"'{HOST}/{REPOSITORY}:v9@sha256:1' of pod default/9" in unread["reason"]
    assert "ignored_references" in unread["reason"]
    assert not value["is_complete"]
    assert users(value, "v1") == ["pod"]
    assert "secret" not in json.dumps(value)


def test_references_that_cannot_be_read_may_be_ignored_by_name_and_no_others(digests: list[str]) -> None:
    some = collect(sources=[torn], ignored_references=f"{HOST}/{REPOSITORY}:v1*@sha256:1")
    assert some["unread"][0]["reference_count"] == 9
    value = collect(sources=[torn], ignored_references=["*"])
    assert value["is_complete"]
    assert users(value, "v1") == ["pod"]


@pytest.mark.parametrize("fault", [lambda _: None, lambda _: [FoundReference(None, "pod", "a")], lambda _: ["text"]])
def test_a_source_that_yields_something_else_is_unread(digests: list[str], fault: Any) -> None:
    assert not collect(sources=[fault])["is_complete"]


@pytest.mark.parametrize("builtin_first", [True, False])
def test_two_sources_of_one_name_are_an_error_because_only_one_would_be_read(builtin_first: bool) -> None:
    def ecs(_: ClientOf) -> Iterator[FoundReference]:
        yield from ()

    pairs: list[list[Any]] = [["ecs", ecs] if builtin_first else [ecs, "ecs"], [lambda _: (), lambda _: ()]]
    for sources in pairs:
        with pytest.raises(ValueError, match=r"two sources with the name"):
            collect(sources=sources)


def test_a_refusal_of_aws_names_the_iam_action(local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(client_of: ClientOf) -> Iterator[FoundReference]:
        client = client_of("lambda")
        client.meta.events.register("before-send", deny)
        yield from lambda_functions(client_of=lambda _: client)

    def deny(**_: Any) -> Any:
        body = json.dumps({"Message": "User: me is not authorized", "__type": "AccessDeniedException"}).encode()
        response = AWSResponse("https://lambda", 403, {"x-amzn-ErrorType": "AccessDeniedException"}, mock.Mock())
        response._content = body
        return response

    monkeypatch.setitem(BY_NAME, "lambda", refused)  # type: ignore[arg-type]  # it is a dict
    assert (
        "the caller may not lambda:ListFunctions. Allow it in IAM" in collect(sources=["lambda"])["unread"][0]["reason"]
    )


def test_every_region_is_read_with_every_connection(
    local_ecr: LocalEcr, digests: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_OTHER", local_ecr.connection)
    value = collect(sources=["lambda"], aws_conn_ids="aws_default,aws_other", region_names=["us-east-1", "eu-west-1"])
    assert value["scope"] == {"123456789012": ["eu-west-1", "us-east-1"]}
    assert {source["account_id"] for source in value["sources"]} == {"123456789012"}
    assert [(source["aws_conn_id"], source["region_name"]) for source in value["sources"]] == [
        ("aws_default", "us-east-1"),
        ("aws_default", "eu-west-1"),
        ("aws_other", "us-east-1"),
        ("aws_other", "eu-west-1"),
    ]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"sources": ["ecs", "fargate"]}, "'fargate', which is not a source"),
        ({"sources": []}, "sources is empty"),
        ({"aws_conn_ids": ""}, "aws_conn_ids is ''"),
        ({"aws_conn_ids": []}, "aws_conn_ids is empty"),
        ({"region_names": []}, "region_names is empty"),
        ({"region_names": "None"}, "region_names is 'None'"),
        ({"on_unread": "skip"}, "on_unread is 'skip'"),
    ],
)
def test_an_invalid_parameter_is_an_error_before_any_call(
    local_ecr: LocalEcr, arguments: dict[str, Any], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        collect(**arguments)
    assert not len(local_ecr.calls)


@pytest.mark.changes_registry
@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_clean_up_spares_what_runs(
    bench: Any, local_ecr: LocalEcr, task: Any, tmp_path: Path, elsewhere: bool
) -> None:
    summary = bench.preview()
    there = bench.digests()
    repository = f"{HOST}/{summary['repository_name']}"
    by_tag, by_digest, by_job, *_ = summary["sample"]
    task("by-tag", f"{repository}:{by_tag['image_tags'][0]}")
    task("by-digest", f"{repository}@{by_digest['image_digest']}", run=True)
    local_ecr.client("batch").register_job_definition(
        jobDefinitionName="nightly",
        type="container",
        containerProperties={"image": f"{repository}@{by_job['image_digest']}", "vcpus": 1, "memory": 128},
    )
    with mock.patch("airflow_provider_ecr_preview.core.in_use.images.MAX_IN_USE_BYTES", 0 if elsewhere else 48 * 1024):
        in_use = collect(in_use_path=f"file://{tmp_path}/in-use.jsonl.gz")
    assert (in_use["in_use_uri"] is not None) is elsewhere
    result = bench.clean_up(summary, in_use=in_use, protected_tags=[])
    assert result["touched_image_count"] == 7
    gone = set(there) - set(bench.digests())
    assert len(gone) == 7
    assert not gone & {image["image_digest"] for image in (by_tag, by_digest, by_job)}


def in_use_of_other_places(**kwargs: Any) -> Any:
    """Return what is in use elsewhere, of a source that needs no service."""
    return collect(sources=[lambda _: iter(())], **kwargs)


def test_the_connection_and_region_of_default_args_are_those_that_are_read(
    local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_OTHER", local_ecr.connection)
    with DAG("clean_up", schedule=None, default_args={"aws_conn_id": "aws_other", "region_name": "eu-west-1"}):
        operator = EcrCollectImagesInUseOperator(task_id="in_use", sources=["lambda"])
    value = operator.execute(task_context())
    assert value["scope"] == {"123456789012": ["eu-west-1"]}
    assert [source["aws_conn_id"] for source in value["sources"]] == ["aws_other"]


def test_a_connection_whose_account_is_not_known_is_unread(
    local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    monkeypatch.setattr(AwsGenericHook, "account_id", property(lambda _: 1 / 0))
    value = in_use_of_other_places()
    assert (value["scope"], value["unread"][0]["source"]) == ({}, "account")


def test_a_scope_that_names_no_account_is_an_error_before_any_call(bench: Any, local_ecr: LocalEcr) -> None:
    summary, in_use = bench.preview(), in_use_of_other_places()
    local_ecr.calls.clear()
    operator = bench.operator(summary, in_use=in_use, required_scope="{{ params.x }}")
    for rendered in ("None", None):
        operator.required_scope = rendered
        with pytest.raises(ValueError, match="required_scope"):
            operator.execute(task_context())
    assert not len(local_ecr.calls)


@pytest.mark.changes_registry
def test_the_accounts_of_required_scope_are_enough(bench: Any) -> None:
    summary = bench.preview()
    in_use = in_use_of_other_places(region_names=["eu-west-1"])
    blocked = bench.clean_up(summary, in_use=in_use, required_scope="['123456789012']")
    assert (bench.check(blocked, "in_use")["verdict"], blocked["touched_image_count"]) == ("unknown", 0)
    done = bench.clean_up(summary, in_use=json.dumps(in_use), required_scope=["123456789012/eu-west-1"])
    assert (bench.check(done, "in_use")["verdict"], done["touched_image_count"]) == ("passed", 10)


@pytest.mark.parametrize("fault", ["unread", "old", "torn", "in_use is not set"])
def test_an_unknown_image_in_use_blocks_the_clean_up(bench: Any, fault: str) -> None:
    summary = bench.preview()
    in_use = collect(sources=["ecs", broken] if fault == "unread" else ["ecs"])
    if fault == "old":
        in_use["collected_at"] = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    if fault == "torn":
        in_use |= {"image_count": 5}
    if fault == "in_use is not set":
        in_use |= {"sources": [], "is_complete": False}
    there = bench.digests()
    result = bench.clean_up(summary, in_use=in_use)
    assert bench.check(result, "in_use")["verdict"] in ("blocked", "unknown")
    assert (result["touched_image_count"], bench.digests()) == (0, there)


def test_every_template_field_is_an_attribute() -> None:
    operator = EcrCollectImagesInUseOperator(task_id="in_use")
    assert all(hasattr(operator, field) for field in operator.template_fields)
