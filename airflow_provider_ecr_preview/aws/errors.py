"""Translate botocore's errors into this package's errors, which say what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import shorten
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from airflow_provider_ecr_preview.aws.causes import (
    BY_CLASS,
    BY_CODE,
    NOT_ECR,
    SDK_FAILED,
    SERVER_FAULT,
    TOKEN_REFUSALS,
    Cause,
)
from airflow_provider_ecr_preview.aws.retries import OUTAGE_STATUSES, is_throttled, short_code
from airflow_provider_ecr_preview.core.exceptions import (
    InvalidRequestError,
    ListTokenExpiredError,
    MalformedResponseError,
    PreviewTokenExpiredError,
    RepositoryError,
    ThrottledError,
)
from airflow_provider_ecr_preview.core.repository import repository_label
from airflow_provider_ecr_preview.core.text.tracebacks import defuse

if TYPE_CHECKING:
    from botocore.client import BaseClient


T = TypeVar("T")


_MAX_RESPONSE_CHARACTERS = 200


_PREVIEW_OPERATION = "GetLifecyclePolicyPreview"


_OF_STS = ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetCallerIdentity", "GetSessionToken")


_OF_NO_ACTION = re.compile("[0-9]*")
"""The error code that the SDK reports if the response names none."""


@dataclass(frozen=True)
class CallSite:
    """The repository that a call is about, for the errors it raises.

    :param repository_name: the repository.
    :param registry_id: the registry (account), or None for the caller's own.
    :param region_name: the Region, or None if it is not known.
    :param endpoint_url: the endpoint of the call.
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
        :param action: the IAM action of the failed call, if known.
        """
        return cls(
            message,
            repository_name=self.repository_name,
            registry_id=self.registry_id,
            region_name=self.region_name,
            action=action,
        )

    def of_client(self, client: Callable[[], BaseClient]) -> CallSite:
        """Return this call site with the Region and the endpoint of a client, creating the client if necessary.

        :param client: returns the client.
        :raises RepositoryError: if the client cannot be created.
        """
        try:
            with translated(self):
                return CallSite.of(client(), self.repository_name, self.registry_id)
        except RepositoryError:
            raise
        except ValueError as error:
            defuse(error)
            raise self.error(
                InvalidRequestError, f"{error}. Correct endpoint_url in the connection's extra, or region_name."
            ) from error

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Raise a ValueError about a parameter as an error about this repository.

        :raises InvalidRequestError: for a ValueError in the block.
        """
        try:
            yield
        except ValueError as error:
            raise self.error(InvalidRequestError, str(error)) from error

    def parsed(self, parse: Callable[[Mapping[str, Any], str], T], response: Mapping[str, Any]) -> T:
        """Parse a response, and reject one that lacks a required member.

        :param parse: takes the response and the Region.
        :param response: the response.
        :raises MalformedResponseError: if it cannot be parsed.
        """
        try:
            return parse(response, self.region_name or "")
        except RepositoryError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self.malformed("was cut off, or is not a valid response of ECR", error) from error

    def malformed(self, what: str, error: Exception) -> RepositoryError:
        """Return the error to raise for a response that cannot be read.

        :param what: what is wrong with it, as the end of a sentence.
        :param error: why it cannot be read.
        """
        return self.error(
            MalformedResponseError,
            f"a response of {self.endpoint_url or 'ECR'} {what} ({type(error).__name__}: {error}). Try again; if it happens "
            "again, check endpoint_url in the connection's extra.",
        )


@contextmanager
def translated(site: CallSite, *, with_token: bool = False) -> Iterator[None]:
    """Translate botocore's errors in the block into this package's errors.

    :param site: the repository that the calls are about.
    :param with_token: whether a page token is sent; then a refused parameter means that the token expired.
    """
    try:
        yield
    except (BotoCoreError, ClientError, ResponseParserError) as error:
        defuse(error)
        raise _translation(error, site, with_token=with_token) from error
    except (AttributeError, TypeError, ValueError, LookupError) as error:
        if not _is_of_parser(error):
            raise
        raise site.malformed("is not a valid response of ECR", error) from error


def is_answer(error: Exception | None) -> bool:
    """Return whether an error was reported by a server, which shows that the endpoint exists.

    :param error: the error, as :func:`translated` raises it.
    """
    return isinstance(getattr(error, "__cause__", None), ClientError)


def _is_of_parser(error: Exception) -> bool:
    """Return whether the SDK failed to parse a response of an unexpected form."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and traceback.tb_frame.f_globals.get("__name__") == "botocore.parsers"


def _translation(error: Exception, site: CallSite, *, with_token: bool) -> RepositoryError:
    if isinstance(error, ClientError):
        return _of_client_error(error, site, with_token=with_token)
    cause = next((cause for cls, cause in BY_CLASS if isinstance(error, cls)), SDK_FAILED)
    endpoint = getattr(error, "kwargs", {}).get("endpoint_url")
    return _of_cause(cause, site, message=str(error).rstrip("."), endpoint=endpoint)


def _of_client_error(error: ClientError, site: CallSite, *, with_token: bool) -> RepositoryError:
    code = error.response.get("Error", {}).get("Code", "")
    # Another service may answer with a whole page; the start of it says enough.
    message = shorten(
        error.response.get("Error", {}).get("Message") or "", _MAX_RESPONSE_CHARACTERS, placeholder=" ..."
    )
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    operation = error.operation_name
    action = f"{'sts' if operation in _OF_STS else 'ecr'}:{operation}"
    if is_throttled(code, status):
        return site.error(
            ThrottledError,
            f"ECR kept throttling {action} ({code}). Run fewer tasks at the same time (a pool), or allow more "
            "throttle_timeout.",
            action=action,
        )
    short = short_code(code)
    if with_token and short in TOKEN_REFUSALS:
        if operation == _PREVIEW_OPERATION:
            return site.error(
                PreviewTokenExpiredError,
                f"ECR no longer takes the page token ({message}). Read the preview again from its first page.",
            )
        return site.error(
            ListTokenExpiredError,
            f"ECR no longer takes the page token of this listing ({message}). List again from the first page.",
        )
    if (cause := BY_CODE.get(short)) is None and status in OUTAGE_STATUSES:
        cause = SERVER_FAULT
    if cause is None and not _OF_NO_ACTION.fullmatch(code) and code.endswith("Exception"):
        return site.error(RepositoryError, f"{action} failed: {code}: {message}.", action=action)
    if cause is None:
        cause, message = NOT_ECR, shorten(f"{code} {message}", _MAX_RESPONSE_CHARACTERS, placeholder=" ...")
    return _of_cause(cause, site, message=message, action=action, code=code, status=status)


def _of_cause(
    cause: Cause,
    site: CallSite,
    *,
    message: str,
    endpoint: str | None = None,
    action: str | None = None,
    code: str = "",
    status: int = 0,
) -> RepositoryError:
    where = endpoint or site.endpoint_url or "the endpoint of ECR"
    text = cause.message.format(endpoint=where, message=message, action=action, code=code, status=status)
    return site.error(cause.raised, text, action=action if cause.names_action else None)
