"""Poll ECR from a triggerer: within a deadline, and in our own threads, which hung calls cannot exhaust."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from cachetools import TTLCache

from airflow_provider_ecr_preview.aws.errors import CallSite, is_answer, translated
from airflow_provider_ecr_preview.aws.retries import NEVER_ANSWERED_SECONDS
from airflow_provider_ecr_preview.core.exceptions import AccessDeniedError, RepositoryError
from airflow_provider_ecr_preview.core.preview.pages import PreviewStatus
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook

T = TypeVar("T")


MAX_THREADS = 2_000
"""Threads are created only when all others are busy. A triggerer has 1,000 triggers, each with one poll at a time, and
an abandoned poll keeps its thread until its timeout."""


MAX_ACTIVE = 16
"""Polls that run at the same time, not counting slow ones; more would only compete for the interpreter."""


SLOW_SECONDS = 0.5
"""A poll that takes longer is only waiting for the network, and makes room for the next one."""


_THREADS = ThreadPoolExecutor(MAX_THREADS, "ecr-preview-poll")


_ACTIVE: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def in_thread(function: Callable[[], T], seconds: float) -> T:
    """Run a blocking function in a thread and return its result, without queuing behind hung calls.

    :param function: the function.
    :param seconds: how long to wait. After that, the function may run on in its thread, but its result is ignored.
    :raises TimeoutError: if it takes longer.
    """
    return await asyncio.wait_for(_in_thread(function), seconds)


async def _in_thread(function: Callable[[], T]) -> T:
    loop = asyncio.get_running_loop()
    async with _ACTIVE.setdefault(loop, asyncio.Semaphore(MAX_ACTIVE)):
        # The triggerer uses the context to separate the logs of triggers.
        future = loop.run_in_executor(_THREADS, copy_context().run, function)
        # Ignore a failure that nothing waits for any more.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait({future}, timeout=SLOW_SECONDS)
    return await future


class PollHook(EcrLifecyclePolicyPreviewHook):
    """A hook for polling: each call is one attempt, which ends within seconds."""

    def get_client_type(self, region_name: str | None = None, config: Any = None, deferrable: bool = False) -> Any:  # noqa: ARG002 - the provider's
        """Return a client that makes one attempt."""
        return self.get_poll_client()


# A triggerer holds thousands of waits, and a client costs tens of milliseconds and megabytes, so waits share clients.
# The connection is read again after refused credentials, and after a while.
_HOOKS: TTLCache[tuple[Any, ...], EcrLifecyclePolicyPreviewHook] = TTLCache(
    maxsize=64, ttl=timedelta(minutes=15).total_seconds()
)


_HOOKS_LOCK = Lock()


_CREATING: dict[tuple[Any, ...], Lock] = {}


class Poller:
    """Polls previews with one connection, Region and configuration; all triggers with the same settings share a client.

    :param aws_conn_id: the Airflow connection used for AWS credentials.
    :param region_name: the AWS Region; that of the connection if None.
    :param verify: whether, or with which certificates, TLS is verified.
    :param botocore_config: configuration of the botocore client.
    """

    def __init__(
        self,
        aws_conn_id: str | None,
        region_name: str | None,
        verify: bool | str | None,
        botocore_config: dict[str, Any] | None,
    ) -> None:
        self._settings = (aws_conn_id, region_name, verify, botocore_config)
        self._region_name = region_name

    def look(self, repository_name: str, registry_id: str | None) -> PreviewStatus:
        """Return the status of a preview, with one attempt at one call. Blocks for seconds at most.

        :param repository_name: the repository.
        :param registry_id: the registry (account); the caller's own if None.
        :raises RepositoryError: if the call fails, or no client can be created.
        """
        site = CallSite(repository_name, registry_id, self._region_name)
        hook = self._hook(site)
        try:
            return hook.get_preview_status(repository_name, registry_id=registry_id)
        except AccessDeniedError:
            # The connection may have changed: read it again, unless another trigger has just done so.
            forget_hook(hook)
        return self._hook(site).get_preview_status(repository_name, registry_id=registry_id)

    def _hook(self, site: CallSite) -> EcrLifecyclePolicyPreviewHook:
        try:
            with translated(site):
                return shared_hook(*self._settings)
        except RepositoryError:
            raise
        except Exception as error:
            raise site.error(
                RepositoryError,
                f"no client can be created for the connection {self._settings[0]!r} ({type(error).__name__}: {error}). "
                "Check that the triggerer has the connection of aws_conn_id.",
            ) from error


def shared_hook(
    aws_conn_id: str | None,
    region_name: str | None,
    verify: bool | str | None,
    botocore_config: dict[str, Any] | None,
) -> EcrLifecyclePolicyPreviewHook:
    """Return the hook that all waits with these settings share, with its client ready.

    :param aws_conn_id: the Airflow connection used for AWS credentials.
    :param region_name: the AWS Region; that of the connection if None.
    :param verify: whether, or with which certificates, TLS is verified.
    :param botocore_config: configuration of the botocore client.
    """
    key = (aws_conn_id, region_name, verify, json.dumps(botocore_config, sort_keys=True))
    with _HOOKS_LOCK:
        if (hook := _HOOKS.get(key)) is not None:
            return hook
        creating = _CREATING.setdefault(key, Lock())
    # One lock per hook: a client whose credentials endpoint hangs must not hold up the others.
    with creating:
        with _HOOKS_LOCK:
            if (hook := _HOOKS.get(key)) is not None:
                return hook
        hook = PollHook(aws_conn_id=aws_conn_id, region_name=region_name, verify=verify, config=botocore_config)
        # Creating a client is not thread-safe; using it is.
        _ = hook.conn
        with _HOOKS_LOCK:
            _HOOKS[key] = hook
            _CREATING.pop(key, None)
        return hook


def forget_hook(hook: EcrLifecyclePolicyPreviewHook) -> None:
    """Make the next poll read the connection of a hook again; other hooks stay.

    :param hook: a hook whose credentials were refused.
    """
    with _HOOKS_LOCK:
        for key in [key for key, shared in _HOOKS.items() if shared is hook]:
            del _HOOKS[key]


class FailingSince:
    """Tracks how long calls have been failing.

    :param seconds: how long they may fail.
    :param clock: returns monotonic seconds.
    :param has_answered: whether the endpoint is known to exist; if not, its address may be a typo, and calls may fail for
        :data:`NEVER_ANSWERED_SECONDS` only.
    """

    def __init__(
        self, seconds: float, clock: Callable[[], float] = time.monotonic, *, has_answered: bool = True
    ) -> None:
        self._seconds = seconds
        self._has_answered = has_answered
        self._clock = clock
        self._since: float | None = None
        self.is_new = False
        """Whether the last failure was the first one after a success."""

    @property
    def seconds(self) -> float:
        """How long calls may fail."""
        return self._seconds if self._has_answered else min(self._seconds, NEVER_ANSWERED_SECONDS)

    def goes_on(self, error: Exception | None = None) -> bool:
        """Record a failure, and return whether calls have been failing for too long.

        :param error: the failure; an error that a server reports shows that the endpoint exists.
        """
        self._has_answered = self._has_answered or is_answer(error)
        self.is_new = self._since is None
        if self._since is None:
            self._since = self._clock()
        return self._clock() - self._since >= self.seconds

    def end(self) -> None:
        """Record that ECR answers."""
        self._has_answered = True
        self._since = None
