"""The trigger: wait for a preview in the triggerer, without a worker slot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from airflow.triggers.base import TriggerEvent

from airflow_provider_ecr_preview.aws.errors import CallSite
from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.core.exceptions import (
    EcrUnreachableError,
    PreviewTimeoutError,
    RepositoryError,
    ThrottledError,
)
from airflow_provider_ecr_preview.core.preview.pages import IN_PROGRESS
from airflow_provider_ecr_preview.core.xcom.preview import StartedPreviewXCom
from airflow_provider_ecr_preview.triggers._aws import AwsTrigger
from airflow_provider_ecr_preview.triggers._polls import FailingSince, Poller, in_thread

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.preview.pages import PreviewStatus


LEAST_SECONDS = 5.0
"""The time limit of a poll, even if the deadline comes sooner."""


# The trigger ends the wait itself and says why; Airflow's own timeout is for cases in which it cannot.
GRACE = timedelta(minutes=5)


class PreviewEvent(TypedDict):
    """The trigger's message to the task: small, plain JSON, without images."""

    status: Literal["success", "error"]
    preview: StartedPreviewXCom | None
    deadline: float
    error: str | None
    message: str | None
    region_name: str | None


class EcrLifecyclePolicyPreviewTrigger(AwsTrigger):
    """Wait until the preview of a repository has ended.

    Calls GetLifecyclePolicyPreview (``ecr:GetLifecyclePolicyPreview``) in threads of this package, so it needs only
    boto3, and hung calls hold up nothing else in the triggerer. All triggers of one connection, Region and
    configuration share a client. While AWS or the network fails, the trigger keeps polling for up to ``outage_timeout``.
    The wait ends at a fixed time, so restarting the triggerer does not start the wait over.

    :param repository_name: the repository.
    :param deadline: when to give up, in seconds since the epoch.
    :param registry_id: the registry (account); the caller's own if None.
    :param policy_fingerprint: the policy that the preview must be of; any policy if None.
    :param until_complete: whether anything but COMPLETE is an error. If False, wait for someone else's preview to end,
        whatever its policy and final status.
    :param poll_interval: time between two polls, in seconds.
    :param outage_timeout: how long AWS or the network may fail, in seconds, within the deadline.
    :param has_answered: whether the task got an answer from the same endpoint before. If not, and nothing there ever
        answers, the trigger gives up within 30 seconds: the address may be a typo.
    :param aws_conn_id: the Airflow connection used for AWS credentials.
    :param region_name: the AWS Region; that of the connection if None.
    :param verify: whether, or with which certificates, TLS is verified.
    :param botocore_config: configuration of the botocore client.
    """

    def __init__(
        self,
        *,
        repository_name: str,
        deadline: float,
        registry_id: str | None = None,
        policy_fingerprint: str | None = None,
        until_complete: bool = True,
        poll_interval: float = 5.0,
        outage_timeout: float = OUTAGE_SECONDS,
        has_answered: bool = False,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            aws_conn_id=aws_conn_id, region_name=region_name, verify=verify, botocore_config=botocore_config
        )
        self.repository_name = repository_name
        self.deadline = deadline
        self.registry_id = registry_id
        self.policy_fingerprint = policy_fingerprint
        self.until_complete = until_complete
        self.poll_interval = poll_interval
        self.outage_timeout = outage_timeout
        self.has_answered = has_answered

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments to build the trigger again."""
        return self.serialized(
            "repository_name",
            "deadline",
            "registry_id",
            "policy_fingerprint",
            "until_complete",
            "poll_interval",
            "outage_timeout",
            "has_answered",
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one :class:`PreviewEvent` when the preview has ended, failed or not, or the time is up."""
        try:
            preview = await self._ended()
        except RepositoryError as error:
            self.log.warning("%s", error)
            yield self._event(error=error)
        else:
            yield self._event(preview=preview)

    async def _ended(self) -> PreviewStatus:
        poller = Poller(self.aws_conn_id, self.region_name, self.verify, self.botocore_config)
        failing = FailingSince(self.outage_timeout, has_answered=self.has_answered)
        while True:
            # Poll at least once, even if the time ran out while the triggerer was down.
            remaining = max(self.deadline - time.time(), LEAST_SECONDS)
            try:
                preview = await in_thread(lambda: poller.look(self.repository_name, self.registry_id), remaining)
            except ThrottledError as error:
                failing.end()
                unfinished: RepositoryError = error
            except EcrUnreachableError as error:
                unfinished = error
                if failing.goes_on(error):
                    raise
                if failing.is_new:
                    self.log.warning("%s Looking again for up to %.0f s.", error, failing.seconds)
            except TimeoutError:
                raise self._no_response() from None
            else:
                failing.end()
                if self._is_end(preview):
                    return preview
                unfinished = preview.error(
                    PreviewTimeoutError,
                    f"the preview{'' if self.until_complete else ' of another policy'} is still {preview.status} when "
                    "the timeout is over. It continues in ECR; wait for it again, with a longer timeout.",
                )
                self.log.info("%s: the preview is %s.", self.repository_name, preview.status)
            remaining = self.deadline - time.time()
            if remaining <= 0:
                raise unfinished
            await asyncio.sleep(min(self.poll_interval, remaining))

    def _no_response(self) -> RepositoryError:
        return CallSite(self.repository_name, self.registry_id, self.region_name).error(
            PreviewTimeoutError,
            "ECR did not answer the last call before the timeout was over. The preview continues; wait for it again, with "
            "a longer timeout.",
        )

    def _is_end(self, preview: PreviewStatus) -> bool:
        if self.until_complete:
            return preview.is_complete(self.policy_fingerprint)
        return preview.status != IN_PROGRESS

    def _event(self, *, preview: PreviewStatus | None = None, error: RepositoryError | None = None) -> TriggerEvent:
        return TriggerEvent(
            PreviewEvent(
                status="success" if error is None else "error",
                preview=None if preview is None else preview.as_xcom(),
                deadline=self.deadline,
                error=None if error is None else type(error).__name__,
                message=None if error is None else error.message,
                region_name=self.region_name if error is None else error.region_name,
            )
        )


def deferral_timeout(deadline: float) -> timedelta:
    """Return when Airflow itself should end a wait that no triggerer is there to end.

    :param deadline: when the trigger gives up, in seconds since the epoch.
    """
    return timedelta(seconds=max(0.0, deadline - time.time())) + GRACE


def preview_of(event: PreviewEvent, site: CallSite) -> StartedPreviewXCom:
    """In the worker, return the preview of an event or raise its error.

    :param event: the event.
    :param site: the repository that the task waited for.
    :raises RepositoryError: the error that ended the wait.
    """
    if event["preview"] is not None:
        return event["preview"]
    cls = getattr(exceptions, event["error"] or "", RepositoryError)
    raise replace(site, region_name=event["region_name"] or site.region_name).error(
        cls, event["message"] or "the trigger failed without a message."
    )
