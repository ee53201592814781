"""Polls in the triggerer: calls that hang hold up nothing else, outages pass, and a changed connection is read again."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airflow_provider_ecr_preview.core.preview.pages import PreviewStatus
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.faults import ConnectionReset, Refused, server_error
from airflow_provider_ecr_preview.triggers import _polls, ecr_preview
from airflow_provider_ecr_preview.triggers._polls import FailingSince, Poller, in_thread
from airflow_provider_ecr_preview.triggers.ecr_audit import EcrLifecyclePolicyPreviewsTrigger
from airflow_provider_ecr_preview.triggers.ecr_preview import EcrLifecyclePolicyPreviewTrigger
from tests.support.policies import keep

pytestmark = pytest.mark.usefixtures("fresh_trigger_hooks")

REPOSITORY = "payments/api"
POLICY = keep(1)
GET = "GetLifecyclePolicyPreview"


@pytest.fixture
def started(local_ecr: LocalEcr) -> LocalEcr:
    local_ecr.create_repository(REPOSITORY)
    EcrLifecyclePolicyPreviewHook().start_preview(REPOSITORY, POLICY)
    return local_ecr


async def event_of(trigger: Any) -> dict[str, Any]:
    [event] = [event.payload async for event in trigger.run()]
    return dict(event)


def waiting(**kwargs: Any) -> EcrLifecyclePolicyPreviewTrigger:
    return EcrLifecyclePolicyPreviewTrigger(
        **{"repository_name": REPOSITORY, "deadline": time.time() + 600, "poll_interval": 0.01, **kwargs}
    )


def auditing(**kwargs: Any) -> EcrLifecyclePolicyPreviewsTrigger:
    return EcrLifecyclePolicyPreviewsTrigger(
        **{"repository_names": [REPOSITORY], "deadline": time.time() + 600, "poll_interval": 0.01, **kwargs}
    )


class TestHungCalls:
    @pytest.mark.asyncio
    async def test_a_hundred_calls_that_hang_do_not_hold_up_another_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_polls, "SLOW_SECONDS", 0.01)
        released = threading.Event()
        hung = [asyncio.create_task(in_thread(released.wait, 600)) for _ in range(100)]
        try:
            # It can return only while all others hang: nothing sets the event before.
            assert await in_thread(lambda: "answered", 600) == "answered"
            assert await asyncio.to_thread(lambda: "also answered") == "also answered"
            assert not any(task.done() for task in hung)
        finally:
            released.set()
            await asyncio.gather(*hung)

    @pytest.mark.asyncio
    async def test_a_call_that_hangs_is_given_up_when_its_time_is_over(self) -> None:
        released = threading.Event()
        with pytest.raises(TimeoutError):
            await in_thread(released.wait, 0.01)
        released.set()

    @pytest.mark.asyncio
    async def test_a_wait_whose_last_call_hangs_ends_with_a_named_error(
        self, started: LocalEcr, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        released = threading.Event()
        monkeypatch.setattr(ecr_preview, "LEAST_SECONDS", 0.01)
        monkeypatch.setattr(Poller, "look", lambda *_: released.wait(300))
        event = await event_of(waiting(deadline=time.time()))
        released.set()
        assert event["error"] == "PreviewTimeoutError"
        assert "did not answer the last call" in event["message"]

    @pytest.mark.asyncio
    async def test_the_trigger_of_an_audit_ends_at_its_deadline_though_every_call_hangs(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        released = threading.Event()
        monkeypatch.setattr(Poller, "look", lambda *_: released.wait(300))
        names = [f"team/{number}" for number in range(8)]
        event = await event_of(auditing(repository_names=names, deadline=time.time() + 0.1, carried={"log": "kept"}))
        released.set()
        assert event["carried"] == {"log": "kept"}

    @pytest.mark.asyncio
    async def test_the_trigger_of_an_audit_looks_at_its_sample_at_the_same_time(
        self, started: LocalEcr, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        barrier = threading.Barrier(8, timeout=600)
        look = Poller.look

        def together(poller: Poller, name: str, registry_id: str | None) -> PreviewStatus:
            barrier.wait(300)
            return look(poller, name, registry_id)

        monkeypatch.setattr(Poller, "look", together)
        await event_of(auditing(repository_names=[REPOSITORY] + [f"missing/{number}" for number in range(7)]))
        assert not barrier.broken


class TestOutages:
    @pytest.mark.parametrize("fault", [server_error(), Refused("ServiceUnavailable", status=503), ConnectionReset()])
    @pytest.mark.asyncio
    async def test_a_wait_goes_on_after_an_outage(self, started: LocalEcr, fault: Any) -> None:
        injection = started.inject(fault, GET, calls=5)
        assert (await event_of(waiting()))["status"] == "success"
        assert injection.hits == 5

    @pytest.mark.asyncio
    async def test_an_outage_without_an_end_is_a_named_error(
        self, started: LocalEcr, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        started.inject(server_error(), GET, calls=None)
        assert (await event_of(waiting(outage_timeout=0.0)))["error"] == "EcrOutageError"

    @pytest.mark.asyncio
    async def test_the_trigger_of_an_audit_waits_through_an_outage(self, started: LocalEcr) -> None:
        injection = started.inject(server_error(), GET, calls=5)
        await event_of(auditing())
        assert injection.hits == 5

    def test_only_failures_without_a_success_between_count_as_an_outage(self) -> None:
        now = 0.0
        failing = FailingSince(600, lambda: now)
        assert not failing.goes_on()
        now = 599.0
        assert not failing.goes_on()
        assert not failing.is_new
        failing.end()
        now = 1_000.0
        assert not failing.goes_on()
        assert failing.is_new
        now = 1_600.0
        assert failing.goes_on()

    def test_an_endpoint_that_never_answered_may_be_a_typo(self) -> None:
        now = 0.0
        failing = FailingSince(600, lambda: now, has_answered=False)
        assert not failing.goes_on(ConnectionError())
        now = 10.0
        assert failing.goes_on(ConnectionError())

    @pytest.mark.parametrize("answers", [True, False])
    def test_an_endpoint_that_answered_or_reports_an_error_exists(self, answers: bool) -> None:
        now = 0.0
        failing = FailingSince(600, lambda: now, has_answered=False)
        failure = RuntimeError()
        failure.__cause__ = None if answers else ClientError({"Error": {"Code": "ServiceUnavailable"}}, "Get")
        if answers:
            failing.end()
        assert not failing.goes_on(failure)
        now = 599.0
        assert not failing.goes_on(ConnectionError())
        now = 600.0
        assert failing.goes_on(ConnectionError())


class TestConnections:
    @pytest.mark.asyncio
    async def test_a_changed_connection_is_read_at_the_next_refusal(
        self, started: LocalEcr, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = Poller("aws_default", None, None, None)
        old.look(REPOSITORY, None)
        connection = json.loads(started.connection)
        connection["extra"]["config_kwargs"] = {"user_agent_extra": "renewed"}
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
        started.inject(Refused("ExpiredTokenException"), GET, calls=1)
        assert (await event_of(waiting()))["status"] == "success"
        assert _polls.shared_hook("aws_default", None, None, None).conn.meta.config.user_agent_extra.endswith("renewed")

    @pytest.mark.asyncio
    async def test_credentials_that_stay_refused_end_the_wait(self, started: LocalEcr) -> None:
        started.inject(Refused("ExpiredTokenException"), GET, calls=None)
        started.calls.clear()
        event = await event_of(waiting())
        assert event["error"] == "CredentialsRefusedError"
        assert "have expired" in event["message"]
        assert len(started.calls) == 2

    @pytest.mark.parametrize("make", [waiting, auditing])
    @pytest.mark.asyncio
    async def test_a_client_that_cannot_be_created_ends_the_wait_with_an_event(
        self, started: LocalEcr, make: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(*_: object, **__: object) -> None:
            raise RuntimeError("the secrets backend is down")

        monkeypatch.setattr(_polls.PollHook, "get_client_type", fails)
        event = await event_of(make())
        assert event.get("error", "RepositoryError") == "RepositoryError"
        assert "the secrets backend is down" in event.get("message", "the secrets backend is down")
