"""The local ECR as one object."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Literal, Self
from unittest.mock import patch

import boto3
import moto.ecr.urls
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from moto import mock_aws
from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.base_backend import BackendDict
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.request import Request

from airflow_provider_ecr_preview.local.bus_events import send_service_event
from airflow_provider_ecr_preview.local.calls import Call, CallLog
from airflow_provider_ecr_preview.local.deletion import delete_referrers
from airflow_provider_ecr_preview.local.event_history import lookup_events
from airflow_provider_ecr_preview.local.extension import Extension
from airflow_provider_ecr_preview.local.faults import AccessDenied, Fault, RateLimit
from airflow_provider_ecr_preview.local.images import LocalImage
from airflow_provider_ecr_preview.local.inference_components import InferenceComponents
from airflow_provider_ecr_preview.local.injections import Injection, Injections
from airflow_provider_ecr_preview.local.lifecycle_runs import run_lifecycle_policy
from airflow_provider_ecr_preview.local.registry import DEFAULT_REGION, Registry
from airflow_provider_ecr_preview.local.replication import Place, replicating_deletions
from airflow_provider_ecr_preview.local.reply import Reply
from airflow_provider_ecr_preview.local.repositories import LocalRepository
from airflow_provider_ecr_preview.local.seeds import seed_registry
from airflow_provider_ecr_preview.local.server import Server
from airflow_provider_ecr_preview.local.service_deployments import ServiceDeployments
from airflow_provider_ecr_preview.local.wire import Wire

ACCESS_KEY = "AKIALOCALECRTESTONLY"


SECRET_KEY = "local"  # noqa: S105  # not a secret: it is never checked


class LocalEcr(Registry):
    """An ECR in this process, with all other services that moto has.

    .. code-block:: python

        with LocalEcr() as ecr:
            ecr.create_repository("payments/api")
            ecr.push("payments/api", tags=["v1.0.0"], pushed_days_ago=30)
            ecr.client().start_lifecycle_policy_preview(repositoryName="payments/api", lifecyclePolicyText=...)
            assert ecr.calls.count("StartLifecyclePolicyPreview") == 1

    moto keeps its state in module variables, so only one can run in a process at a time; each starts empty. Every
    caller may call every account: ``registryId`` selects the account, and no repository policy is needed.

    :param port: port to serve at, 0 for a free one; None to answer boto3 in this process without a server, as
        ``moto.mock_aws()`` does. It can be used inside ``mock_aws()``.
    :param host: address to serve at.
    :param registry: the initial registry: ``small``, ``team``, or None for an empty one.
    :param seed: seed of that registry, and of faults that hit a share of the calls.
    :param preview_seconds: how long a preview stays IN_PROGRESS, or a function that returns this for a repository name.
    :param now: the fixed time in the registry; None for the real time.
    :param log: receives a line for every HTTP request; None for no log.
    :param settings: the other parameters of :class:`~airflow_provider_ecr_preview.local.registry.Registry`.
    """

    _running: ClassVar[LocalEcr | None] = None

    def __init__(
        self,
        *,
        port: int | None = 0,
        host: str = "127.0.0.1",
        registry: Literal["small", "team"] | None = None,
        seed: int = 0,
        preview_seconds: float | Callable[[str], float] = 0.0,
        now: datetime | None = None,
        log: Callable[[str], None] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(preview_seconds=preview_seconds, now=now, **settings)
        self.calls = CallLog()
        self.seed = seed
        self._seeded_with = registry
        self._injections = Injections()
        self.deployments = ServiceDeployments(self, self._refusal)
        """The deployments of ECS services, which pin images."""
        self.inference_components = InferenceComponents(self._refusal)
        """The inference components of SageMaker."""
        extensions: tuple[Extension, ...] = (self.deployments, self.inference_components)
        self._extensions = {extension.service: extension for extension in extensions}
        install = {service: extension.install for service, extension in self._extensions.items()}
        self._wire = Wire(self, self.calls, self._injections.hitting, install, self.events)
        self._host, self._port, self._log = host, port, log
        self._server: Server | None = None
        self._stack = ExitStack()
        # boto3-stubs, where installed, knows the type of every service's client; here the service is a variable.
        self._session: Any = boto3.Session(ACCESS_KEY, SECRET_KEY, region_name=DEFAULT_REGION)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Start serving.

        :raises RuntimeError: if another one runs in this process.
        :raises OSError: if the port is taken.
        """
        if LocalEcr._running is not None:
            raise RuntimeError("A LocalEcr already runs in this process; use that one, or stop it first.")
        with ExitStack() as stack:
            if self._port is not None:
                self._server = Server(self._wire, self._host, self._port, self._log)
                stack.callback(self._server.stop)
            else:
                stack.enter_context(mock_aws())
            LocalEcr._running = self
            stack.callback(setattr, LocalEcr, "_running", None)
            # moto looks these names up whenever it creates a repository or an image, or answers a call to ECR.
            repository = partial(LocalRepository, clock=self.clock)  # type: ignore[abstract]  # as moto leaves its own
            stack.enter_context(patch.object(moto.ecr.models, "Repository", repository))
            stack.enter_context(patch.object(moto.ecr.models, "Image", partial(LocalImage, clock=self.clock)))
            lookup = lookup_events(self.events, self._faulty)
            stack.enter_context(patch.object(CloudTrailResponse, "lookup_events", lookup, create=True))
            stack.enter_context(patch.dict(moto.ecr.urls.url_paths, {"{0}/$": self._answer_in_process}))
            stack.callback(self._forget)
            for extension in self._extensions.values():
                stack.callback(extension.uninstall)
            self.reset()
            self._stack = stack.pop_all()
        if self._server is not None:
            self._server.start()
        return self

    def stop(self) -> None:
        """Stop serving, and forget everything."""
        self._stack.close()
        self._server = None

    def reset(self) -> None:
        """Restore the initial registry, clocks and durations, and forget calls and faults."""
        with self.lock:
            self._forget()
            self.reset_times()
            self.calls.clear()
            self.events.clear()
            self.clear_settings()
            self.deployments.clear()
            self.inference_components.images.clear()
            self._injections.clear()
            if self._seeded_with is not None:
                seed_registry(self, self._seeded_with, self.seed)

    @property
    def endpoint_url(self) -> str:
        """The URL of the server.

        :raises RuntimeError: if it is not running, or is running without a server.
        """
        if self._server is None:
            raise RuntimeError("The local ECR has no server; use it in a with statement, and without port=None.")
        return f"http://{self._host}:{self._server.port}"

    def client(self, service: str = "ecr", region_name: str = DEFAULT_REGION, **arguments: Any) -> Any:
        """Return a boto3 client.

        :param service: any service that moto has.
        :param region_name: the Region.
        :param arguments: other arguments of boto3, such as ``config``.
        """
        if self._port is not None:
            arguments.setdefault("endpoint_url", self.endpoint_url)
        elif service in self._extensions:
            self._extensions[service].install()
        return self._session.client(service, region_name=region_name, **arguments)

    @property
    def connection(self) -> str:
        """An Airflow connection to it, as JSON, for ``AIRFLOW_CONN_AWS_DEFAULT``."""
        extra = {"endpoint_url": self.endpoint_url, "region_name": DEFAULT_REGION}
        return json.dumps({"conn_type": "aws", "login": ACCESS_KEY, "password": SECRET_KEY, "extra": extra})

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that make boto3, the AWS CLI and Airflow use it."""
        return {
            "AIRFLOW_CONN_AWS_DEFAULT": self.connection,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_DEFAULT_REGION": DEFAULT_REGION,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }

    def inject(
        self,
        fault: Fault,
        operation: str | None = None,
        repository: str | None = None,
        *,
        region: str | None = None,
        calls: int | None = 1,
        skip: int = 0,
        share: float = 1.0,
    ) -> Injection:
        """Inject a fault.

        :param fault: one of :mod:`~airflow_provider_ecr_preview.local.faults`.
        :param operation: the operation that it hits; None for the default of the fault, or else for all.
        :param repository: the repository that it hits; None for all.
        :param region: the Region that it hits; None for all.
        :param calls: how many calls it hits; None for no limit.
        :param skip: how many matching calls to let pass before the first hit.
        :param share: the share of the calls that it hits, from 0 to 1.
        """
        return self._injections.add(
            Injection(
                fault,
                operation=operation,
                repository=repository,
                region=region,
                calls=calls,
                skip=skip,
                share=share,
                seed=self.seed,
            )
        )

    def deny(self, action: str, repository: str | None = None) -> Injection:
        """Take an IAM action away from the caller.

        :param action: for example ``ecr:StartLifecyclePolicyPreview``, ``cloudtrail:LookupEvents`` or another of
            the operations that moto lacks.
        :param repository: the repository to deny it on; None for all.
        """
        return self.inject(AccessDenied(), action.rpartition(":")[2], repository, calls=None)

    def limit(
        self, rate: float, burst: float = 1.0, operation: str | None = None, *, shared: bool = False
    ) -> Injection:
        """Limit the rate of calls.

        :param rate: calls a second.
        :param burst: calls that may arrive in one burst.
        :param operation: the operation to limit; None for all.
        :param shared: whether all operations share one budget, or each has its own.
        """
        return self.inject(RateLimit(rate, burst, shared), operation, calls=None)

    def replicate(
        self,
        *destinations: Place,
        prefixes: Sequence[str] = (),
        deletions: bool = False,
        region_name: str = DEFAULT_REGION,
        account_id: str = DEFAULT_ACCOUNT_ID,
    ) -> None:
        """Add a replication rule: from now on, pushed images are copied immediately.

        :param destinations: where to, each a registry (account) and a Region.
        :param prefixes: prefixes of repository names; none for all repositories.
        :param deletions: whether deletions are replicated as well (``deleteReplication``).
        :param region_name: the Region of the source.
        :param account_id: the registry of the source.
        """
        rule: dict[str, Any] = {
            "destinations": [{"registryId": account, "region": region} for account, region in destinations]
        }
        if prefixes:
            rule["repositoryFilters"] = [{"filter": prefix, "filterType": "PREFIX_MATCH"} for prefix in prefixes]
        if deletions:
            rule["deleteReplication"] = {"enabled": True}
        self.backend(region_name, account_id).replication_config["rules"].append(rule)

    def run_lifecycle_policies(
        self,
        *repositories: str,
        failing: Mapping[str, str] | None = None,
        region_name: str = DEFAULT_REGION,
        account_id: str = DEFAULT_ACCOUNT_ID,
    ) -> None:
        """Do what ECR does within a day: apply the lifecycle policies, and record that in CloudTrail.

        The event ``PolicyExecutionEvent`` lists the images that were acted on and those that failed. Artifacts that
        name a deleted image as their subject, such as signatures, are deleted as well, with or without a policy. AWS
        documents that this happens within 24 hours, but documents no event for it, so none is recorded.

        :param repositories: the repositories; none for all.
        :param failing: digests of images that can be neither deleted nor archived, each with the code of the failure.
        :param region_name: the Region.
        :param account_id: the registry.
        """
        backend = self.backend(region_name, account_id)
        with self.lock:
            for name in repositories or tuple(backend.repositories):
                found = self.repository(name, region_name=region_name, account_id=account_id)
                with replicating_deletions(self, found):
                    for event in run_lifecycle_policy(backend, found, self.now, failing or {}):
                        self.events.record(event)
                        if not isinstance(event.record, str):
                            send_service_event(found, event.record)
                    delete_referrers(backend, found)

    def _refusal(self, call: Call) -> Reply | None:
        """Return the reply of a fault that replaces the answer of another service, or None."""
        replies = (fault.before(call, self) for fault in self._injections.hitting(call))
        return next((reply for reply in replies if reply is not None), None)

    def _faulty(self, call: Call, run: Callable[[], Reply]) -> Reply:
        """Run an operation of another service with the faults that hit the call."""
        faults = list(self._injections.hitting(call))
        replies = (fault.before(call, self) for fault in faults)
        if (refusal := next((reply for reply in replies if reply is not None), None)) is not None:
            reply = refusal
        elif (reply := run()).outcome == "OK":
            for fault in faults:
                reply = fault.after(call, self, reply)
        self._require_response(reply, call.service)
        return reply

    def _require_response(self, reply: Reply, url: str) -> None:
        """Raise what boto3 raises if there is no whole response; nothing waits in this process."""
        if waited := reply.hangs_for or reply.drips_every * len(reply.body):
            self.clock.advance(waited)
            raise ReadTimeoutError(endpoint_url=url)
        if reply.is_lost:
            raise ConnectionClosedError(endpoint_url=url)

    def _forget(self) -> None:
        if self._port is not None:
            BackendDict.reset()
            return
        # Data that the test stored in other services of its mock_aws() stays.
        for account in moto.ecr.models.ecr_backends.values():
            account.reset()

    def _answer_in_process(self, request: Request, full_url: str, _: object) -> tuple[int, dict[str, str], bytes]:
        target = request.headers.get("X-Amz-Target", "")
        run = partial(Reply.of_moto, Request, full_url, dict(request.headers.items()))
        reply = self._wire.answer(target, request.headers, request.data, run)
        self._require_response(reply, full_url)
        return reply.status, reply.headers, reply.body
