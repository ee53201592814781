"""The operations that moto had answer as moto answers them: the same calls against both, compared."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from airflow_provider_ecr_preview.local import LocalEcr

OCI = "application/vnd.oci.image.manifest.v1+json"


def manifest(number: int) -> str:
    layers = [{"digest": f"sha256:{number:064x}", "size": 10 * number}]
    return json.dumps({"schemaVersion": 2, "mediaType": OCI, "config": {"size": 7}, "layers": layers})


def policy(**statement: Any) -> str:
    document = {"Sid": "all", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [document]})


REPOSITORY = {"repositoryName": "team/api"}
ARN = {"resourceArn": "arn:aws:ecr:us-east-1:123456789012:repository/team/api"}
MISSING = {"repositoryName": "team/none"}
DIGEST = "sha256:" + "a" * 64
LIFECYCLE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 5},
                "action": {"type": "expire"},
            }
        ]
    }
)

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("describe_registry", {}),
    ("create_repository", {**REPOSITORY, "tags": [{"Key": "team", "Value": "api"}]}),
    ("create_repository", REPOSITORY),
    ("create_repository", {"repositoryName": "Not A Name"}),
    (
        "create_repository",
        {
            "repositoryName": "team/fixed",
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
        },
    ),
    ("create_repository", {"repositoryName": "team/wrong", "imageTagMutability": "SOMETIMES"}),
    (
        "create_repository",
        {"repositoryName": "team/kms", "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "key"}},
    ),
    ("describe_repositories", {}),
    ("describe_repositories", {"repositoryNames": ["team/api"]}),
    ("describe_repositories", {"repositoryNames": ["team/none"]}),
    ("describe_repositories", {"registryId": "999999999999"}),
    *[
        ("put_image", {**REPOSITORY, "imageManifest": manifest(number), "imageTag": tag})
        for number, tag in [(1, "v1"), (2, "v2"), (3, "v3"), (1, "latest"), (2, "latest"), (4, "v4"), (4, "v4")]
    ],
    ("put_image", {"repositoryName": "team/fixed", "imageManifest": manifest(1), "imageTag": "v1"}),
    ("put_image", {**REPOSITORY, "imageManifest": "{}", "imageTag": "x"}),
    ("list_images", REPOSITORY),
    ("list_images", {**REPOSITORY, "filter": {"tagStatus": "TAGGED"}}),
    ("list_images", {**REPOSITORY, "filter": {"tagStatus": "UNTAGGED"}}),
    ("list_images", MISSING),
    ("describe_images", REPOSITORY),
    ("describe_images", {**REPOSITORY, "imageIds": [{"imageTag": "v1"}]}),
    ("describe_images", {**REPOSITORY, "imageIds": [{"imageTag": "none"}]}),
    ("describe_images", {**REPOSITORY, "imageIds": [{"imageDigest": DIGEST}]}),
    ("describe_images", {**REPOSITORY, "imageIds": [{"imageDigest": DIGEST, "imageTag": "v1"}]}),
    ("describe_images", MISSING),
    ("batch_get_image", {**REPOSITORY, "imageIds": [{"imageTag": "v1"}, {"imageTag": "none"}]}),
    ("batch_get_image", {**MISSING, "imageIds": [{"imageTag": "v1"}]}),
    ("batch_check_layer_availability", {**REPOSITORY, "layerDigests": [DIGEST, "nonsense"]}),
    ("get_authorization_token", {}),
    ("set_repository_policy", {**REPOSITORY, "policyText": policy(Action=["ecr:GetDownloadUrlForLayer"])}),
    ("set_repository_policy", {**REPOSITORY, "policyText": "{}"}),
    ("get_repository_policy", REPOSITORY),
    ("delete_repository_policy", REPOSITORY),
    ("get_repository_policy", REPOSITORY),
    ("get_lifecycle_policy", REPOSITORY),
    ("put_lifecycle_policy", {**REPOSITORY, "lifecyclePolicyText": LIFECYCLE}),
    ("put_lifecycle_policy", {**MISSING, "lifecyclePolicyText": LIFECYCLE}),
    ("get_lifecycle_policy", REPOSITORY),
    ("delete_lifecycle_policy", REPOSITORY),
    ("delete_lifecycle_policy", REPOSITORY),
    ("get_registry_policy", {}),
    ("put_registry_policy", {"policyText": policy(Action=["ecr:ReplicateImage"], Resource="*")}),
    ("get_registry_policy", {}),
    ("delete_registry_policy", {}),
    ("put_replication_configuration", {"replicationConfiguration": {"rules": []}}),
    ("get_registry_scanning_configuration", {}),
    ("put_registry_scanning_configuration", {"scanType": "ENHANCED", "rules": []}),
    ("batch_get_repository_scanning_configuration", {"repositoryNames": ["team/api", "team/none"]}),
    ("start_image_scan", {**REPOSITORY, "imageId": {"imageTag": "v1"}}),
    ("start_image_scan", {**REPOSITORY, "imageId": {"imageTag": "v1"}}),
    ("describe_image_scan_findings", {**REPOSITORY, "imageId": {"imageTag": "v1"}}),
    ("describe_image_scan_findings", {**REPOSITORY, "imageId": {"imageTag": "v2"}}),
    ("list_tags_for_resource", ARN),
    ("tag_resource", {**ARN, "tags": [{"Key": "cost", "Value": "1"}]}),
    ("untag_resource", {**ARN, "tagKeys": ["team"]}),
    ("list_tags_for_resource", ARN),
    ("list_tags_for_resource", {"resourceArn": "arn:aws:ecr:us-east-1:123456789012:repository/team/none"}),
    ("put_image_tag_mutability", {**REPOSITORY, "imageTagMutability": "IMMUTABLE"}),
    ("put_image_tag_mutability", {**MISSING, "imageTagMutability": "IMMUTABLE"}),
    ("put_image_scanning_configuration", {**REPOSITORY, "imageScanningConfiguration": {"scanOnPush": True}}),
    ("batch_delete_image", {**REPOSITORY, "imageIds": [{"imageTag": "latest"}]}),
    ("batch_delete_image", {**REPOSITORY, "imageIds": [{"imageTag": "none"}, {"imageDigest": DIGEST}, {}]}),
    ("batch_delete_image", {**REPOSITORY, "imageIds": [{"imageDigest": "nonsense"}]}),
    ("batch_delete_image", {**REPOSITORY, "imageIds": [{"imageTag": "v2"}, {"imageTag": "v2"}]}),
    ("batch_delete_image", {**MISSING, "imageIds": [{"imageTag": "v1"}]}),
    ("describe_images", REPOSITORY),
    ("delete_repository", REPOSITORY),
    ("delete_repository", {**REPOSITORY, "force": True}),
    ("delete_repository", MISSING),
    ("describe_repositories", {}),
]

ADDED = {"imageStatus", "lastRecordedPullTime"}
"""What DescribeImages has and moto lacks."""
CORRECTED = {"imageSizeInBytes"}
"""What moto takes from the size of the image's configuration."""
VARYING = {"createdAt", "imagePushedAt", "lastEvaluatedAt", "imageScanCompletedAt", "vulnerabilitySourceUpdatedAt"}
"""Times, which are no more equal than two runs."""


