"""Calls of ECR that keep the pace, and tell apart what to try again from what is final."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from airflow.utils.helpers import prune_dict
from botocore.exceptions import ClientError

from airflow_provider_ecr_preview.aws.errors import translated
from airflow_provider_ecr_preview.aws.retries import is_cut_off
from airflow_provider_ecr_preview.core.exceptions import EcrUnreachableError, RepositoryError, ThrottledError
from airflow_provider_ecr_preview.engine.fleet.pace import Pace
from airflow_provider_ecr_preview.engine.fleet.schedule import RepositoryWork

START_PREVIEW = "start_lifecycle_policy_preview"


GET_PREVIEW = "get_lifecycle_policy_preview"


GET_POLICY = "get_lifecycle_policy"


DESCRIBE_IMAGES = "describe_images"


MAX_FAULTS = 4
"""How often a call that was interrupted is made again."""


_SERVER_ERROR = 500


class StoppedError(Exception):
    """Raised in a thread that is to stop."""


class CallAgainError(Exception):
    """Raised when a call may be made again.

    :param error: what to raise where it is not.
    """

    def __init__(self, error: RepositoryError) -> None:
        super().__init__(str(error))
        self.error = error


class CallThrottledError(CallAgainError):
    """Raised when a call was throttled; its pace says when to make it again."""


class CallInterruptedError(CallAgainError):
    """Raised when there was no answer, half an answer, or a fault of ECR's own."""


class PacedCalls:
    """Calls of one client, made by many threads.

    :param client: a client that does not retry by itself, of ``EcrLifecyclePolicyPreviewHook.get_fleet_client``.
    :param stop: set when the threads are to stop.
    :param clock: returns a running number of seconds.
    """

    def __init__(self, client: Any, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._stop = stop
        self._clock = clock
        self.registry_id: str | None = None
        """The registry that answers, once a repository of it has answered."""
        self._operation_names = client.meta.method_to_api_mapping
        self.paces = {
            operation: Pace(clock=clock) for operation in (START_PREVIEW, GET_PREVIEW, GET_POLICY, DESCRIBE_IMAGES)
        }
        """The pace of each operation, by the name of boto3's method."""

    @property
    def call_count(self) -> int:
        """Number of calls that were answered."""
        return sum(pace.call_count for pace in self.paces.values())

    @property
    def throttled_count(self) -> int:
        """Number of calls that were throttled."""
        return sum(pace.throttled_count for pace in self.paces.values())

    def attempt(self, work: RepositoryWork, operation: str, **request: Any) -> dict[str, Any]:
        """Make one call, whose slot in the pace was taken before.

        :param work: the repository.
        :param operation: name of boto3's method.
        :param request: what is sent beside the repository and its registry.
        :raises CallAgainError: if it may be made again.
        :raises RepositoryError: if it is refused for good.
        """
        site, pace = work.site, self.paces[operation]
        work.preview_calls += operation in (START_PREVIEW, GET_PREVIEW)
        try:
            with translated(site, with_token=request.get("nextToken") is not None):
                response: dict[str, Any] = getattr(self._client, operation)(
                    repositoryName=site.repository_name, **prune_dict({"registryId": site.registry_id, **request})
                )
        except ThrottledError as error:
            pace.throttled()
            raise CallThrottledError(error) from error
        except RepositoryError as error:
            if is_interruption(error):
                raise CallInterruptedError(error) from error
            pace.accepted()
            raise
        pace.accepted()
        if is_cut_off(self._operation_names[operation], response):
            raise CallInterruptedError(
                site.error(EcrUnreachableError, f"answers of {site.endpoint_url} are cut off. Try again.")
            )
        self.registry_id = self.registry_id or response.get("registryId")
        return response

    def call(self, work: RepositoryWork, operation: str, **request: Any) -> dict[str, Any]:
        """Make a call as soon as its pace allows, and again until it is answered or the repository's time is over.

        :param work: the repository.
        :param operation: name of boto3's method.
        :param request: what is sent beside the repository and its registry.
        :raises RepositoryError: if it is refused for good.
        """
        faults = 0
        while True:
            self._sleep(self.paces[operation].reserve() - self._clock())
            try:
                return self.attempt(work, operation, **request)
            except CallAgainError as again:
                if isinstance(again, CallInterruptedError):
                    faults += 1
                if faults > MAX_FAULTS or self._clock() >= work.deadline:
                    raise again.error from again
                self._sleep(backoff(faults))

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._stop.wait(seconds)
        if self._stop.is_set():
            raise StoppedError


def is_interruption(error: RepositoryError) -> bool:
    """Return whether the same call may be answered a moment later."""
    cause = error.__cause__
    if isinstance(cause, ClientError):
        status: int = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= _SERVER_ERROR
    return isinstance(error, EcrUnreachableError)


def backoff(faults: int) -> float:
    """Return how long to wait after so many interruptions in a row, with jitter."""
    return random.uniform(0.5, 1.0) * 0.1 * 2**faults if faults else 0.0  # noqa: S311 - jitter, not a secret
