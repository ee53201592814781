"""An ASGI application that is imported when the first request comes.

Airflow loads plugins in schedulers, workers and DAG processors too; FastAPI costs them seconds and tens of megabytes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from typing import Any

Scope = MutableMapping[str, Any]


Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


HOST_APP = "airflow_provider_ecr_preview.host_app"
"""The key in the scope of a request for the Airflow application in which ours is mounted."""


class LazyApp:
    """Hands each request to an application of another module.

    :param module: the module, whose ``app`` it is.
    """

    def __init__(self, module: str) -> None:
        self._module = module

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        :param scope: what it is.
        :param receive: how to read it.
        :param send: how to answer it.
        """
        app = import_module(self._module).app
        # The application replaces its host in the scope, but the routes need to call the host.
        await app({**scope, HOST_APP: scope.get("app")}, receive, send)
