"""The trigger that says who changed a lifecycle policy, on a queue of the local AWS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, cast
from uuid import uuid4

import boto3
import pytest
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.ecr import ACCESS_KEY, SECRET_KEY
from airflow_provider_ecr_preview.triggers import policy_events
from airflow_provider_ecr_preview.triggers.policy_events import EcrLifecyclePolicyEventTrigger
from tests.core.test_policy_event import event

REGION = "us-east-1"


class Queue:
    """A queue of the local AWS."""

    def __init__(self, ecr: LocalEcr, name: str) -> None:
        self.client: Any = boto3.client(
            "sqs",
            endpoint_url=ecr.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )
        self.url = self.client.create_queue(QueueName=name)["QueueUrl"]

    def send(self, body: Any) -> None:
        self.client.send_message(QueueUrl=self.url, MessageBody=body if isinstance(body, str) else json.dumps(body))

    @property
    def left(self) -> int:
        """Number of messages that were not deleted, hidden ones included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


@pytest.fixture
def queue(local_ecr: LocalEcr) -> Queue:
    # Of its own for every test: a call that was given up may still receive a message after its test.
    return Queue(local_ecr, f"policy-changes-{uuid4().hex}")


def trigger(queue_url: str) -> EcrLifecyclePolicyEventTrigger:
    return EcrLifecyclePolicyEventTrigger(queue_url=queue_url, wait_seconds=0, region_name=REGION)


def events(of: EcrLifecyclePolicyEventTrigger, count: int, then: Any = None) -> list[dict[str, Any]]:
    """Return the payloads of the first events, and look what is left once the trigger asks for more."""

    async def collect() -> list[dict[str, Any]]:
        stream = cast("AsyncGenerator[TriggerEvent, None]", of.run())
        payloads = [(await anext(stream)).payload for _ in range(count)]
        if then is not None:
            waiting = asyncio.ensure_future(anext(stream))
            while not then():  # noqa: ASYNC110  # the queue of another process has no event to wait for
                await asyncio.sleep(0.01)
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        else:
            await stream.aclose()
        return payloads

    return asyncio.run(asyncio.wait_for(collect(), 60))


def test_a_change_is_handed_on_and_deleted_afterwards(queue: Queue) -> None:
    queue.send(event())
    (payload,) = events(trigger(queue.url), 1, then=lambda: queue.left == 0)
    assert (payload["repository_name"], payload["changed_by"].rsplit("/")[-1]) == ("payments/api", "anna")
    assert json.loads(json.dumps(payload)) == payload


def test_a_change_that_was_not_handed_on_stays_in_the_queue(queue: Queue) -> None:
    queue.send(event())
    events(trigger(queue.url), 1)
    assert queue.left == 1


def test_other_events_are_deleted_and_unreadable_messages_stay(
    queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    queue.send(event("StartLifecyclePolicyPreview"))
    queue.send("\x1b[31m{")
    queue.send(event("DeleteLifecyclePolicy"))
    (payload,) = events(trigger(queue.url), 1, then=lambda: queue.left == 1)
    assert payload["event_name"] == "DeleteLifecyclePolicy"


def test_a_queue_that_cannot_be_read_is_tried_again(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    of = trigger(queue.url)
    queue.send(event())
    read, pauses = of._next, []

    def failing(handed_on: Any) -> Any:
        if len(pauses) < 3:
            raise ConnectionError("no network")
        return read(handed_on)

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(of, "_next", failing)
    monkeypatch.setattr(policy_events.asyncio, "sleep", pause)
    assert len(events(of, 1)) == 1
    assert pauses[:3] == [5.0, 10.0, 20.0]


def test_the_trigger_may_watch_an_asset() -> None:
    assert issubclass(EcrLifecyclePolicyEventTrigger, BaseEventTrigger)
