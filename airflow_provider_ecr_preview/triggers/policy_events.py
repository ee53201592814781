"""The asset watcher's trigger for changes of lifecycle policies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow.providers.amazon.aws.hooks.sqs import SqsHook
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_ecr_preview.core.policy_event import policy_event
from airflow_provider_ecr_preview.core.text.visible import one_line
from airflow_provider_ecr_preview.triggers._aws import AwsTrigger
from airflow_provider_ecr_preview.triggers._polls import in_thread

WAIT_SECONDS = 20
"""How long one call waits for a message; the maximum that SQS allows."""


VISIBILITY_SECONDS = 120
"""How long a received message is hidden from others; it is deleted well before that."""


MAX_MESSAGES = 10


_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0


_CALL_SECONDS = 120.0


class EcrLifecyclePolicyEventTrigger(AwsTrigger, BaseEventTrigger):
    """Yield an event whenever someone puts or deletes a lifecycle policy, from an SQS queue that EventBridge fills.

    Polls in threads of this package with boto3 alone. A message is deleted one round after its event went to the
    triggerer, so a restart may repeat an event but never loses one. Messages about anything else are deleted;
    unreadable messages stay, for the queue's dead-letter queue. While AWS or the network fails, the trigger tries
    again, at intervals of five minutes at most.

    Calls ReceiveMessage and DeleteMessage (``sqs:ReceiveMessage``, ``sqs:DeleteMessage``).

    .. code-block:: python

        changes = Asset(
            "ecr policy changes",
            watchers=[AssetWatcher(name="sqs", trigger=EcrLifecyclePolicyEventTrigger(queue_url=QUEUE_URL))],
        )

    :param queue_url: the queue.
    :param wait_seconds: how long one call waits for a message, in seconds, up to 20.
    :param aws_conn_id: the Airflow connection used for AWS credentials.
    :param region_name: the AWS Region; that of the connection if None.
    :param verify: whether, or with which certificates, TLS is verified.
    :param botocore_config: configuration of the botocore client.
    """

    def __init__(
        self,
        *,
        queue_url: str,
        wait_seconds: int = WAIT_SECONDS,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            aws_conn_id=aws_conn_id, region_name=region_name, verify=verify, botocore_config=botocore_config
        )
        self.queue_url = queue_url
        self.wait_seconds = wait_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments to build the trigger again."""
        return self.serialized("queue_url", "wait_seconds")

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield each change of a policy as a dict with the keys of ``PolicyEvent``."""
        handed_on: list[str] = []
        pause = _FIRST_PAUSE
        while True:
            try:
                done, handed_on = handed_on, []
                messages = await in_thread(lambda done=done: self._next(done), _CALL_SECONDS)  # type: ignore[misc]  # a default
            except Exception as error:  # noqa: BLE001  # whatever it is, the next attempt may succeed
                handed_on = done
                self.log.warning(
                    "The queue %s cannot be read (%s: %s). Trying again in %.0f seconds.",
                    self.queue_url,
                    type(error).__name__,
                    one_line(str(error)),
                    pause,
                )
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            for message in messages:
                try:
                    event = policy_event(message["Body"])
                except ValueError as error:
                    self.log.warning(
                        "A message of the queue %s cannot be read and stays in it: %s.",
                        self.queue_url,
                        one_line(str(error)),
                    )
                    continue
                if event is not None:
                    yield TriggerEvent(event.as_dict())
                handed_on.append(message["ReceiptHandle"])

    def _next(self, handed_on: Sequence[str]) -> list[Any]:
        """Delete the messages that were handed on, and wait for more."""
        client: Any = SqsHook(
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            config=self.botocore_config,
        ).conn
        for start in range(0, len(handed_on), MAX_MESSAGES):
            entries = [
                {"Id": str(number), "ReceiptHandle": handle}
                for number, handle in enumerate(handed_on[start : start + MAX_MESSAGES])
            ]
            client.delete_message_batch(QueueUrl=self.queue_url, Entries=entries)
        received = client.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=MAX_MESSAGES,
            WaitTimeSeconds=self.wait_seconds,
            VisibilityTimeout=VISIBILITY_SECONDS,
        )
        return list(received.get("Messages", ()))
