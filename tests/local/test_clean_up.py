"""What a clean-up meets: images that ECR refuses, and other callers in between."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import HTTPClientError

from airflow_provider_ecr_preview.local import Fault, ImagesRefused, LocalEcr, LostReply, Meanwhile, TruncatedBody

REPOSITORY = "data/etl"


@pytest.fixture
def digests(local_ecr: LocalEcr) -> list[str]:
    local_ecr.create_repository(REPOSITORY)
    return local_ecr.push_many(REPOSITORY, 4)


def delete(ecr: LocalEcr, digests: list[str]) -> Any:
    image_ids = [{"imageDigest": digest} for digest in digests]
    return ecr.client().batch_delete_image(repositoryName=REPOSITORY, imageIds=image_ids)


def there(ecr: LocalEcr) -> list[str]:
    return [image.get_image_digest() for image in ecr.repository(REPOSITORY).local_images]


def test_some_images_are_refused_and_the_others_deleted_in_one_answer(local_ecr: LocalEcr, digests: list[str]) -> None:
    local_ecr.inject(ImagesRefused("KmsError", {digests[1]}))
    answer = delete(local_ecr, digests[:3])
    assert {image_id["imageDigest"] for image_id in answer["imageIds"]} == {digests[0], digests[2]}
    assert [(failure["imageId"], failure["failureCode"]) for failure in answer["failures"]] == [
        ({"imageDigest": digests[1]}, "KmsError")
    ]
    assert there(local_ecr) == [digests[1], digests[3]]


@pytest.mark.parametrize("fault", [LostReply(), TruncatedBody(0.3)])
def test_some_images_are_refused_where_the_reply_is_lost_as_well(
    local_ecr: LocalEcr, digests: list[str], fault: Fault
) -> None:
    local_ecr.inject(fault)
    local_ecr.inject(ImagesRefused("KmsError", {digests[1]}))
    client = local_ecr.client(config=Config(retries={"total_max_attempts": 1}))
    with suppress(HTTPClientError):
        client.batch_delete_image(
            repositoryName=REPOSITORY, imageIds=[{"imageDigest": digest} for digest in digests[:3]]
        )
    assert there(local_ecr) == [digests[1], digests[3]]


def test_all_images_can_be_refused(local_ecr: LocalEcr, digests: list[str]) -> None:
    local_ecr.inject(ImagesRefused("UpstreamUnavailable"))
    answer = delete(local_ecr, digests)
    assert (answer["imageIds"], len(answer["failures"])) == ([], 4)
    assert there(local_ecr) == digests


def test_the_call_is_recorded_as_it_was_sent(local_ecr: LocalEcr, digests: list[str]) -> None:
    local_ecr.inject(ImagesRefused("KmsError", {digests[1]}))
    delete(local_ecr, digests)
    (call,) = local_ecr.calls.of("BatchDeleteImage")
    assert len(call.parameters["imageIds"]) == 4


def test_another_caller_pushes_right_after_a_call(local_ecr: LocalEcr, digests: list[str]) -> None:
    local_ecr.inject(Meanwhile(lambda: local_ecr.push(REPOSITORY, tags=["new"])), "DescribeImages", skip=1)
    client = local_ecr.client()
    counts = [len(client.describe_images(repositoryName=REPOSITORY)["imageDetails"]) for _ in range(3)]
    assert counts == [4, 4, 5]
