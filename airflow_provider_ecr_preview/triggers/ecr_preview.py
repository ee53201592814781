"""The trigger: wait for a preview in the triggerer, without a worker slot."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from airflow.triggers.base import BaseTrigger, TriggerEvent
from cachetools import TTLCache

from airflow_provider_ecr_preview.aws.errors import CallSite, translated
from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.core.exceptions import PreviewTimeoutError, RepositoryError, ThrottledError
from airflow_provider_ecr_preview.core.preview.pages import IN_PROGRESS
from airflow_provider_ecr_preview.core.xcom.preview import StartedPreviewXCom
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.preview.pages import PreviewStatus


# How long one look waits while ECR throttles it. The trigger looks again until its deadline, and a thread that waits is
# one that others lack.
THROTTLE_SECONDS = 10.0


# The trigger ends the wait itself and says why; Airflow's own timeout is for when it cannot.
GRACE = timedelta(minutes=5)


class PreviewEvent(TypedDict):
    """What the trigger tells the task: small, plain JSON, no images."""

    status: Literal["success", "error"]
    preview: StartedPreviewXCom | None
    deadline: float
    error: str | None
    message: str | None
    region_name: str | None


class EcrLifecyclePolicyPreviewTrigger(BaseTrigger):
    """Wait until the preview of a repository has ended.

    Calls GetLifecyclePolicyPreview (``ecr:GetLifecyclePolicyPreview``) in a thread, so that it needs nothing but
    boto3, with clients that all triggers of one connection, Region and configuration share. The end of the wait is a
    point in time, so a triggerer that restarts does not start the wait over.

    :param repository_name: the repository.
    :param deadline: when to give up, in seconds since the epoch.
    :param registry_id: the registry (account); the caller's own if None.
    :param policy_fingerprint: the policy that the preview has to be of; any policy if None.
    :param until_complete: whether anything but COMPLETE is an error. If False, the wait is for the end of a preview of
        somebody else, whatever its end and its policy.
    :param poll_interval: time between two looks, in seconds.
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
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's constructor has no types
        self.repository_name = repository_name
        self.deadline = deadline
        self.registry_id = registry_id
        self.policy_fingerprint = policy_fingerprint
        self.until_complete = until_complete
        self.poll_interval = poll_interval
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = verify
        self.botocore_config = botocore_config

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments to build the trigger again."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "repository_name": self.repository_name,
                "deadline": self.deadline,
                "registry_id": self.registry_id,
                "policy_fingerprint": self.policy_fingerprint,
                "until_complete": self.until_complete,
                "poll_interval": self.poll_interval,
                "aws_conn_id": self.aws_conn_id,
                "region_name": self.region_name,
                "verify": self.verify,
                "botocore_config": self.botocore_config,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one :class:`PreviewEvent` when the preview has ended, failed or not, or the time is over."""
        try:
            preview = await self._ended()
        except RepositoryError as error:
            self.log.warning("%s", error)
            yield self._event(error=error)
        else:
            yield self._event(preview=preview)

    async def _ended(self) -> PreviewStatus:
        while True:
            try:
                preview = await asyncio.to_thread(self._look)
            except ThrottledError as error:
                unfinished: RepositoryError = error
            else:
                if self._is_end(preview):
                    return preview
                unfinished = preview.error(
                    PreviewTimeoutError,
                    f"the preview{'' if self.until_complete else ' of another policy'} is still {preview.status} at "
                    "the end of the time that was given. It goes on; wait for it again, with a longer timeout.",
                )
                self.log.info("%s: the preview is %s.", self.repository_name, preview.status)
            remaining = self.deadline - time.time()
            if remaining <= 0:
                raise unfinished
            await asyncio.sleep(min(self.poll_interval, remaining))

    def _look(self) -> PreviewStatus:
        with translated(CallSite(self.repository_name, self.registry_id, self.region_name)):
            hook = shared_hook(self.aws_conn_id, self.region_name, self.verify, self.botocore_config)
        return hook.get_preview_status(self.repository_name, registry_id=self.registry_id)

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
    """Return when Airflow itself should end a wait, because no triggerer was there to end it.

    :param deadline: when the trigger gives up, in seconds since the epoch.
    """
    return timedelta(seconds=max(0.0, deadline - time.time())) + GRACE


def preview_of(event: PreviewEvent, site: CallSite) -> StartedPreviewXCom:
    """Return the preview that an event tells of, or raise its error, in the worker.

    :param event: what the trigger told.
    :param site: the repository that was waited for.
    :raises RepositoryError: the error that ended the wait.
    """
    if event["preview"] is not None:
        return event["preview"]
    cls = getattr(exceptions, event["error"] or "", RepositoryError)
    raise replace(site, region_name=event["region_name"] or site.region_name).error(
        cls, event["message"] or "the trigger failed without a message."
    )


# A triggerer holds thousands of waits; a client costs tens of milliseconds and megabytes. Credentials of a connection
# that was edited take effect when the entry has aged.
_HOOKS: TTLCache[tuple[Any, ...], EcrLifecyclePolicyPreviewHook] = TTLCache(
    maxsize=64, ttl=timedelta(minutes=15).total_seconds()
)


_HOOKS_LOCK = Lock()


def shared_hook(
    aws_conn_id: str | None,
    region_name: str | None,
    verify: bool | str | None,
    botocore_config: dict[str, Any] | None,
) -> EcrLifecyclePolicyPreviewHook:
    """Return the hook that all waits with these settings share, its client ready.

    :param aws_conn_id: the Airflow connection used for AWS credentials.
    :param region_name: the AWS Region; that of the connection if None.
    :param verify: whether, or with which certificates, TLS is verified.
    :param botocore_config: configuration of the botocore client.
    """
    key = (aws_conn_id, region_name, verify, json.dumps(botocore_config, sort_keys=True))
    with _HOOKS_LOCK:
        hook = _HOOKS.get(key)
        if hook is None:
            hook = EcrLifecyclePolicyPreviewHook(
                aws_conn_id=aws_conn_id,
                region_name=region_name,
                verify=verify,
                config=botocore_config,
                throttle_timeout=THROTTLE_SECONDS,
            )
            # Creating a client is not thread-safe, using it is.
            _ = hook.conn
            _HOOKS[key] = hook
        return hook
