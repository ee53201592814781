"""Call ECR at the right pace, and separate failures to retry from final ones."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from airflow.utils.helpers import prune_dict
from botocore.exceptions import ClientError

from airflow_provider_ecr_preview.aws.answers import OtherAnswerError
from airflow_provider_ecr_preview.aws.errors import CallSite, translated
from airflow_provider_ecr_preview.aws.pages import tags_of
from airflow_provider_ecr_preview.aws.retries import is_cut_off
from airflow_provider_ecr_preview.core.exceptions import (
    CredentialsRefusedError,
    EcrOutageError,
    EcrUnreachableError,
    MalformedResponseError,
    RepositoryError,
    ThrottledError,
)
from airflow_provider_ecr_preview.engine.fleet.outage import Outage
from airflow_provider_ecr_preview.engine.fleet.pace import Pace
from airflow_provider_ecr_preview.engine.fleet.schedule import RepositoryWork

START_PREVIEW = "start_lifecycle_policy_preview"


GET_PREVIEW = "get_lifecycle_policy_preview"


GET_POLICY = "get_lifecycle_policy"


DESCRIBE_IMAGES = "describe_images"


BATCH_GET_IMAGE = "batch_get_image"


LIST_TAGS = "list_tags_for_resource"


DESCRIBE_REPOSITORIES = "describe_repositories"


MAX_FAULTS = 4
"""How often an interrupted call is retried."""


MAX_REFUSALS = 3
"""After this many refused credentials in a row, every further call is expected to be refused."""


_LONGEST_SLEEP = 0.5


_SERVER_ERROR = 500


class StoppedError(Exception):
    """Raised in a thread that must stop."""


class CallAgainError(Exception):
    """Raised when a call may be retried.

    :param error: the error to raise if it is not retried.
    """

    def __init__(self, error: RepositoryError) -> None:
        super().__init__(str(error))
        self.error = error


class CallThrottledError(CallAgainError):
    """Raised when a call was throttled; its pace says when to retry it."""


class CallInterruptedError(CallAgainError):
    """Raised when there was no answer, half an answer, or a fault in ECR itself.

    :param error: the error to raise if the call is not retried.
    :param is_own: whether the fault affects only this repository and is not part of an outage.
    """

    def __init__(self, error: RepositoryError, *, is_own: bool = True) -> None:
        super().__init__(error)
        self.is_own = is_own


class CredentialsGoneError(CallAgainError):
    """Raised when AWS refuses the credentials, as it will for every other call."""


class PacedCalls:
    """Calls of one client, made by many threads.

    :param client: a client from ``EcrLifecyclePolicyPreviewHook.get_fleet_client``, which never retries.
    :param stop: set when the threads must stop.
    :param clock: returns monotonic seconds.
    """

    def __init__(
        self,
        client: Any,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
        outage: Outage | None = None,
    ) -> None:
        self._client = client
        self._stop = stop
        self._clock = clock
        self.outage = outage or Outage(clock=clock)
        self.credentials_error: RepositoryError | None = None
        """The error that refused the credentials, once it is clear that every call will be refused."""
        self._refusals = 0
        self.registry_id: str | None = None
        """The registry that answers, known from the first answer."""
        self._operation_names = client.meta.method_to_api_mapping
        self.paces = {
            operation: Pace(clock=clock)
            for operation in (
                START_PREVIEW,
                GET_PREVIEW,
                GET_POLICY,
                DESCRIBE_IMAGES,
                BATCH_GET_IMAGE,
                LIST_TAGS,
                DESCRIBE_REPOSITORIES,
            )
        }
        """The pace of each operation, by boto3 method name."""

    @property
    def call_count(self) -> int:
        """Number of calls that were answered."""
        return sum(pace.call_count for pace in self.paces.values())

    @property
    def throttled_count(self) -> int:
        """Number of calls that were throttled."""
        return sum(pace.throttled_count for pace in self.paces.values())

    def attempt(self, work: RepositoryWork, operation: str, **request: Any) -> dict[str, Any]:
        """Make one call in a slot that was already reserved.

        :param work: the repository.
        :param operation: name of boto3's method.
        :param request: the parameters other than the repository and its registry.
        :raises CallAgainError: if it may be retried.
        :raises RepositoryError: if it is refused for good.
        """
        site, pace = work.site, self.paces[operation]
        self._wait_for_end_of_outage(work)
        work.preview_calls += operation in (START_PREVIEW, GET_PREVIEW)
        try:
            with translated(site, with_token=request.get("nextToken") is not None):
                response: dict[str, Any] = getattr(self._client, operation)(**_named(operation, site, request))
        except ThrottledError as error:
            pace.throttled()
            self.outage.answered()
            raise CallThrottledError(error) from error
        except CredentialsRefusedError as error:
            raise self._refused(error) from error
        except RepositoryError as error:
            if is_interruption(error):
                raise self._interrupted(error) from error
            pace.accepted()
            self._answered()
            raise
        pace.accepted()
        if is_cut_off(self._operation_names[operation], response):
            cut_off = f"responses of {site.endpoint_url} are cut off. Try again."
            raise self._interrupted(site.error(MalformedResponseError, cut_off))
        if not isinstance(registry_id := response.get("registryId"), str | None):
            odd = f"a response of {site.endpoint_url} is not a valid response of ECR: registryId is {registry_id!r}. Try again."
            raise self._interrupted(site.error(MalformedResponseError, odd))
        self._answered()
        self.registry_id = self.registry_id or registry_id
        return response

    def call(self, work: RepositoryWork, operation: str, **request: Any) -> dict[str, Any]:
        """Make a call as soon as its pace allows, and retry until it is answered or the repository's time is up.

        :param work: the repository.
        :param operation: name of boto3's method.
        :param request: the parameters other than the repository and its registry.
        :raises RepositoryError: if it is refused for good.
        """
        faults = 0
        while True:
            self._sleep(self.paces[operation].reserve() - self._clock())
            try:
                return self.attempt(work, operation, **request)
            except CallAgainError as again:
                faults += isinstance(again, CallInterruptedError) and again.is_own
                if faults > MAX_FAULTS or self._clock() >= work.deadline or self.is_hopeless:
                    raise again.error from again
                self._sleep(backoff(faults))

    def tags(self, work: RepositoryWork) -> dict[str, str]:
        """Return the tags of a repository, by key.

        Calls ListTagsForResource, and DescribeRepositories as long as no answer has named the registry (``ecr:`` IAM actions
        of the same names).

        :param work: the repository.
        :raises RepositoryError: if it is refused for good.
        """
        registry_id = work.site.registry_id or self.registry_id
        if registry_id is None:
            described = self.call(work, DESCRIBE_REPOSITORIES, repositoryNames=[work.site.repository_name])
            registry_id = self.registry_id = work.site.parsed(_registry_of, described)
        arn = (
            f"arn:{self._client.meta.partition}:ecr:{work.site.region_name}:{registry_id}:repository/"
            f"{work.site.repository_name}"
        )
        return work.site.parsed(tags_of, self.call(work, LIST_TAGS, resourceArn=arn))

    @property
    def is_hopeless(self) -> bool:
        """Whether further calls are pointless: an outage has lasted too long, or the credentials are refused."""
        return self.credentials_error is not None or self.outage.is_over_limit()

    def _answered(self) -> None:
        self._refusals = 0
        self.outage.answered()

    def _interrupted(self, error: RepositoryError) -> CallInterruptedError:
        # An answer that does not come from ECR, or is not a valid ECR response, is not an outage.
        is_served = isinstance(error.__cause__, ClientError)
        return CallInterruptedError(error, is_own=self.outage.failed(error.repository_name, error, is_served=is_served))

    def _refused(self, error: RepositoryError) -> CredentialsGoneError:
        """Return the error to raise when credentials are refused; only repeated refusals count."""
        self.outage.answered()
        self._refusals += 1
        if self._refusals >= MAX_REFUSALS:
            self.credentials_error = error
        return CredentialsGoneError(error)

    def _wait_for_end_of_outage(self, work: RepositoryWork) -> None:
        while (seconds := self.outage.pause()) > 0 and self._clock() < work.deadline:
            if self.outage.is_over_limit():
                raise CallInterruptedError(
                    work.site.error(EcrOutageError, f"not audited, because every call failed. {self.outage.last_error}")
                )
            self._sleep(min(seconds, _LONGEST_SLEEP))

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._stop.wait(seconds)
        if self._stop.is_set():
            raise StoppedError


def _named(operation: str, site: CallSite, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a call; some operations name the repository in a way of their own."""
    if operation == LIST_TAGS:
        return dict(request)
    name = {} if operation == DESCRIBE_REPOSITORIES else {"repositoryName": site.repository_name}
    return {**name, **prune_dict({"registryId": site.registry_id, **request})}


def _registry_of(response: Mapping[str, Any], _: str) -> str:
    registry_id: str = response["repositories"][0]["registryId"]
    return registry_id


def is_interruption(error: RepositoryError) -> bool:
    """Return whether the same call may succeed a moment later."""
    cause = error.__cause__
    if isinstance(cause, OtherAnswerError):
        return False
    if isinstance(cause, ClientError):
        status: int = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= _SERVER_ERROR
    return isinstance(error, EcrUnreachableError)


def backoff(faults: int) -> float:
    """Return how long to wait after this many interruptions in a row, with jitter."""
    return random.uniform(0.5, 1.0) * 0.1 * 2**faults if faults else 0.0  # noqa: S311 - jitter, not a secret
