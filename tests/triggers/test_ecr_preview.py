from __future__ import annotations

import asyncio
import importlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from airflow.triggers.base import BaseTrigger

from airflow_provider_ecr_preview.aws.errors import CallSite
from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.faults import AccessDenied, Delay, PreviewExpires, PreviewFails, throttled
from airflow_provider_ecr_preview.triggers import _polls
from airflow_provider_ecr_preview.triggers._polls import shared_hook
from airflow_provider_ecr_preview.triggers.ecr_preview import (
    EcrLifecyclePolicyPreviewTrigger,
    PreviewEvent,
    preview_of,
)
from tests.support.policies import keep

try:
    from airflow.sdk.serde import deserialize, serialize
except ImportError:  # Airflow 3.1
    from airflow.serialization.serde import deserialize, serialize

pytestmark = pytest.mark.usefixtures("fresh_trigger_hooks")

REPOSITORY = "payments/api"
ARGUMENTS: dict[str, Any] = {
    "repository_name": REPOSITORY,
    "deadline": 1_800_000_000.25,
    "registry_id": "210987654321",
    "policy_fingerprint": "f" * 64,
    "until_complete": False,
    "poll_interval": 7.5,
    "outage_timeout": 90.0,
    "has_answered": True,
    "aws_conn_id": "aws_other",
    "region_name": "eu-west-1",
    "verify": "/etc/ssl/own.pem",
    "botocore_config": {"read_timeout": 7, "retries": {"mode": "adaptive"}},
}


def start(count: int = 10) -> str:
    return EcrLifecyclePolicyPreviewHook().start_preview(REPOSITORY, keep(count)).policy.fingerprint


def trigger(seconds: float = 30.0, **kwargs: Any) -> EcrLifecyclePolicyPreviewTrigger:
    return EcrLifecyclePolicyPreviewTrigger(
        **{"repository_name": REPOSITORY, "deadline": time.time() + seconds, "poll_interval": 0.05, **kwargs}
    )


def as_a_triggerer_builds_it(original: BaseTrigger) -> EcrLifecyclePolicyPreviewTrigger:
    """Return the trigger as a triggerer makes it from the row that the task left in Airflow's database."""
    class_path, kwargs = original.serialize()
    module, _, name = class_path.rpartition(".")
    row = json.loads(json.dumps(serialize(kwargs)))
    built = getattr(importlib.import_module(module), name)(**deserialize(row))
    assert isinstance(built, EcrLifecyclePolicyPreviewTrigger)
    return built


async def event_of(waiting: BaseTrigger) -> PreviewEvent:
    events = [event.payload async for event in as_a_triggerer_builds_it(waiting).run()]
    assert len(events) == 1
    event: PreviewEvent = events[0]
    return event


def site() -> CallSite:
    return CallSite(REPOSITORY, None, None)


