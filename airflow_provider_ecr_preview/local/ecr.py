"""The local ECR as one object."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Any, Self
from unittest.mock import patch

import boto3
import moto.ecr.models
from moto.core.base_backend import BackendDict

from airflow_provider_ecr_preview.local.calls import CallLog
from airflow_provider_ecr_preview.local.images import LocalImage
from airflow_provider_ecr_preview.local.registry import DEFAULT_REGION, Registry
from airflow_provider_ecr_preview.local.repositories import LocalRepository
from airflow_provider_ecr_preview.local.server import Server
from airflow_provider_ecr_preview.local.wire import Wire

ACCESS_KEY = "AKIALOCALECRTESTONLY"
SECRET_KEY = "local"  # noqa: S105  # no secret: nobody checks it


class LocalEcr(Registry):
    """An ECR of this process.

    .. code-block:: python

        with LocalEcr() as ecr:
            ecr.create_repository("payments/api")
            ecr.push("payments/api", tags=["v1.0.0"], pushed_days_ago=30)
            ecr.client().start_lifecycle_policy_preview(repositoryName="payments/api", lifecyclePolicyText=...)
            assert ecr.calls.count("StartLifecyclePolicyPreview") == 1

    :param port: port to serve at; 0 for a free one.
    :param host: address to serve at.
    :param preview_seconds: how long a preview stays IN_PROGRESS, or a function of the repository's name that says so.
    :param now: the time in the registry, which then stands still; None for the real time.
    :param settings: the other parameters of :class:`~airflow_provider_ecr_preview.local.registry.Registry`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        preview_seconds: float | Callable[[str], float] = 0.0,
        now: datetime | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(preview_seconds=preview_seconds, now=now, **settings)
        self.calls = CallLog()
        self.host = host
        self._port = port
        self._wire = Wire(self, self.calls)
        # boto3-stubs, where installed, knows the type of every service's client; here the service is a variable.
        self._session: Any = boto3.Session(ACCESS_KEY, SECRET_KEY, region_name=DEFAULT_REGION)
        self._server: Server | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Start to answer."""
        # moto looks these names up whenever a repository or an image is made.
        repository = partial(LocalRepository, clock=self.clock)  # type: ignore[abstract]  # as moto leaves its own
        self._stack.enter_context(patch.object(moto.ecr.models, "Repository", repository))
        self._stack.enter_context(patch.object(moto.ecr.models, "Image", partial(LocalImage, clock=self.clock)))
        BackendDict.reset()
        self._stack.callback(BackendDict.reset)
        self._server = Server(self._wire, self.host, self._port)
        self._server.start()
        self._stack.callback(self._server.stop)
        return self

    def stop(self) -> None:
        """Stop to answer and forget everything."""
        self._stack.close()

    @property
    def endpoint_url(self) -> str:
        """Where it answers."""
        if self._server is None:
            raise RuntimeError("The local ECR is not running; use it in a with statement.")
        return f"http://{self.host}:{self._server.port}"

    def client(self, service: str = "ecr", region_name: str = DEFAULT_REGION, **arguments: Any) -> Any:
        """Return a boto3 client.

        :param service: any service that moto has.
        :param region_name: the Region.
        :param arguments: what else boto3 takes, such as ``config``.
        """
        return self._session.client(service, region_name=region_name, endpoint_url=self.endpoint_url, **arguments)

    @property
    def connection(self) -> str:
        """An Airflow connection to it, as JSON, for ``AIRFLOW_CONN_AWS_DEFAULT``."""
        extra = {"endpoint_url": self.endpoint_url, "region_name": DEFAULT_REGION}
        return json.dumps({"conn_type": "aws", "login": ACCESS_KEY, "password": SECRET_KEY, "extra": extra})
