"""Turn what botocore raises into this package's errors, which say what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import shorten
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - the name is botocore's; only this module sees it
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError

from airflow_provider_ecr_preview.aws.retries import is_throttled
from airflow_provider_ecr_preview.core.exceptions import (
    AccessDeniedError,
    EcrUnreachableError,
    InvalidLifecyclePolicyError,
    InvalidRequestError,
    LifecyclePolicyNotFoundError,
    PreviewInProgressError,
    PreviewNotFoundError,
    PreviewTokenExpiredError,
    RepositoryError,
    RepositoryNotFoundError,
    ThrottledError,
)
from airflow_provider_ecr_preview.core.repository import repository_label
from airflow_provider_ecr_preview.core.text.tracebacks import defuse

if TYPE_CHECKING:
    from botocore.client import BaseClient


T = TypeVar("T")


_SERVER_ERROR = 500


_MAX_ANSWER_CHARACTERS = 200


_CREDENTIALS = (
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)


_INVALID = ("InvalidParameterException", "ValidationException")


_BY_CODE: Mapping[str, tuple[type[RepositoryError], str]] = {
    "RepositoryNotFoundException": (
        RepositoryNotFoundError,
        "there is no such repository. Check its name, the Region and the registry_id.",
    ),
    "LifecyclePolicyNotFoundException": (
        LifecyclePolicyNotFoundError,
        "the repository has no lifecycle policy. Pass lifecycle_policy_text to preview one.",
    ),
    "LifecyclePolicyPreviewNotFoundException": (
        PreviewNotFoundError,
        "no preview was started. Start one first (EcrStartLifecyclePolicyPreviewOperator).",
    ),
    "LifecyclePolicyPreviewInProgressException": (
        PreviewInProgressError,
        "a preview of the repository is running already.",
    ),
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"),
        (AccessDeniedError, "the caller may not {action}: {message}. Allow it in IAM."),
    ),
    **dict.fromkeys(
        _CREDENTIALS,
        (AccessDeniedError, "AWS refuses the credentials ({code}: {message}). Check the connection of aws_conn_id."),
    ),
    **dict.fromkeys(_INVALID, (InvalidRequestError, "ECR refuses {action}: {message}")),
    "UnknownOperationException": (
        EcrUnreachableError,
        "the endpoint does not know {action}. Check endpoint_url in the connection's extra.",
    ),
}


@dataclass(frozen=True)
class CallSite:
    """The repository that a call is about, for the errors it raises.

    :param repository_name: the repository.
    :param registry_id: the registry (account), or None for the caller's own.
    :param region_name: the Region, or None when it is not known.
    :param endpoint_url: the endpoint that is asked.
    """

    repository_name: str
    registry_id: str | None
    region_name: str | None
    endpoint_url: str | None = None

    @classmethod
    def of(cls, client: BaseClient, repository_name: str, registry_id: str | None) -> CallSite:
        """Return the call site of calls that ``client`` makes for a repository."""
        return cls(repository_name, registry_id, client.meta.region_name, client.meta.endpoint_url)

    def __str__(self) -> str:
        return repository_label(self.repository_name, self.registry_id, self.region_name)

    def error(self, cls: type[RepositoryError], message: str, *, action: str | None = None) -> RepositoryError:
        """Return an error of the given class about this repository.

        :param cls: the class.
        :param message: what happened and what to do.
        :param action: the IAM action of the call that failed, if it is known.
        """
        return cls(
            message,
            repository_name=self.repository_name,
            registry_id=self.registry_id,
            region_name=self.region_name,
            action=action,
        )

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Raise what is wrong with a parameter as an error of this repository.

        :raises InvalidRequestError: for a ValueError within.
        """
        try:
            yield
        except ValueError as error:
            raise self.error(InvalidRequestError, str(error)) from error

    def parsed(self, parse: Callable[[Mapping[str, Any], str], T], response: Mapping[str, Any]) -> T:
        """Parse a response at the edge; one that lacks what it always has is no answer of ECR's.

        :param parse: takes the response and the Region.
        :param response: the response.
        :raises EcrUnreachableError: if it cannot be parsed.
        """
        try:
            return parse(response, self.region_name or "")
        except (KeyError, TypeError, InvalidLifecyclePolicyError) as error:
            raise self.error(
                EcrUnreachableError,
                f"an answer of {self.endpoint_url} was cut off, or is not ECR's ({type(error).__name__}: {error}). Try "
                "again, or check endpoint_url in the connection's extra.",
            ) from error


@contextmanager
def translated(site: CallSite, *, with_token: bool = False) -> Iterator[None]:
    """Raise this package's errors for those of botocore.

    :param site: the repository that the calls are about.
    :param with_token: whether a page token is sent, so that a refused parameter means that it expired.
    """
    try:
        yield
    except (BotoCoreError, ClientError, ResponseParserError) as error:
        defuse(error)
        raise _translation(error, site, with_token=with_token) from error


def _translation(error: Exception, site: CallSite, *, with_token: bool) -> RepositoryError:
    if isinstance(error, ClientError):
        return _of_client_error(error, site, with_token=with_token)
    if isinstance(error, ParamValidationError):
        return site.error(InvalidRequestError, f"the request is not valid: {error}.")
    if isinstance(error, NoRegionError):
        message = "no Region is configured. Set region_name, or region_name in the connection's extra."
        return site.error(InvalidRequestError, message)
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return site.error(AccessDeniedError, f"no AWS credentials: {error}. Check the connection of aws_conn_id.")
    if isinstance(error, ConnectionError | HTTPClientError | ResponseParserError):
        return site.error(EcrUnreachableError, _unreachable(site, str(error)))
    return site.error(RepositoryError, f"the AWS SDK failed: {error}.")


def _of_client_error(error: ClientError, site: CallSite, *, with_token: bool) -> RepositoryError:
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "")
    http_status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    action = f"ecr:{error.operation_name}"
    if is_throttled(code, http_status):
        return site.error(
            ThrottledError,
            f"ECR kept throttling {action} ({code}). Run fewer tasks at the same time (a pool), or allow more "
            "throttle_timeout.",
            action=action,
        )
    if code in _INVALID and with_token:
        return site.error(
            PreviewTokenExpiredError,
            f"ECR no longer takes the page token ({message}). Read the preview again from its first page.",
        )
    if code in _BY_CODE:
        cls, advice = _BY_CODE[code]
        message = advice.format(action=action, code=code, message=message)
        # No permission lifts what refuses the credentials.
        return site.error(cls, message, action=None if code in _CREDENTIALS else action)
    if code.endswith("Exception"):
        hint = " ECR had a fault of its own; try again." if http_status >= _SERVER_ERROR else ""
        return site.error(RepositoryError, f"{action} failed: {code}: {message}.{hint}", action=action)
    # Another service answers with a whole page at times; the beginning of it tells enough.
    answer = shorten(f"{code} {message}", _MAX_ANSWER_CHARACTERS, placeholder=" ...")
    return site.error(EcrUnreachableError, _unreachable(site, answer))


def _unreachable(site: CallSite, what: str) -> str:
    return (
        f"what answers at {site.endpoint_url} is not Amazon ECR ({what}). Check region_name, and endpoint_url in the "
        "connection's extra."
    )