class TestSettings:
    def test_every_argument_comes_back_from_the_database(self) -> None:
        built = as_a_triggerer_builds_it(EcrLifecyclePolicyPreviewTrigger(**ARGUMENTS))
        assert {name: getattr(built, name) for name in ARGUMENTS} == ARGUMENTS
        assert built.serialize()[1] == ARGUMENTS

    def test_a_trigger_that_a_restarted_triggerer_builds_has_the_same_deadline(self) -> None:
        first = trigger(seconds=600)
        second = as_a_triggerer_builds_it(as_a_triggerer_builds_it(first))
        assert second.deadline == first.deadline

    @pytest.mark.asyncio
    async def test_registry_connection_region_and_configuration_reach_the_wire(
        self, local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = json.loads(local_ecr.connection)
        connection["extra"]["config_kwargs"] = {"user_agent_extra": "other-connection"}
        monkeypatch.setenv("AIRFLOW_CONN_AWS_OTHER", json.dumps(connection))
        local_ecr.create_repository(REPOSITORY, region_name="eu-west-1", account_id="210987654321")
        settings = {"aws_conn_id": "aws_other", "region_name": "eu-west-1"}
        hook = EcrLifecyclePolicyPreviewHook(**settings)
        hook.start_preview(REPOSITORY, keep(1), registry_id="210987654321")
        local_ecr.calls.clear()
        config = {"read_timeout": 7, "retries": {"total_max_attempts": 2}}
        event = await event_of(trigger(registry_id="210987654321", botocore_config=config, **settings))
        assert event["preview"] is not None
        assert event["preview"]["registry_id"] == "210987654321"
        [call] = local_ecr.calls
        assert (call.region, call.parameters["registryId"]) == ("eu-west-1", "210987654321")
        used = shared_hook("aws_other", "eu-west-1", None, config).conn.meta.config
        assert used.read_timeout == 7
        assert used.retries["total_max_attempts"] == 1, "a poll is one attempt"


class TestEvents:
    @pytest.mark.asyncio
    async def test_a_complete_preview_is_a_small_event_of_plain_json(self, repository: LocalEcr) -> None:
        fingerprint = start()
        event = await event_of(trigger(policy_fingerprint=fingerprint))
        assert json.loads(json.dumps(event)) == event
        assert len(json.dumps(event)) < 1024
        assert (event["status"], event["error"]) == ("success", None)
        assert preview_of(event, site()) == {
            "registry_id": "123456789012",
            "region_name": "us-east-1",
            "repository_name": REPOSITORY,
            "status": "COMPLETE",
            "policy_fingerprint": fingerprint,
        }

    @pytest.mark.asyncio
    async def test_a_preview_in_progress_is_waited_for(self, repository: LocalEcr) -> None:
        repository.preview_seconds = 3600
        fingerprint = start()
        repository.calls.clear()
        waiting = asyncio.create_task(event_of(trigger(policy_fingerprint=fingerprint)))
        while repository.calls.count("GetLifecyclePolicyPreview") < 3:  # noqa: ASYNC110 - the log of calls has no event
            await asyncio.sleep(0.01)
        assert not waiting.done()
        repository.clock.advance(timedelta(hours=1))
        assert (await waiting)["status"] == "success"

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            pytest.param(PreviewFails(), exceptions.PreviewFailedError, id="failed"),
            pytest.param(PreviewExpires(), exceptions.PreviewExpiredError, id="expired"),
        ],
    )
    @pytest.mark.asyncio
    async def test_another_end_than_complete_is_an_error_at_once(
        self, repository: LocalEcr, fault: Any, error: type[Exception]
    ) -> None:
        repository.inject(fault)
        start()
        repository.calls.clear()
        event = await event_of(trigger())
        assert event["status"] == "error"
        assert repository.calls.operations == {"GetLifecyclePolicyPreview": 1}
        with pytest.raises(error, match=rf"{REPOSITORY} \(.*us-east-1\): .*Start it again"):
            preview_of(event, site())

    @pytest.mark.asyncio
    async def test_a_preview_that_was_never_started_is_an_error(self, repository: LocalEcr) -> None:
        event = await event_of(trigger())
        with pytest.raises(exceptions.PreviewNotFoundError, match="Start one first"):
            preview_of(event, site())

    @pytest.mark.parametrize("preview_seconds", [0.0, 30.0])
    @pytest.mark.asyncio
    async def test_a_preview_that_was_replaced_is_an_error_whether_it_has_ended_or_not(
        self, repository: LocalEcr, preview_seconds: float
    ) -> None:
        fingerprint = start(10)
        repository.preview_seconds = preview_seconds
        start(20)
        event = await event_of(trigger(policy_fingerprint=fingerprint))
        with pytest.raises(exceptions.PreviewReplacedError, match="something else started one"):
            preview_of(event, site())

    @pytest.mark.parametrize("fault", [None, PreviewFails(), PreviewExpires()])
    @pytest.mark.asyncio
    async def test_the_preview_of_somebody_else_has_ended_whatever_its_end(
        self, repository: LocalEcr, fault: Any
    ) -> None:
        if fault is not None:
            repository.inject(fault)
        start()
        event = await event_of(trigger(until_complete=False))
        assert event["status"] == "success"

    @pytest.mark.asyncio
    async def test_an_error_keeps_the_place_where_it_happened(self, repository: LocalEcr) -> None:
        repository.inject(AccessDenied(), "GetLifecyclePolicyPreview", calls=None)
        event = await event_of(trigger(registry_id="123456789012"))
        with pytest.raises(exceptions.AccessDeniedError) as raised:
            preview_of(event, CallSite(REPOSITORY, "123456789012", None))
        assert raised.value.region_name == "us-east-1"
        assert str(raised.value).startswith(f"{REPOSITORY} (123456789012, us-east-1): ")
        assert "ecr:GetLifecyclePolicyPreview" in str(raised.value)

    def test_an_error_of_a_class_that_this_release_does_not_know_is_an_error_all_the_same(self) -> None:
        event = PreviewEvent(
            status="error", preview=None, deadline=0.0, error="NoSuchError", message="Odd.", region_name=None
        )
        with pytest.raises(exceptions.RepositoryError, match="Odd"):
            preview_of(event, site())


