"""Every fault looks to boto3 as the real one does, and hits the calls it is meant for."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from airflow_provider_ecr_preview.aws.limits import bound_responses
from airflow_provider_ecr_preview.local import (
    AccessDenied,
    Altered,
    ConnectionReset,
    Delay,
    DriftingTotal,
    Hang,
    HtmlPage,
    LocalEcr,
    LostReply,
    PageTokenExpires,
    PreviewExpires,
    PreviewFails,
    PreviewReplaced,
    Refused,
    SlowDrip,
    TruncatedBody,
    expired_credentials,
    malformed,
    server_error,
    service_unavailable,
    throttled,
    wrong_status,
    wrong_summary,
)
from airflow_provider_ecr_preview.local.transport_faults import MALFORMED
from tests.support.policies import keep

REPOSITORY = "data/etl"
NO_RETRIES = Config(retries={"total_max_attempts": 1, "mode": "standard"})


@pytest.fixture
def ecr(local_ecr: LocalEcr) -> LocalEcr:
    local_ecr.create_repository(REPOSITORY)
    local_ecr.push_many(REPOSITORY, 40)
    return local_ecr


@pytest.fixture
def client(ecr: LocalEcr) -> Any:
    return ecr.client(config=NO_RETRIES)


def start(client: Any, count: int = 10) -> Any:
    return client.start_lifecycle_policy_preview(repositoryName=REPOSITORY, lifecyclePolicyText=json.dumps(keep(count)))


def get(client: Any, **parameters: Any) -> Any:
    return client.get_lifecycle_policy_preview(repositoryName=REPOSITORY, **parameters)


def outcome(client: Any) -> str:
    try:
        client.describe_images(repositoryName=REPOSITORY)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except ConnectionClosedError:
        return "closed"
    return "OK"


class TestRefusals:
    @pytest.mark.parametrize(
        ("fault", "code", "status"),
        [
            (throttled(), "ThrottlingException", 400),
            (throttled("ThrottleException"), "ThrottleException", 400),
            (throttled("TooManyRequestsException", 429), "TooManyRequestsException", 429),
            (server_error(), "ServerException", 500),
            (AccessDenied(), "AccessDeniedException", 400),
            (Refused("KmsException", "no key"), "KmsException", 400),
        ],
    )
    def test_code_and_status(self, ecr: LocalEcr, client: Any, fault: Any, code: str, status: int) -> None:
        ecr.inject(fault, "StartLifecyclePolicyPreview")
        with pytest.raises(ClientError) as caught:
            start(client)
        response = caught.value.response
        assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
        assert ecr.repository(REPOSITORY).preview is None
        assert ecr.calls.count("StartLifecyclePolicyPreview", outcome=code) == 1
        start(client)

    def test_denied_names_the_action_and_the_resource(self, ecr: LocalEcr, client: Any) -> None:
        with ecr.deny("ecr:StartLifecyclePolicyPreview"):
            for _ in range(2):
                with pytest.raises(ClientError, match=r"ecr:StartLifecyclePolicyPreview on resource: .*/data/etl"):
                    start(client)
            assert outcome(client) == "OK"
        start(client)


class TestConnections:
    def test_a_reset_connection_changes_nothing(self, ecr: LocalEcr, client: Any) -> None:
        ecr.inject(ConnectionReset())
        with pytest.raises(ConnectionClosedError):
            start(client)
        assert ecr.repository(REPOSITORY).preview is None
        assert ecr.calls.outcomes == {"ConnectionReset": 1}

    def test_a_lost_reply_leaves_it_done_and_a_retry_finds_it_running(self, ecr: LocalEcr) -> None:
        ecr.preview_seconds = 60
        ecr.inject(LostReply(), "StartLifecyclePolicyPreview")
        client = ecr.client(config=Config(retries={"total_max_attempts": 2, "mode": "standard"}))
        with pytest.raises(client.exceptions.LifecyclePolicyPreviewInProgressException):
            start(client)
        assert [call.outcome for call in ecr.calls] == ["LostReply", "LifecyclePolicyPreviewInProgressException"]

    def test_a_truncated_body_is_200_and_empty_to_boto3(self, ecr: LocalEcr, client: Any) -> None:
        start(client)
        ecr.inject(TruncatedBody())
        answer = get(client)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert "status" not in answer
        assert "previewResults" not in answer

    def test_the_connection_goes_on_after_a_reset(self, ecr: LocalEcr) -> None:
        ecr.inject(ConnectionReset(), calls=2)
        client = ecr.client(config=Config(retries={"total_max_attempts": 3, "mode": "standard"}))
        assert outcome(client) == "OK"
        assert ecr.calls.outcomes == {"ConnectionReset": 2, "OK": 1}

    def test_a_delay_takes_its_time(self, ecr: LocalEcr, client: Any) -> None:
        with ecr.inject(Delay(0.1), calls=None):
            begin = time.monotonic()
            assert outcome(client) == "OK"
            assert time.monotonic() - begin >= 0.1


class TestPreviews:
    def test_failed(self, ecr: LocalEcr, client: Any) -> None:
        ecr.inject(PreviewFails())
        start(client)
        answer = get(client)
        assert (answer["status"], answer["previewResults"], answer["summary"]) == ("FAILED", [], {})
        start(client)
        assert get(client)["status"] == "COMPLETE"

    def test_expired(self, ecr: LocalEcr, client: Any) -> None:
        ecr.preview_seconds = 60
        ecr.inject(PreviewExpires())
        start(client)
        assert get(client)["status"] == "IN_PROGRESS"
        ecr.advance(minutes=1)
        assert get(client)["status"] == "EXPIRED"

    def test_replaced_halfway_refuses_the_token(self, ecr: LocalEcr, client: Any) -> None:
        ecr.inject(PreviewReplaced(json.dumps(keep(5))))
        start(client)
        token = get(client, maxResults=10)["nextToken"]
        with pytest.raises(client.exceptions.InvalidParameterException, match="replaced"):
            get(client, maxResults=10, nextToken=token)
        assert get(client)["summary"]["expiringImageTotalCount"] == 35

    def test_replaced_halfway_may_go_on_with_the_other_policy(self, ecr: LocalEcr, client: Any) -> None:
        ecr.inject(PreviewReplaced(json.dumps(keep(5)), tokens_survive=True), skip=1)
        start(client)
        pages = client.get_paginator("get_lifecycle_policy_preview").paginate(
            repositoryName=REPOSITORY, PaginationConfig={"PageSize": 10}
        )
        policies = [json.loads(page["lifecyclePolicyText"])["rules"][0]["selection"]["countNumber"] for page in pages]
        assert policies == [10, 10, 5, 5]

    def test_replaced_halfway_by_one_that_still_runs(self, ecr: LocalEcr, client: Any) -> None:
        ecr.inject(PreviewReplaced(json.dumps(keep(5)), seconds=60, tokens_survive=True))
        start(client)
        result = (
            client.get_paginator("get_lifecycle_policy_preview")
            .paginate(repositoryName=REPOSITORY, PaginationConfig={"PageSize": 10})
            .build_full_result()
        )
        assert len(result["previewResults"]) == 10
        assert result["status"] == "COMPLETE"

    def test_a_page_with_another_status(self, ecr: LocalEcr, client: Any) -> None:
        start(client)
        ecr.inject(wrong_status("FAILED"), skip=1)
        assert [get(client)["status"] for _ in range(3)] == ["COMPLETE", "FAILED", "COMPLETE"]

    def test_a_summary_that_does_not_fit(self, ecr: LocalEcr, client: Any) -> None:
        start(client)
        ecr.inject(wrong_summary(by=3))
        assert [get(client)["summary"]["expiringImageTotalCount"] for _ in range(2)] == [33, 30]

    def test_a_response_can_be_altered_in_any_way(self, ecr: LocalEcr, client: Any) -> None:
        start(client)
        ecr.inject(Altered(lambda answer: answer["previewResults"].clear()))
        assert get(client)["previewResults"] == []


class TestWhichCalls:
    def test_a_fault_hits_the_next_calls(self, ecr: LocalEcr, client: Any) -> None:
        injection = ecr.inject(throttled(), calls=2, skip=1)
        expected = ["OK", "ThrottlingException", "ThrottlingException", "OK"]
        assert [outcome(client) for _ in range(4)] == expected
        assert injection.hits == 2

    def test_a_fault_can_hit_one_repository_and_region(self, ecr: LocalEcr, client: Any) -> None:
        ecr.inject(throttled(), repository="data/other", calls=None)
        ecr.inject(throttled(), region="eu-west-1", calls=None)
        assert outcome(client) == "OK"
        assert outcome(ecr.client(region_name="eu-west-1", config=NO_RETRIES)) == "ThrottlingException"

    def test_the_same_seed_hits_the_same_share_of_calls(self, ecr: LocalEcr, client: Any) -> None:
        runs = []
        for _ in range(2):
            with ecr.inject(throttled(), "DescribeImages", calls=None, share=0.5):
                runs.append([outcome(client) for _ in range(40)])
        assert runs[0] == runs[1]
        assert 10 <= Counter(runs[0])["ThrottlingException"] <= 30

    def test_faults_hit_until_they_are_removed(self, ecr: LocalEcr, client: Any) -> None:
        injection = ecr.inject(throttled(), calls=None)
        assert outcome(client) == "ThrottlingException"
        injection.remove()
        assert outcome(client) == "OK"

    def test_moto_s_own_operations_too(self, ecr: LocalEcr, client: Any) -> None:
        ecr.inject(throttled(), "GetLifecyclePolicy")
        with pytest.raises(ClientError, match="ThrottlingException"):
            client.get_lifecycle_policy(repositoryName=REPOSITORY)
        with pytest.raises(client.exceptions.LifecyclePolicyNotFoundException):
            client.get_lifecycle_policy(repositoryName=REPOSITORY)
        assert ecr.calls.outcomes == {"ThrottlingException": 1, "LifecyclePolicyNotFoundException": 1}

    def test_a_misspelt_operation_is_an_error(self, ecr: LocalEcr) -> None:
        with pytest.raises(ValueError, match="GetLifecyclePolicyPreviews"):
            ecr.inject(throttled(), "GetLifecyclePolicyPreviews")


class TestRateLimit:
    def test_each_operation_has_a_bucket(self, ecr: LocalEcr, client: Any) -> None:
        ecr.limit(rate=0.001, burst=2)
        assert [outcome(client) for _ in range(3)] == ["OK", "OK", "ThrottlingException"]
        client.describe_repositories()

    def test_all_operations_can_share_a_bucket(self, ecr: LocalEcr, client: Any) -> None:
        ecr.limit(rate=0.001, burst=2, shared=True)
        client.describe_repositories()
        assert [outcome(client) for _ in range(2)] == ["OK", "ThrottlingException"]

    def test_it_fills_with_time(self, ecr: LocalEcr, client: Any) -> None:
        ecr.limit(rate=1 / 60, operation="DescribeImages")
        outcomes = [outcome(client), outcome(client)]
        ecr.advance(minutes=1)
        assert [*outcomes, outcome(client)] == ["OK", "ThrottlingException", "OK"]


class TestTransport:
    """Hangs, drips and web pages, over a real connection."""

    TIMEOUT = Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=0.2)

    def test_a_call_that_hangs_ends_with_the_read_timeout_and_has_no_effect(self, ecr: LocalEcr) -> None:
        ecr.inject(Hang())
        with pytest.raises(ReadTimeoutError):
            start(ecr.client(config=self.TIMEOUT))
        assert ecr.repository(REPOSITORY).preview is None
        assert ecr.calls.outcomes == {"Hang": 1}

    def test_a_server_gives_up_a_call_that_hangs(self, ecr: LocalEcr, client: Any) -> None:
        ecr.inject(Hang(seconds=0.05))
        with pytest.raises(ConnectionClosedError):
            start(client)

    def test_a_slow_drip_outlasts_the_read_timeout_and_has_its_effect(self, ecr: LocalEcr, client: Any) -> None:
        ecr.inject(SlowDrip(seconds=0.0005))
        assert start(client)["status"] == "IN_PROGRESS"
        assert ecr.repository(REPOSITORY).preview is not None

    def test_a_slow_drip_is_cut_short_by_a_client_that_bounds_whole_responses(self, ecr: LocalEcr) -> None:
        client = ecr.client(config=self.TIMEOUT)
        bound_responses(client)
        ecr.inject(SlowDrip(seconds=0.05))
        with pytest.raises(ReadTimeoutError):
            start(client)

    def test_a_web_page_is_no_response_of_ecr(self, client: Any, ecr: LocalEcr) -> None:
        ecr.inject(HtmlPage(status=503))
        with pytest.raises((ClientError, ResponseParserError)):
            start(client)
        assert ecr.calls.outcomes == {"HTML 503": 1}


class TestResponses:
    def test_a_page_token_expires(self, ecr: LocalEcr, client: Any) -> None:
        start(client)
        ecr.inject(PageTokenExpires(), calls=None)
        token = get(client, maxResults=10)["nextToken"]
        with pytest.raises(client.exceptions.InvalidParameterException, match="expired"):
            get(client, maxResults=10, nextToken=token)

    def test_the_totals_drift_from_page_to_page(self, ecr: LocalEcr, client: Any) -> None:
        start(client)
        ecr.inject(DriftingTotal(by=2), calls=None)
        totals = [get(client, maxResults=10)["summary"]["expiringImageTotalCount"] for _ in range(3)]
        assert totals == [32, 34, 36]

    def test_credentials_expire(self, ecr: LocalEcr, client: Any) -> None:
        ecr.inject(expired_credentials())
        assert [outcome(client) for _ in range(2)] == ["ExpiredTokenException", "OK"]

    def test_an_outage_is_reported_as_json(self, ecr: LocalEcr, client: Any) -> None:
        ecr.inject(service_unavailable())
        assert [outcome(client) for _ in range(2)] == ["ServiceUnavailable", "OK"]

    def test_every_kind_of_malformed_response_differs_from_the_right_one(self, ecr: LocalEcr) -> None:
        right = {"repositoryName": "a", "registryId": "1", "previewResults": [{"action": {"type": "EXPIRE"}}], "n": 1}
        for kind, change in MALFORMED.items():
            changed = json.loads(json.dumps(right))
            change(changed)
            assert changed != right, kind

    def test_a_misspelt_kind_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="wrong types"):
            malformed("wrong type")


def test_nothing_waits_in_this_process(local_ecr_server: LocalEcr) -> None:
    local_ecr_server.stop()
    try:
        with LocalEcr(port=None) as ecr:
            ecr.create_repository(REPOSITORY)
            for fault in (Hang(seconds=60), SlowDrip(seconds=60)):
                began = ecr.clock.monotonic()
                with ecr.inject(fault), pytest.raises(ReadTimeoutError):
                    ecr.client(config=NO_RETRIES).describe_images(repositoryName=REPOSITORY)
                assert ecr.clock.monotonic() - began >= 60
    finally:
        local_ecr_server.start()
