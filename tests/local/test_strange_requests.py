"""Requests that no SDK sends: wrong types, nulls, unknown members, text that is no text. None is a server error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from random import Random
from typing import Any

import pytest
from moto.core.utils import get_service_model  # noqa: TID253  # botocore's model, as moto reads it

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.coverage import is_served
from airflow_provider_ecr_preview.local.images import IMAGE_MANIFEST, MANIFEST_LIST

pytestmark = pytest.mark.changes_registry

REPOSITORY = "team/api"
TARGET = "AmazonEC2ContainerRegistry_V20150921."
JUNK = (None, 0, -1, 1.5, True, "", "x", "ü\x00😀", "\ud800", "a" * 5_000, [], [None], [1], {}, {"a": 1}, 10**30)
TEXTS: dict[str, tuple[str, ...]] = {
    "repositoryName": (REPOSITORY, "team/none", "Not A Name"),
    "registryId": ("123456789012", "210987654321", "12"),
    "imageDigest": ("sha256:" + "0" * 64, "sha256:x"),
    "imageTag": ("v1", "none", "a:b"),
    "imageManifest": ("{}", "[]", "{", json.dumps({"mediaType": IMAGE_MANIFEST})),
    "lifecyclePolicyText": ("{}", "[]", "{", json.dumps({"rules": [None]})),
    "nextToken": ("x", "WzFd", "bnVsbA=="),
    "resourceArn": ("arn:aws:ecr:us-east-1:123456789012:repository/team/api", "arn:x", "x"),
    "prefix": ("ROOT", "team", "Not A Prefix"),
    "region": ("us-east-1", "eu-west-1", "x"),
}

Post = Callable[[str, Any], tuple[int, dict[str, Any]]]


@pytest.fixture
def post(local_ecr: LocalEcr) -> Iterator[Post]:
    """Send any body to an operation, and return status and answer."""
    connection = HTTPConnection(local_ecr.endpoint_url.removeprefix("http://"))

    def send(operation: str, body: Any, region: str = "us-east-1") -> tuple[int, dict[str, Any]]:
        credential = f"AWS4-HMAC-SHA256 Credential=AKIALOCALECRTESTONLY/20261129/{region}/ecr/aws4_request, Signature=0"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", "/", content, {"X-Amz-Target": TARGET + operation, "Authorization": credential})
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    yield send
    connection.close()


def random_value(random: Random, shape: Any, name: str = "") -> Any:
    """Return a value that mostly has the type of a shape, and sometimes none that it may have."""
    if random.random() < 0.1:
        return random.choice(JUNK)
    if shape.type_name == "structure":
        members = {
            member: random_value(random, of, member)
            for member, of in shape.members.items()
            if random.random() < (0.9 if member in shape.required_members else 0.4)
        }
        return members | ({"unknown": 1} if random.random() < 0.1 else {})
    if shape.type_name == "list":
        return [random_value(random, shape.member, name) for _ in range(random.choice((0, 1, 1, 2)))]
    if shape.type_name == "string":
        return random.choice(TEXTS.get(name) or getattr(shape, "enum", None) or ("x", "", "AB"))
    return random.choice({"boolean": (True, False), "blob": ("bGF5ZXI=",)}.get(shape.type_name, (0, 1, 100, 1_001)))


def send_random_requests(ecr: LocalEcr, post: Post, seeds: range) -> None:
    """Send random requests to every operation; the fixture of the folder checks that each reply fits the model."""
    model = get_service_model("ecr")
    operations = [name for name in model.operation_names if is_served(name)]
    for seed in seeds:
        random = Random(seed)
        if seed % 50 == 0:
            ecr.reset()
            ecr.create_repository(REPOSITORY)
            ecr.push(REPOSITORY, tags=["v1"])
        operation = random.choice(operations)
        shape = model.operation_model(operation).input_shape
        body = {} if shape is None else random_value(random, shape)
        status, answer = post(operation, body)
        assert status < 500, (seed, operation, body, answer)


def test_random_requests_are_no_server_error(local_ecr: LocalEcr, post: Post) -> None:
    send_random_requests(local_ecr, post, range(1_000))


@pytest.mark.nightly
def test_many_random_requests_are_no_server_error(local_ecr: LocalEcr, post: Post) -> None:
    send_random_requests(local_ecr, post, range(1_000, 40_000))


@pytest.mark.parametrize(
    ("operation", "parameters", "complaint"),
    [
        pytest.param("PutImageScanningConfiguration", {"imageScanningConfiguration": {"scanOnPush": "yes"}}, "boolean"),
        pytest.param("DescribeImages", {"filter": {"tagStatus": "MAYBE"}}, "TAGGED"),
        pytest.param("PutImage", {"imageManifest": "\ud800"}, "Unicode"),
        pytest.param(
            "UpdateImageStorageClass", {"imageId": {"a": 1}, "targetStorageClass": "ARCHIVE"}, "tag and digest"
        ),
        pytest.param("BatchGetImage", {}, "imageIds"),
        pytest.param(
            "UploadLayerPart",
            {"uploadId": "x", "partFirstByte": 0, "partLastByte": 1, "layerPartBlob": "ü"},
            "Base64",
        ),
        pytest.param("GetAuthorizationToken", {"registryIds": ["ü"]}, "registryIds.1"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(
    local_ecr: LocalEcr, post: Post, operation: str, parameters: dict[str, Any], complaint: str
) -> None:
    local_ecr.create_repository(REPOSITORY)
    local_ecr.push(REPOSITORY)
    status, answer = post(operation, {"repositoryName": REPOSITORY, **parameters})
    assert (status, answer["__type"]) == (400, "InvalidParameterException")
    assert complaint in answer["message"]


@pytest.mark.parametrize(
    "document",
    [
        {"mediaType": 5},
        {"mediaType": IMAGE_MANIFEST, "subject": 5},
        {"mediaType": IMAGE_MANIFEST, "subject": {"digest": 5}},
        {"mediaType": IMAGE_MANIFEST, "subject": {"size": 5}},
        {"mediaType": IMAGE_MANIFEST, "artifactType": 5},
        {"mediaType": IMAGE_MANIFEST, "annotations": {"a": 1}},
        {"mediaType": IMAGE_MANIFEST, "config": "x"},
        {"mediaType": IMAGE_MANIFEST, "layers": [{"size": "7"}]},
        {"mediaType": IMAGE_MANIFEST, "layers": [{"size": -7}]},
        {"mediaType": IMAGE_MANIFEST, "layers": [7]},
        {"mediaType": MANIFEST_LIST, "manifests": [{"digest": ["x"]}]},
        {"mediaType": MANIFEST_LIST, "manifests": [{}]},
        {"mediaType": MANIFEST_LIST, "manifests": {}},
    ],
)
def test_a_manifest_with_members_of_a_wrong_type_is_refused(
    local_ecr: LocalEcr, post: Post, document: dict[str, Any]
) -> None:
    local_ecr.create_repository(REPOSITORY)
    status, answer = post("PutImage", {"repositoryName": REPOSITORY, "imageManifest": json.dumps(document)})
    assert (status, answer["__type"]) == (400, "InvalidParameterException")
    assert local_ecr.repository(REPOSITORY).local_images == []


def test_null_counts_as_missing(local_ecr: LocalEcr, post: Post) -> None:
    local_ecr.create_repository(REPOSITORY)
    local_ecr.push(REPOSITORY, tags=["v1"])
    nothing = {"registryId": None, "filter": None, "maxResults": None, "nextToken": None}
    status, answer = post("ListImages", {"repositoryName": REPOSITORY, **nothing})
    assert (status, len(answer["imageIds"])) == (200, 1)


def sent(ecr: LocalEcr, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection(ecr.endpoint_url.removeprefix("http://"))
    connection.putrequest("POST", "/")
    for name, value in {"X-Amz-Target": f"{TARGET}ListImages", **headers}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


def test_a_body_may_come_in_chunks(local_ecr: LocalEcr) -> None:
    local_ecr.create_repository(REPOSITORY)
    body = json.dumps({"repositoryName": REPOSITORY}).encode()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:9], body[9:])) + b"0\r\n\r\n"
    assert sent(local_ecr, {"Transfer-Encoding": "chunked"}, chunks) == (200, {"imageIds": []})


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Length": "many"}, b"{}"),
        ({"Content-Length": "-1"}, b"{}"),
        ({"Transfer-Encoding": "chunked"}, b"many\r\n{}\r\n0\r\n\r\n"),
    ],
)
def test_a_body_without_a_length_is_refused(local_ecr: LocalEcr, headers: dict[str, str], body: bytes) -> None:
    status, answer = sent(local_ecr, headers, body)
    assert (status, answer["__type"]) == (400, "SerializationException")


def test_members_that_ecr_does_not_have_are_ignored(post: Post) -> None:
    rule = {"destinations": [{"region": "eu-west-1", "registryId": "1" * 12}]}
    status, answer = post(
        "PutReplicationConfiguration", {"replicationConfiguration": {"rules": [{**rule, "unknown": 1}]}}
    )
    assert (status, answer["replicationConfiguration"]["rules"]) == (200, [rule])


def test_a_body_too_deep_to_read_is_refused(post: Post) -> None:
    status, answer = post("ListImages", b"[" * 200_000)
    assert (status, answer["__type"]) == (400, "SerializationException")


def test_a_region_that_does_not_exist_is_refused(post: Any) -> None:
    status, answer = post("DescribeRepositories", {}, region="moon-1")
    assert (status, answer["__type"]) == (400, "InvalidSignatureException")


@pytest.mark.parametrize(
    "destination", [{"region": "moon-1", "registryId": "1" * 12}, {"region": "eu-west-1", "registryId": "1"}]
)
def test_replication_to_nowhere_is_refused(post: Post, destination: dict[str, str]) -> None:
    status, answer = post(
        "PutReplicationConfiguration", {"replicationConfiguration": {"rules": [{"destinations": [destination]}]}}
    )
    assert (status, answer["__type"]) == (400, "InvalidParameterException")


def test_an_image_id_without_digest_and_tag_is_a_failure_of_its_own(local_ecr: LocalEcr, post: Post) -> None:
    local_ecr.create_repository(REPOSITORY)
    local_ecr.push(REPOSITORY, tags=["v1"])
    status, answer = post("BatchDeleteImage", {"repositoryName": REPOSITORY, "imageIds": [{}, {"imageTag": "v1"}]})
    assert (status, [failure["failureCode"] for failure in answer["failures"]]) == (200, ["MissingDigestAndTag"])
    assert [image_id["imageTag"] for image_id in answer["imageIds"]] == ["v1"]


def test_of_pushes_of_one_tag_at_the_same_time_one_keeps_it(local_ecr: LocalEcr) -> None:
    local_ecr.create_repository(REPOSITORY)
    client = local_ecr.client()

    def push(number: int) -> None:
        manifest = json.dumps({"mediaType": IMAGE_MANIFEST, "number": number})
        client.put_image(repositoryName=REPOSITORY, imageManifest=manifest, imageTag="latest")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(push, range(40)))
    images = client.describe_images(repositoryName=REPOSITORY)["imageDetails"]
    assert len(images) == len({image["imagePushedAt"] for image in images}) == 40
    assert [image.get("imageTags") for image in images].count(["latest"]) == 1


def test_replication_in_a_circle_ends(local_ecr: LocalEcr) -> None:
    here, there = ("123456789012", "us-east-1"), ("210987654321", "eu-west-1")
    local_ecr.replicate(there, deletions=True)
    local_ecr.replicate(here, deletions=True, region_name=there[1], account_id=there[0])
    local_ecr.create_repository(REPOSITORY)
    digest = local_ecr.push(REPOSITORY, tags=["v1"])
    replica = local_ecr.repository(REPOSITORY, region_name=there[1], account_id=there[0])
    assert [image.get_image_digest() for image in replica.local_images] == [digest]
    local_ecr.client().batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": digest}])
    assert replica.local_images == []
