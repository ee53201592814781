"""Clients of the local ECR that cost little: made once, and answered without an HTTP connection."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest import mock

import structlog
from airflow.providers.amazon.aws.hooks.ecr import EcrHook
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.retries.quota import RetryQuota
from botocore.useragent import UserAgentString
from moto.core.models import botocore_stubber  # noqa: TID253 - the local ECR is made of it
from moto.core.request import Request  # noqa: TID253 - as above

from airflow_provider_ecr_preview.aws.retries import Retries
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.ecr import ACCESS_KEY
from airflow_provider_ecr_preview.local.reply import Reply

PRODUCT = "airflow_provider_ecr_preview"
MODULES_THAT_RENDER = (
    "airflow_provider_ecr_preview.operators._cleanup_result",
    "airflow_provider_ecr_preview.operators.ecr_preview_summarize",
)


class _Body:
    """The body of a response, read once."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._content


class Waits:
    """Stands in for the module ``time`` in the code under test: nobody really waits, and the clock runs by waits alone."""

    def __init__(self) -> None:
        self._by_thread: dict[int, float] = {}
        self._passed = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def monotonic(self) -> float:
        """Stand in for :func:`time.monotonic`."""
        return self._passed

    def sleep(self, seconds: float) -> None:
        """Stand in for :func:`time.sleep`."""
        thread = threading.get_ident()
        self._by_thread[thread] = self._by_thread.get(thread, 0.0) + seconds
        self._passed += seconds

    def take(self) -> float:
        """Return how long this thread has waited since the last time, in seconds."""
        return self._by_thread.pop(threading.get_ident(), 0.0)


class InstantEvent(threading.Event):
    """An event that nobody really waits for.

    :param waits: told of every wait.
    """

    def __init__(self, waits: Waits) -> None:
        super().__init__()
        self._waits = waits

    def wait(self, timeout: float | None = None) -> bool:
        self._waits.sleep(timeout or 0.0)
        return self.is_set()


class Clients:
    """Makes clients once for each configuration, and answers them in this process.

    :param ecr: answers them.
    """

    def __init__(self, ecr: LocalEcr) -> None:
        self._ecr = ecr
        self._made: dict[tuple[Any, ...], Any] = {}
        self._answered: set[int] = set()

    def cheap(self, make: Callable[..., Any]) -> Callable[..., Any]:
        """Return what stands in for a method of a hook that makes a client."""

        def client_of(hook: Any, *args: Any, **kwargs: Any) -> Any:
            config = kwargs.get("config") or (args[1] if len(args) > 1 else None) or hook.config
            region = kwargs.get("region_name") or (args[0] if args else None) or hook.region_name
            key = (make.__qualname__, region, repr(sorted(vars(config).items(), key=str)))
            if key not in self._made:
                self._made[key] = client = make(hook, *args, **kwargs)
                if id(client) in self._answered:
                    return client
                self._answered.add(id(client))
                events = client.meta.events
                events.unregister("before-send", botocore_stubber)
                events.register_last("before-send", self._answering(client.meta.region_name))
                # Signing takes as long as all the rest.
                events.register_first("choose-signer", lambda **_: UNSIGNED)
            return self._made[key]

        return client_of

    def _answering(self, region: str) -> Callable[..., AWSResponse]:
        scope = f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20260101/{region}/ecr/aws4_request, SignedHeaders=host"

        def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
            request.headers["Authorization"] = scope
            headers = {name: _text(value) for name, value in request.headers.items()}
            reply = self._ecr._wire.answer(
                headers.get("X-Amz-Target", ""),
                headers,
                request.body,
                partial(Reply.of_moto, Request, request.url, headers),
            )
            if reply.is_lost:
                raise ConnectionClosedError(endpoint_url=request.url)
            return AWSResponse(request.url, reply.status, reply.headers, _Body(reply.body))

        return answer


@contextmanager
def cheap_clients(ecr: LocalEcr, waits: Waits) -> Iterator[None]:
    """Let every hook share its clients with those of the same configuration, and wait without waiting.

    :param ecr: answers them.
    :param waits: told of every wait.
    """
    clients, hook = Clients(ecr), EcrLifecyclePolicyPreviewHook
    with ExitStack() as stack:

        def patched(target: Any, name: str, new: Any) -> None:
            stack.enter_context(mock.patch.object(target, name, new))

        stack.enter_context(_silence())
        # A hook makes the client that acts by the method of the class below it.
        for cls in (hook, EcrHook):
            patched(cls, "get_client_type", clients.cheap(cls.get_client_type))
        for name in MODULES_THAT_RENDER:
            patched(sys.modules[name], "render", mock.Mock(return_value=""))
        patched(UserAgentString, "to_string", mock.Mock(return_value="worlds"))
        patched(time, "sleep", waits.sleep)
        for name, module in [*sys.modules.items()]:
            # The local ECR goes on by the real clock.
            if (
                name.startswith(PRODUCT)
                and not name.startswith(f"{PRODUCT}.local")
                and vars(module).get("time") is time
            ):
                patched(module, "time", waits)
        # Its clock was chosen as the module was imported, and deadlines are read from the other one.
        patched(Retries.__init__, "__defaults__", (waits.monotonic,))
        # One world does not use up what another one may retry.
        patched(RetryQuota, "acquire", mock.Mock(return_value=True))
        yield


@contextmanager
def _silence() -> Iterator[None]:
    """Let nothing be logged: formatting would take most of the time."""
    before, level = structlog.get_config(), logging.root.manager.disable
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(level)
        structlog.configure(**before)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
