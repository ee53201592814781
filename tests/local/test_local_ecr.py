"""The local ECR as one object: how it starts and ends, and who can use it."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection

import boto3
import pytest
from botocore.exceptions import ConnectionClosedError, WaiterError
from moto import mock_aws  # noqa: TID253  # what users have around it

from airflow_provider_ecr_preview.local import ConnectionReset, LocalEcr, throttled

KEEP_ONE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
                "action": {"type": "expire"},
            }
        ]
    }
)


class TestOneAfterTheOther:
    pytestmark = pytest.mark.usefixtures("no_local_ecr")

    def test_each_starts_empty_on_a_port_of_its_own(self) -> None:
        urls = []
        for _ in range(2):
            with LocalEcr() as ecr:
                urls.append(ecr.endpoint_url)
                assert ecr.client().describe_repositories()["repositories"] == []
                assert ecr.client("s3").list_buckets()["Buckets"] == []
                ecr.create_repository("a/b")
                ecr.client("s3").create_bucket(Bucket="reports")
                assert len(ecr.calls.of()) == 1
        assert all(url.startswith("http://127.0.0.1:") for url in urls)

    def test_a_second_one_in_the_process_is_refused(self) -> None:
        with LocalEcr(), pytest.raises(RuntimeError, match="already runs in this process"):
            LocalEcr().start()

    def test_a_taken_port_is_an_error_and_leaves_nothing_behind(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]
            with pytest.raises(OSError, match="in use"):
                LocalEcr(port=port).start()
        with LocalEcr(port=port) as ecr:
            assert ecr.endpoint_url == f"http://127.0.0.1:{port}"

    def test_one_that_is_stopped_says_so(self) -> None:
        with pytest.raises(RuntimeError, match="with statement"):
            _ = LocalEcr().endpoint_url

    def test_moto_is_itself_again_afterwards(self) -> None:
        with LocalEcr():
            pass
        with mock_aws():
            client = boto3.client("ecr", region_name="us-east-1")
            client.create_repository(repositoryName="a/b")
            with pytest.raises(NotImplementedError):
                client.start_lifecycle_policy_preview(repositoryName="a/b", lifecyclePolicyText=KEEP_ONE)

    def test_a_run_on_a_fixed_clock_is_the_same_every_time(self) -> None:
        answers = []
        for _ in range(2):
            with LocalEcr(registry="small", seed=3, now=datetime(2026, 11, 23, tzinfo=UTC)) as ecr:
                page = ecr.client().describe_images(repositoryName="payments/api", maxResults=1_000)
                answers.append(page["imageDetails"])
        assert answers[0] == answers[1]


@pytest.mark.usefixtures("no_local_ecr")
class TestInsideMockAws:
    def test_boto3_needs_no_endpoint(self) -> None:
        with mock_aws(), LocalEcr(port=None) as ecr:
            ecr.create_repository("a/b")
            ecr.push_many("a/b", 250)
            client = boto3.client("ecr", region_name="us-east-1")
            client.start_lifecycle_policy_preview(repositoryName="a/b", lifecyclePolicyText=KEEP_ONE)
            pages = client.get_paginator("get_lifecycle_policy_preview").paginate(repositoryName="a/b")
            assert [len(page["previewResults"]) for page in pages] == [100, 100, 49]
            assert ecr.calls.operations == {"StartLifecyclePolicyPreview": 1, "GetLifecyclePolicyPreview": 3}

    def test_it_is_a_mock_aws_itself(self) -> None:
        with LocalEcr(port=None) as ecr:
            ecr.create_repository("a/b", region_name="eu-west-1")
            (repository,) = boto3.client("ecr", region_name="eu-west-1").describe_repositories()["repositories"]
            assert repository["repositoryName"] == "a/b"
            assert ecr.client("s3").list_buckets()["Buckets"] == []

    def test_other_services_keep_what_the_test_stored(self) -> None:
        with mock_aws():
            boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="reports")
            with LocalEcr(port=None) as ecr:
                assert len(ecr.client("s3").list_buckets()["Buckets"]) == 1

    def test_faults_hit_there_too(self) -> None:
        with LocalEcr(port=None) as ecr:
            client = ecr.client()
            ecr.inject(throttled(), calls=None)
            with pytest.raises(client.exceptions.ClientError, match="ThrottlingException"):
                client.describe_repositories()
            ecr.reset()
            ecr.inject(ConnectionReset(), calls=None)
            with pytest.raises(ConnectionClosedError):
                client.describe_repositories()

    def test_a_repository_made_on_the_wire_is_ours(self) -> None:
        with LocalEcr(port=None) as ecr:
            client = ecr.client()
            client.create_repository(repositoryName="a/b")
            client.start_lifecycle_policy_preview(repositoryName="a/b", lifecyclePolicyText=KEEP_ONE)
            assert client.get_lifecycle_policy_preview(repositoryName="a/b")["status"] == "COMPLETE"


class TestFixtures:
    def test_the_environment_leads_to_it(self, local_ecr: LocalEcr) -> None:
        connection = json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
        assert connection["conn_type"] == "aws"
        assert connection["extra"] == {"endpoint_url": local_ecr.endpoint_url, "region_name": "us-east-1"}
        local_ecr.create_repository("a/b")
        (repository,) = boto3.session.Session().client("ecr").describe_repositories()["repositories"]
        assert repository["repositoryName"] == "a/b"

    @pytest.mark.parametrize("turn", [1, 2])
    def test_every_test_gets_an_empty_one(self, local_ecr: LocalEcr, turn: int) -> None:
        assert local_ecr.client().describe_repositories()["repositories"] == []
        assert len(local_ecr.calls) == 1
        assert abs(local_ecr.now - datetime.now(UTC)) < timedelta(seconds=5)
        assert local_ecr.preview_seconds == 0
        local_ecr.create_repository("a/b")
        local_ecr.inject(throttled(), calls=None)
        local_ecr.preview_seconds = turn
        local_ecr.now = datetime(2020, 1, 1, tzinfo=UTC)
        local_ecr.advance(days=turn)


class TestClients:
    def test_the_waiter_of_botocore_ends(self, local_ecr: LocalEcr) -> None:
        local_ecr.create_repository("a/b")
        local_ecr.preview_seconds = 0.05
        client = local_ecr.client()
        client.start_lifecycle_policy_preview(repositoryName="a/b", lifecyclePolicyText=KEEP_ONE)
        waiter = client.get_waiter("lifecycle_policy_preview_complete")
        waiter.wait(repositoryName="a/b", WaiterConfig={"Delay": 0.02, "MaxAttempts": 50})
        assert client.get_lifecycle_policy_preview(repositoryName="a/b")["status"] == "COMPLETE"

    def test_the_waiter_of_botocore_does_not_know_expired(self, local_ecr: LocalEcr) -> None:
        local_ecr.create_repository("a/b")
        local_ecr.preview_life_seconds = 0
        client = local_ecr.client()
        client.start_lifecycle_policy_preview(repositoryName="a/b", lifecyclePolicyText=KEEP_ONE)
        with pytest.raises(WaiterError, match="Max attempts"):
            client.get_waiter("lifecycle_policy_preview_complete").wait(
                repositoryName="a/b", WaiterConfig={"Delay": 0, "MaxAttempts": 3}
            )

    def test_many_clients_in_parallel(self, local_ecr: LocalEcr) -> None:
        for number in range(8):
            local_ecr.create_repository(f"team/{number}")
            local_ecr.push_many(f"team/{number}", 30)
        client = local_ecr.client()
        failures: list[BaseException] = []

        def audit(number: int) -> None:
            name = f"team/{number % 8}"
            try:
                for _ in range(5):
                    client.describe_images(repositoryName=name)
                    client.describe_repositories()
            except BaseException as error:  # noqa: BLE001  # a thread's error would be lost
                failures.append(error)

        threads = [threading.Thread(target=audit, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
        assert not failures
        assert local_ecr.calls.operations == {"DescribeImages": 80, "DescribeRepositories": 80}

    def test_other_services_are_there_and_recorded(self, local_ecr: LocalEcr) -> None:
        s3 = local_ecr.client("s3")
        s3.create_bucket(Bucket="reports")
        s3.put_object(Bucket="reports", Key="a.json", Body=b"{}")
        assert s3.get_object(Bucket="reports", Key="a.json")["Body"].read() == b"{}"
        assert local_ecr.client("ecs").list_clusters()["clusterArns"] == []
        assert local_ecr.client("lambda").list_functions()["Functions"] == []
        with pytest.raises(s3.exceptions.ClientError):
            s3.get_object(Bucket="reports", Key="none")
        assert {call.service for call in local_ecr.calls} == {"s3", "ecs", "lambda"}
        assert local_ecr.calls.count("ListClusters", service="ecs") == 1
        assert [call.outcome for call in local_ecr.calls].count("HTTP 404") == 1
        assert not local_ecr.calls.operations

    def test_an_operation_that_is_not_served_says_so(self, local_ecr: LocalEcr) -> None:
        client = local_ecr.client()
        with pytest.raises(
            client.exceptions.ClientError, match=r"UnknownOperationException.*DescribeImageSigningStatus"
        ):
            client.describe_image_signing_status(repositoryName="a/b", imageId={"imageTag": "v1"})


class TestClientsOfTheirOwnMaking:
    """What boto3 would not send."""

    @pytest.fixture
    def post_any(self, local_ecr: LocalEcr) -> Callable[[str, bytes], int]:
        def send(operation: str, body: bytes) -> int:
            connection = HTTPConnection(local_ecr.endpoint_url.removeprefix("http://"))
            connection.request("POST", "/", body, {"X-Amz-Target": f"AmazonEC2ContainerRegistry_V20150921.{operation}"})
            status = connection.getresponse().status
            connection.close()
            return status

        return send

    @pytest.fixture
    def post(self, local_ecr: LocalEcr) -> Callable[[str, bytes], tuple[int, str]]:
        def send(operation: str, body: bytes) -> tuple[int, str]:
            connection = HTTPConnection(local_ecr.endpoint_url.removeprefix("http://"))
            target = f"AmazonEC2ContainerRegistry_V20150921.{operation}"
            connection.request("POST", "/", body, {"X-Amz-Target": target})
            response = connection.getresponse()
            answer = json.loads(response.read())
            connection.close()
            return response.status, answer["__type"]

        return send

    def test_a_body_that_is_not_json(self, post: Callable[[str, bytes], tuple[int, str]]) -> None:
        assert post("DescribeImages", b"{") == (400, "SerializationException")

    def test_a_request_without_a_repository_is_an_invalid_parameter(
        self, post: Callable[[str, bytes], tuple[int, str]]
    ) -> None:
        assert post("GetLifecyclePolicyPreview", b"{}") == (400, "InvalidParameterException")

    def test_a_scanning_configuration_without_rules(self, post_any: Callable[[str, bytes], int]) -> None:
        assert post_any("PutRegistryScanningConfiguration", b"{}") == 200
        assert post_any("CreateRepository", b'{"repositoryName": "a/b"}') == 200

    @pytest.mark.parametrize("operation", ["PutImage", "BatchGetImage", "ListImages", "StartLifecyclePolicyPreview"])
    @pytest.mark.parametrize("value", [None, 1, "x", [], [[]], {"a": 1}])
    def test_parameters_of_a_wrong_type_are_no_server_error(
        self, local_ecr: LocalEcr, post_any: Callable[[str, bytes], int], operation: str, value: object
    ) -> None:
        local_ecr.create_repository("a/b")
        names = ("imageManifest", "imageTag", "imageIds", "filter", "maxResults", "nextToken", "lifecyclePolicyText")
        body = {"repositoryName": "a/b", **dict.fromkeys(names, value)}
        assert post_any(operation, json.dumps(body).encode()) < 500

    def test_nothing_to_delete(self, local_ecr: LocalEcr, post: Callable[[str, bytes], tuple[int, str]]) -> None:
        local_ecr.create_repository("a/b")
        body = b'{"repositoryName": "a/b", "imageIds": []}'
        assert post("BatchDeleteImage", body) == (400, "InvalidParameterException")


class TestCalls:
    def test_each_has_what_was_called_and_its_outcome(self, local_ecr: LocalEcr) -> None:
        local_ecr.create_repository("a/b")
        client = local_ecr.client(region_name="us-east-1")
        client.describe_images(repositoryName="a/b", maxResults=7)
        with pytest.raises(client.exceptions.RepositoryNotFoundException):
            local_ecr.client(region_name="eu-west-1").describe_images(repositoryName="a/b")
        first, second = local_ecr.calls
        assert (first.operation, first.repository, first.region, first.outcome) == (
            "DescribeImages",
            "a/b",
            "us-east-1",
            "OK",
        )
        assert first.parameters == {"repositoryName": "a/b", "maxResults": 7}
        assert (second.region, second.outcome) == ("eu-west-1", "RepositoryNotFoundException")
        assert local_ecr.calls.count(outcome="OK") == 1
        assert local_ecr.calls.count("DescribeImages", repository="a/b", region="eu-west-1") == 1
        assert local_ecr.calls.outcomes == {"OK": 1, "RepositoryNotFoundException": 1}
        assert "DescribeImages" in repr(local_ecr.calls)
        local_ecr.calls.clear()
        assert len(local_ecr.calls) == 0

    def test_reads_are_distinguished_from_changes(self, local_ecr: LocalEcr) -> None:
        local_ecr.create_repository("a/b")
        client = local_ecr.client()
        client.start_lifecycle_policy_preview(repositoryName="a/b", lifecyclePolicyText=KEEP_ONE)
        client.get_lifecycle_policy_preview(repositoryName="a/b")
        client.list_images(repositoryName="a/b")
        client.describe_images(repositoryName="a/b")
        assert local_ecr.calls.mutating == []
        client.put_lifecycle_policy(repositoryName="a/b", lifecyclePolicyText=KEEP_ONE)
        client.batch_delete_image(repositoryName="a/b", imageIds=[{"imageTag": "no"}])
        assert [call.operation for call in local_ecr.calls.mutating] == ["PutLifecyclePolicy", "BatchDeleteImage"]


class TestClock:
    def test_it_stands_still_where_it_is_set_and_can_be_advanced(self, local_ecr: LocalEcr) -> None:
        noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
        local_ecr.now = noon
        local_ecr.advance(days=1, hours=2)
        assert local_ecr.now == noon + timedelta(hours=26)
        local_ecr.now = noon
        assert local_ecr.now == noon

    def test_a_time_without_zone_is_refused(self, local_ecr: LocalEcr) -> None:
        with pytest.raises(ValueError, match="time zone"):
            local_ecr.now = datetime(2026, 11, 23)  # noqa: DTZ001  # the mistake that is meant
