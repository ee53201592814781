"""The trigger of the audit: wait in the triggerer until most of the started previews should be complete."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any, Literal, TypedDict

from airflow.triggers.base import TriggerEvent

from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
from airflow_provider_ecr_preview.core.exceptions import EcrUnreachableError, RepositoryError, ThrottledError
from airflow_provider_ecr_preview.core.preview.pages import IN_PROGRESS
from airflow_provider_ecr_preview.triggers._aws import AwsTrigger
from airflow_provider_ecr_preview.triggers._polls import FailingSince, Poller, in_thread

State = Literal["answered", "ended", "failed"]
"""The result of a poll: the preview is in progress, there is nothing to wait for, or ECR does not answer."""


class AuditEvent(TypedDict):
    """The trigger's message to the audit."""

    carried: dict[str, Any]
    seconds_waited: float


class EcrLifecyclePolicyPreviewsTrigger(AwsTrigger):
    """Wait until no preview of a sample is in progress any more, or the time is up.

    The trigger polls only a sample of an audit's previews. When the last previews that were started are complete, most
    others are, too, and the task waits for the rest. However the wait ends, the task continues and finds the outcome of
    each repository itself. A failure here is therefore only logged, and ends the wait.

    Calls GetLifecyclePolicyPreview (``ecr:GetLifecyclePolicyPreview``) for the whole sample at the same time, in
    threads of this package. All triggers of one connection, Region and configuration share a client. While AWS or the
    network fails, the trigger keeps polling for up to ``outage_timeout``. The wait ends at a fixed time, so restarting
    the triggerer does not start the wait over.

    :param repository_names: the sample.
    :param deadline: when to stop waiting, in seconds since the epoch.
    :param registry_id: the registry (account); the caller's own if None.
    :param poll_interval: time between two polls, in seconds.
    :param outage_timeout: how long AWS or the network may fail, in seconds, within the deadline.
    :param carried: data that the trigger returns to the task unchanged.
    :param aws_conn_id: the Airflow connection used for AWS credentials.
    :param region_name: the AWS Region; that of the connection if None.
    :param verify: whether, or with which certificates, TLS is verified.
    :param botocore_config: configuration of the botocore client.
    """

    def __init__(
        self,
        *,
        repository_names: Sequence[str],
        deadline: float,
        registry_id: str | None = None,
        poll_interval: float = 5.0,
        outage_timeout: float = OUTAGE_SECONDS,
        carried: dict[str, Any] | None = None,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            aws_conn_id=aws_conn_id, region_name=region_name, verify=verify, botocore_config=botocore_config
        )
        self.repository_names = list(repository_names)
        self.deadline = deadline
        self.registry_id = registry_id
        self.poll_interval = poll_interval
        self.outage_timeout = outage_timeout
        self.carried = carried or {}

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments to build the trigger again."""
        return self.serialized(
            "repository_names", "deadline", "registry_id", "poll_interval", "outage_timeout", "carried"
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one :class:`AuditEvent` when the wait is over."""
        began_at = time.monotonic()
        poller = Poller(self.aws_conn_id, self.region_name, self.verify, self.botocore_config)
        failing = FailingSince(self.outage_timeout)
        waiting = self.repository_names
        while waiting and (remaining := self.deadline - time.time()) > 0:
            await asyncio.sleep(min(self.poll_interval, remaining))
            seconds = self.deadline - time.time()
            if seconds <= 0:
                break
            looks = [await_look(partial(self._look, poller, name), seconds) for name in waiting]
            states = dict(zip(waiting, await asyncio.gather(*looks), strict=True))
            if "answered" in states.values() or "ended" in states.values():
                failing.end()
            elif failing.goes_on():
                self.log.warning("ECR has failed for %.0f s: the task goes on by itself.", self.outage_timeout)
                break
            waiting = [name for name, state in states.items() if state != "ended"]
            self.log.info("%d of %d previews are in progress.", len(waiting), len(self.repository_names))
        yield TriggerEvent(AuditEvent(carried=self.carried, seconds_waited=time.monotonic() - began_at))

    def _look(self, poller: Poller, repository_name: str) -> State:
        try:
            preview = poller.look(repository_name, self.registry_id)
        except EcrUnreachableError as error:
            self.log.warning("%s", error)
            return "failed"
        except ThrottledError:
            return "answered"
        except RepositoryError as error:
            self.log.warning("%s", error)
            return "ended"
        return "answered" if preview.status == IN_PROGRESS else "ended"


async def await_look(look: Callable[[], State], seconds: float) -> State:
    """Return the result of a poll; one that does not end in time counts as failed.

    :param look: the poll, which blocks.
    :param seconds: how long to wait for it.
    """
    try:
        return await in_thread(look, seconds)
    except TimeoutError:
        return "failed"