class TestTime:
    @pytest.mark.asyncio
    async def test_the_wait_ends_at_the_deadline(self, repository: LocalEcr) -> None:
        # Neither the preview nor the next look comes before the deadline: a wait for them would take an hour.
        repository.preview_seconds = 3600
        start()
        event = await event_of(trigger(seconds=0.2, poll_interval=3600))
        with pytest.raises(exceptions.PreviewTimeoutError, match="longer timeout"):
            preview_of(event, site())

    @pytest.mark.asyncio
    async def test_a_trigger_that_comes_back_after_the_deadline_looks_once_and_gives_up(
        self, repository: LocalEcr
    ) -> None:
        repository.preview_seconds = 30
        start()
        repository.calls.clear()
        event = await event_of(trigger(seconds=-100))
        assert event["error"] == "PreviewTimeoutError"
        assert len(repository.calls) == 1

    @pytest.mark.asyncio
    async def test_a_preview_that_ended_while_no_triggerer_ran_is_found_after_the_deadline(
        self, repository: LocalEcr
    ) -> None:
        start()
        assert (await event_of(trigger(seconds=-100)))["status"] == "success"

    @pytest.mark.asyncio
    async def test_throttling_is_waited_out(self, repository: LocalEcr) -> None:
        start()
        repository.inject(throttled("ThrottleException"), "GetLifecyclePolicyPreview", calls=2)
        assert (await event_of(trigger()))["status"] == "success"

    @pytest.mark.asyncio
    async def test_throttling_that_lasts_for_several_looks_does_not_end_the_wait(self, repository: LocalEcr) -> None:
        start()
        fault = repository.inject(throttled("ThrottleException"), "GetLifecyclePolicyPreview", calls=3)
        assert (await event_of(trigger()))["status"] == "success"
        assert fault.hits == 3

    @pytest.mark.asyncio
    async def test_throttling_without_an_end_is_an_error_at_the_deadline(self, repository: LocalEcr) -> None:
        start()
        repository.inject(throttled("ThrottleException"), "GetLifecyclePolicyPreview", calls=None)
        event = await event_of(trigger(seconds=0.2))
        with pytest.raises(exceptions.ThrottledError, match="kept throttling"):
            preview_of(event, site())

    @pytest.mark.asyncio
    async def test_the_event_loop_is_not_blocked_while_ecr_is_asked(self, repository: LocalEcr) -> None:
        start()
        repository.inject(Delay(0.4), "GetLifecyclePolicyPreview")
        ticks = 0

        async def heartbeat() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        beating = asyncio.create_task(heartbeat())
        event = await event_of(trigger())
        beating.cancel()
        assert event["status"] == "success"
        assert ticks > 10


class TestSharedClients:
    @pytest.fixture
    def created(self, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
        regions: list[str | None] = []
        create = _polls.PollHook.get_client_type

        def counted(hook: _polls.PollHook, *args: Any, **kwargs: Any) -> Any:
            regions.append(hook.region_name)
            return create(hook, *args, **kwargs)

        monkeypatch.setattr(_polls.PollHook, "get_client_type", counted)
        return regions

    @pytest.mark.asyncio
    async def test_twenty_triggers_of_one_configuration_make_one_client(
        self, repository: LocalEcr, created: list[str | None]
    ) -> None:
        start()
        created.clear()
        events = await asyncio.gather(*(event_of(trigger()) for _ in range(20)))
        assert [event["status"] for event in events] == ["success"] * 20
        assert len(created) == 1

    def test_threads_that_come_at_once_get_one_client(self, local_ecr: LocalEcr, created: list[str | None]) -> None:
        barrier = threading.Barrier(8)

        def ask(_: int) -> EcrLifecyclePolicyPreviewHook:
            barrier.wait(300)
            return shared_hook("aws_default", None, None, None)

        with ThreadPoolExecutor(8) as pool:
            hooks = set(map(id, pool.map(ask, range(8))))
        assert len(hooks) == len(created) == 1

    @pytest.mark.parametrize(
        "other",
        [
            ("aws_other", "us-east-1", True, {"read_timeout": 7}),
            ("aws_default", "eu-west-1", True, {"read_timeout": 7}),
            ("aws_default", "us-east-1", False, {"read_timeout": 7}),
            ("aws_default", "us-east-1", True, {"read_timeout": 8}),
            ("aws_default", "us-east-1", True, None),
        ],
    )
    def test_another_connection_region_verification_or_configuration_has_a_client_of_its_own(
        self, local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch, other: tuple[Any, ...]
    ) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_OTHER", local_ecr.connection)
        first = shared_hook("aws_default", "us-east-1", True, {"read_timeout": 7})
        assert shared_hook(*other) is not first
        assert shared_hook("aws_default", "us-east-1", True, {"read_timeout": 7}) is first
