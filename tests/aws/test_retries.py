"""Retries of single calls: outages pass, deadlines hold, and an endpoint that never answered is given up soon."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError, SSLError

from airflow_provider_ecr_preview.aws.retries import OutOfTimeError, Retries, calls_until

URL = "https://api.ecr.eu-west-1.amazonaws.com/"
OPERATION = SimpleNamespace(name="GetLifecyclePolicyPreview")
ANSWER = {"status": "COMPLETE"}


class Call:
    """A call by a clock that moves only here."""

    def __init__(self, *, throttle_timeout: float = 120.0, outage_timeout: float | None = 120.0) -> None:
        self.now = 0.0
        outages = None if outage_timeout is None else lambda: outage_timeout
        self.retries = Retries(lambda: throttle_timeout, outages, clock=lambda: self.now)
        self.attempts = 0

    def answer(self, parsed: dict[str, Any], status: int = 200) -> Any:
        return SimpleNamespace(status_code=status), parsed

    def run(self, results: Iterator[tuple[float, Any]]) -> Any:
        """Make attempts until no other follows; each result comes after its seconds."""
        request: dict[str, Any] = {"context": {}}
        self.retries._begin(context=request["context"])
        while True:
            self.attempts += 1
            seconds, result = next(results)
            self.now += seconds
            error = result if isinstance(result, Exception) else None
            delay = self.retries.needs_retry(
                None if error else result, self.attempts, OPERATION, request, caught_exception=error
            )
            if delay is None:
                return result
            self.now += delay


def always(seconds: float, result: Any) -> Iterator[tuple[float, Any]]:
    while True:
        yield seconds, result


def until(end: float, call: Call, failure: Any) -> Iterator[tuple[float, Any]]:
    while call.now < end:
        yield 0.1, failure
    yield 0.1, call.answer(ANSWER)


OUTAGE = (SimpleNamespace(status_code=503), {"Error": {"Code": "ServiceUnavailable"}})
FAILURES = [OUTAGE, EndpointConnectionError(endpoint_url=URL), ConnectTimeoutError(endpoint_url=URL)]


@pytest.mark.parametrize("failure", FAILURES)
def test_an_outage_of_a_minute_costs_little_more_than_a_minute(failure: Any) -> None:
    call = Call()
    call.run(iter([(0.1, call.answer(ANSWER))]))
    assert call.run(until(60.0, call, failure))[1] == ANSWER
    assert call.now < 66.0


@pytest.mark.parametrize("failure", FAILURES)
def test_an_outage_without_an_end_is_given_up(failure: Any) -> None:
    call = Call()
    call.run(iter([(0.1, call.answer(ANSWER))]))
    assert call.run(always(0.1, failure)) is failure
    assert 119.0 < call.now < 122.0


@pytest.mark.parametrize(
    ("seconds", "failure"),
    [
        (5.0, ConnectTimeoutError(endpoint_url=URL)),
        (15.0, ReadTimeoutError(endpoint_url=URL)),
        (0.0, EndpointConnectionError(endpoint_url=URL)),
    ],
)
def test_an_endpoint_that_has_never_answered_fails_within_thirty_seconds(seconds: float, failure: Exception) -> None:
    call = Call()
    assert call.run(always(seconds, failure)) is failure
    assert call.now < 30.0


@pytest.mark.parametrize("failure", [*FAILURES, ReadTimeoutError(endpoint_url=URL)])
@pytest.mark.parametrize("timeout", [0.0, 1.0, 10.0, 40.0])
def test_no_attempt_begins_after_the_deadline(failure: Any, timeout: float) -> None:
    call = Call(outage_timeout=600.0)
    call.run(iter([(0.1, call.answer(ANSWER))]))
    began = call.now
    with calls_until(began + timeout):
        call.run(always(15.0, failure))
    assert call.now - began <= timeout + 15.0


def test_the_sdks_own_retries_make_no_attempt_after_the_deadline_either() -> None:
    call = Call()
    call.now = 11.0
    with calls_until(10.0), pytest.raises(OutOfTimeError):
        call.retries._require_time(SimpleNamespace(url=URL))
    call.retries._require_time(SimpleNamespace(url=URL))


def test_outages_are_left_to_the_sdk_where_its_retries_are_configured() -> None:
    call = Call(outage_timeout=None)
    assert call.run(always(0.1, OUTAGE)) is OUTAGE
    assert call.attempts == 1


def test_a_certificate_that_is_not_trusted_is_not_tried_again() -> None:
    call = Call()
    failure = SSLError(endpoint_url=URL, error="self-signed")
    assert call.run(always(0.1, failure)) is failure
    assert call.attempts == 1


def test_throttling_is_waited_out_for_its_own_time() -> None:
    call = Call(throttle_timeout=120.0, outage_timeout=0.0)
    throttled = (SimpleNamespace(status_code=400), {"Error": {"Code": "ThrottleException"}})
    assert call.run(always(0.1, throttled)) is throttled
    assert 119.0 < call.now < 122.0


class TestSharedOutages:
    def given_up(self) -> Call:
        call = Call()
        call.run(iter([(0.1, call.answer(ANSWER))]))
        call.run(always(0.1, OUTAGE))
        call.attempts = 0
        return call

    def test_the_calls_after_an_outage_that_was_waited_for_make_one_attempt_each(self) -> None:
        call = self.given_up()
        began = call.now
        for _ in range(5):
            assert call.run(always(1.0, OUTAGE)) is OUTAGE
        assert (call.attempts, call.now - began) == (5, 5.0)

    def test_after_an_answer_an_outage_is_waited_for_again(self) -> None:
        call = self.given_up()
        call.run(iter([(0.1, call.answer(ANSWER))]))
        began = call.now
        call.run(always(0.1, OUTAGE))
        assert 119.0 < call.now - began < 122.0

    def test_a_failure_long_after_the_last_one_is_another_outage(self) -> None:
        call = self.given_up()
        call.now = began = call.now + 61.0
        call.run(always(0.1, OUTAGE))
        assert 119.0 < call.now - began < 122.0
