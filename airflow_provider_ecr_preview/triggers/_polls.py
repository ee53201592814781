"""Poll ECR from a triggerer: in threads of our own, which hung calls cannot exhaust, and within a deadline."""

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

from airflow_provider_ecr_preview.aws.errors import CallSite, translated
from airflow_provider_ecr_preview.core.exceptions import AccessDeniedError, RepositoryError
from airflow_provider_ecr_preview.core.preview.pages import PreviewStatus
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook

T = TypeVar("T")


OUTAGE_SECONDS = 600.0
"""How long a wait looks again while AWS or the network fails, within its deadline."""


MAX_THREADS = 2_000
"""Threads are created only when all others are busy. A triggerer has 1,000 triggers, of which each polls once at a time,
and a poll that was given up keeps its thread until its timeout."""


MAX_ACTIVE = 16
"""Polls that run at the same time, not counting slow ones: more would only compete for the interpreter."""


SLOW_SECONDS = 0.5
"""A poll that takes longer waits for the network alone, and makes room for the next one."""


_THREADS = ThreadPoolExecutor(MAX_THREADS, "ecr-preview-poll")


_ACTIVE: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def in_thread(function: Callable[[], T], seconds: float) -> T:
    """Return what a function returns that blocks, without waiting behind others that hang.

    :param function: the function.
    :param seconds: how long to wait for it. It may go on in its thread for a while, and nobody waits for it.
    :raises TimeoutError: if it takes longer.
    """
    return await asyncio.wait_for(_in_thread(function), seconds)


async def _in_thread(function: Callable[[], T]) -> T:
    loop = asyncio.get_running_loop()
    async with _ACTIVE.setdefault(loop, asyncio.Semaphore(MAX_ACTIVE)):
        # The triggerer tells the logs of triggers apart by what the context has.
        future = loop.run_in_executor(_THREADS, copy_context().run, function)
        # A failure that nobody waits for any more is no news.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait({future}, timeout=SLOW_SECONDS)
    return await future


class PollHook(EcrLifecyclePolicyPreviewHook):
    """A hook for polls: each call is one attempt, which ends within seconds."""

    def get_client_type(self, region_name: str | None = None, config: Any = None, deferrable: bool = False) -> Any:  # noqa: ARG002 - the provider's
        """Return a client that makes one attempt."""
        return self.get_poll_client()


# A triggerer holds thousands of waits; a client costs tens of milliseconds and megabytes. A refusal has the connection
# read again, and so does age.
_HOOKS: TTLCache[tuple[Any, ...], EcrLifecyclePolicyPreviewHook] = TTLCache(
    maxsize=64, ttl=timedelta(minutes=15).total_seconds()
)


_HOOKS_LOCK = Lock()


_CREATING: dict[tuple[Any, ...], Lock] = {}


class Poller:
    """Looks at previews with one connection, Region and configuration; all triggers with the same ones share a client.

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
        """Return where a preview stands, with one attempt at one call; blocks for seconds at most.

        :param repository_name: the repository.
        :param registry_id: the registry (account); the caller's own if None.
        :raises RepositoryError: if the call fails, or no client can be created.
        """
        site = CallSite(repository_name, registry_id, self._region_name)
        hook = self._hook(site)
        try:
            return hook.get_preview_status(repository_name, registry_id=registry_id)
        except AccessDeniedError:
            # The connection may have been changed: read it again, unless another trigger has just done that.
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
    """Return the hook that all waits with these settings share, its client ready.

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
    # A lock for each, because a client whose credentials come from an endpoint that hangs must not hold up the others.
    with creating:
        with _HOOKS_LOCK:
            if (hook := _HOOKS.get(key)) is not None:
                return hook
        hook = PollHook(aws_conn_id=aws_conn_id, region_name=region_name, verify=verify, config=botocore_config)
        # Creating a client is not thread-safe, using it is.
        _ = hook.conn
        with _HOOKS_LOCK:
            _HOOKS[key] = hook
            _CREATING.pop(key, None)
        return hook


def forget_hook(hook: EcrLifecyclePolicyPreviewHook) -> None:
    """Have the connection of a hook read again by the next look; other hooks stay.

    :param hook: a hook whose credentials were refused.
    """
    with _HOOKS_LOCK:
        for key in [key for key, shared in _HOOKS.items() if shared is hook]:
            del _HOOKS[key]


class FailingSince:
    """Knows how long calls have been failing.

    :param seconds: how long that may go on.
    :param clock: returns a running number of seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._since: float | None = None
        self.is_new = False
        """Whether the last failure was the first one after a success."""

    def goes_on(self) -> bool:
        """Take in a failure, and return whether calls have been failing for too long."""
        self.is_new = self._since is None
        if self._since is None:
            self._since = self._clock()
        return self._clock() - self._since >= self._seconds

    def end(self) -> None:
        """Take in that ECR answers."""
        self._since = None
