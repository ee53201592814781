"""What ECS starts further tasks by: the digests that a service was deployed with, wherever the tags have moved since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.operators.ecr_in_use import EcrCollectImagesInUseOperator
from tests.support.contexts import task_context

REPOSITORY = "api"
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
REVISION = "ECS service revision"


def collect() -> Any:
    context = task_context()
    return EcrCollectImagesInUseOperator(task_id="in_use", sources=["ecs"]).execute(context)


def pinned(value: Any) -> set[str]:
    """Return the digests that revisions of services are pinned to."""
    return {
        image["image_digest"]
        for image in value["images"]
        if image["image_digest"] and any(kind == REVISION for kind, _ in image["used_by"])
    }


@pytest.fixture
def digests(local_ecr: LocalEcr) -> list[str]:
    local_ecr.create_repository(REPOSITORY)
    return [local_ecr.push(REPOSITORY, tags=[f"build-{number}"]) for number in range(4)]


Release = Callable[..., str]


@pytest.fixture
def release(local_ecr: LocalEcr, digests: list[str]) -> Release:
    """Return what moves the tag ``live`` to an image, and deploys the service that names it."""
    ecs = local_ecr.client("ecs")
    ecs.create_cluster(clusterName="main")
    definition = [{"name": "main", "image": f"{HOST}/{REPOSITORY}:live", "memory": 64}]
    ecs.register_task_definition(family="api", containerDefinitions=definition)
    ecs.create_service(cluster="main", serviceName="api", taskDefinition="api", desiredCount=0)

    def deploy(number: int, status: str = "SUCCESSFUL") -> str:
        repository = local_ecr.repository(REPOSITORY)
        for image in repository.local_images:
            image.remove_tag("live")
        repository.find({"imageDigest": digests[number]}).update_tag("live")
        return local_ecr.deployments.deploy("main", "api", status=status)

    return deploy


def test_a_service_protects_the_digest_that_it_was_deployed_with_when_its_tag_has_moved(
    local_ecr: LocalEcr, digests: list[str], release: Release
) -> None:
    release(0)
    repository = local_ecr.repository(REPOSITORY)
    repository.find({"imageDigest": digests[0]}).remove_tag("live")
    repository.find({"imageDigest": digests[1]}).update_tag("live")
    value = collect()
    assert value["is_complete"], value["unread"]
    assert pinned(value) == {digests[0]}
    assert {image["image_tag"] for image in value["images"]} == {None, "live"}


@pytest.mark.parametrize("status", ["IN_PROGRESS", "ROLLBACK_IN_PROGRESS"])
def test_while_a_deployment_goes_on_both_revisions_are_protected(
    digests: list[str], release: Release, status: str
) -> None:
    release(0)
    release(1, status)
    assert pinned(collect()) == {digests[0], digests[1]}


def test_a_deployment_that_went_back_protects_what_it_went_back_to(digests: list[str], release: Release) -> None:
    release(0)
    release(1, "ROLLBACK_SUCCESSFUL")
    assert pinned(collect()) == {digests[0]}


def test_what_was_replaced_by_a_deployment_that_is_done_is_free_to_go(digests: list[str], release: Release) -> None:
    for number in range(4):
        release(number)
    assert pinned(collect()) == {digests[3]}


def test_a_service_that_is_deployed_otherwise_protects_the_definitions_of_its_task_sets(
    local_ecr: LocalEcr, digests: list[str], release: Release
) -> None:
    ecs = local_ecr.client("ecs")
    ecs.create_service(cluster="main", serviceName="blue", desiredCount=0, deploymentController={"type": "EXTERNAL"})
    definition = [{"name": "main", "image": f"{HOST}/{REPOSITORY}:build-2", "memory": 64}]
    arn = ecs.register_task_definition(family="blue", containerDefinitions=definition)["taskDefinition"][
        "taskDefinitionArn"
    ]
    ecs.create_task_set(cluster="main", service="blue", taskDefinition=arn)
    ecs.deregister_task_definition(taskDefinition=arn)
    value = collect()
    assert value["is_complete"], value["unread"]
    assert [image["used_by"] for image in value["images"] if image["image_tag"] == "build-2"] == [
        [["ECS task definition", arn]]
    ]


def test_a_current_revision_that_is_not_described_makes_ecs_unread(local_ecr: LocalEcr, release: Release) -> None:
    arn = release(0)
    local_ecr.deployments.forget_revision(arn)
    (unread,) = collect()["unread"]
    assert f"ECS does not describe 1 of its serviceRevisions: {arn}: MISSING" in unread["reason"]


def test_an_earlier_revision_that_has_gone_is_nothing_to_stop_for(
    local_ecr: LocalEcr, digests: list[str], release: Release
) -> None:
    arn = release(0)
    local_ecr.deployments.deploy("main", "api")
    service = local_ecr.client("ecs").describe_services(cluster="main", services=["api"])["services"][0]
    (current,) = (revision["arn"] for revision in service["currentServiceRevisions"])
    assert current != arn
    local_ecr.deployments.forget_revision(arn)
    value = collect()
    assert (value["is_complete"], pinned(value)) == (True, {digests[0]})


@pytest.mark.parametrize(
    "operation", ["DescribeServiceRevisions", "ListServiceDeployments", "DescribeServiceDeployments"]
)
def test_a_revision_that_may_not_be_read_makes_ecs_unread_and_names_the_permission(
    local_ecr: LocalEcr, release: Release, operation: str
) -> None:
    release(0, "IN_PROGRESS")
    local_ecr.deny(f"ecs:{operation}")
    value = collect()
    (unread,) = value["unread"]
    assert f"the caller may not ecs:{operation}. Allow it in IAM" in unread["reason"]
    # What was read before counts.
    assert "live" in {image["image_tag"] for image in value["images"]}