def answers(client: Any, calls: Any) -> list[Any]:
    found = []
    for operation, parameters in calls:
        try:
            answer = getattr(client, operation)(**parameters)
            answer.pop("ResponseMetadata")
        except ClientError as error:
            answer = {"error": error.response["Error"], "status": error.response["ResponseMetadata"]["HTTPStatusCode"]}
        except BotoCoreError as error:
            answer = {"refused by botocore": str(error)}
        found.append(answer)
    return json.loads(json.dumps(found, default=str))  # type: ignore[no-any-return]  # as written


PLAIN_MOTO = f"""
import json, sys
import boto3
from botocore.exceptions import BotoCoreError, ClientError
from moto import mock_aws
from typing import Any
{inspect.getsource(answers)}
with mock_aws():
    print(json.dumps(answers(boto3.client("ecr", region_name="us-east-1"), json.load(sys.stdin))))
"""


@pytest.fixture(scope="module")
def of_moto() -> Any:
    """Answers of moto alone; in a process of its own, because the local ECR of this one extends moto."""
    run = subprocess.run(
        [sys.executable, "-c", PLAIN_MOTO],
        input=json.dumps(CALLS),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return json.loads(run.stdout)


def comparable(answers: list[Any]) -> Any:
    """Leave out what may differ, and number the digests, which moto takes of the layers and ECR of the manifest."""
    text = json.dumps(_without_differences(answers))
    for number, digest in enumerate(dict.fromkeys(re.findall("sha256:[0-9a-f]{64}", text))):
        text = text.replace(digest, f"digest {number}")
    return json.loads(text)


def _without_differences(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {
            key: "..." if key in VARYING else _without_differences(value)
            for key, value in answer.items()
            if key not in ADDED | CORRECTED
        }
    return [_without_differences(item) for item in answer] if isinstance(answer, list) else answer


def test_every_call_is_answered_as_moto_answers_it(local_ecr: LocalEcr, of_moto: Any) -> None:
    ours = answers(local_ecr.client(), CALLS)
    for call, mine, motos in zip(CALLS, comparable(ours), comparable(of_moto), strict=True):
        assert (call, mine) == (call, motos)


@pytest.mark.usefixtures("no_local_ecr")
def test_every_call_is_answered_so_in_process_too(of_moto: Any) -> None:
    with LocalEcr(port=None) as ecr:
        ours = answers(ecr.client(), CALLS)
    assert comparable(ours) == comparable(of_moto)


def test_the_calls_are_of_many_kinds_and_most_succeed(of_moto: Any) -> None:
    assert len({operation for operation, _ in CALLS}) >= 30
    assert sum("error" not in answer for answer in of_moto) > len(CALLS) / 2
