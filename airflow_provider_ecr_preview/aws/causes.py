"""The one table of errors from AWS and the network: the class of each here, its cause, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

from airflow_provider_ecr_preview.aws.answers import OtherAnswerError
from airflow_provider_ecr_preview.core.exceptions import (
    AccessDeniedError,
    CredentialsRefusedError,
    EcrOutageError,
    EcrUnreachableError,
    InvalidRequestError,
    LifecyclePolicyNotFoundError,
    MalformedResponseError,
    PreviewInProgressError,
    PreviewNotFoundError,
    RepositoryError,
    RepositoryNotFoundError,
)


@dataclass(frozen=True, slots=True)
class Cause:
    """The meaning of an error.

    :param raised: this package's class for it.
    :param message: what happened and what to do; ``{action}``, ``{code}``, ``{message}`` and ``{endpoint}`` are filled in.
    :param names_action: whether allowing the IAM action may solve it.
    """

    raised: type[RepositoryError]
    message: str
    names_action: bool = True


def _credentials(message: str) -> Cause:
    return Cause(CredentialsRefusedError, f"AWS refuses the credentials ({{code}}: {{message}}). {message}", False)


_CHECK_CREDENTIALS = _credentials("Check the connection of aws_conn_id.")


_EXPIRED = _credentials(
    "They have expired: renew them in the connection of aws_conn_id, or let it assume a role, whose credentials renew "
    "themselves."
)


_CLOCK = _credentials("The clock of this machine differs from AWS's by minutes: synchronise it (NTP).")


_NOT_ENABLED = Cause(
    AccessDeniedError,
    "the account may not use ECR here ({code}: {message}). Enable the Region for the account, or correct region_name; if "
    "the account is new or suspended, AWS Support helps.",
    False,
)


_DENIED = Cause(AccessDeniedError, "the caller may not {action}: {message}. Allow it in IAM.")


_INVALID = Cause(InvalidRequestError, "ECR refuses {action}: {message}")


_OUTAGE = Cause(
    EcrOutageError,
    "{action} failed in AWS ({code}: {message}), and all retries failed, too. Nothing is wrong with the "
    "request: run the task again later, and see the AWS Health Dashboard if it lasts.",
)


_UNKNOWN_OPERATION = Cause(
    EcrUnreachableError, "the endpoint does not know {action}. Check endpoint_url in the connection's extra."
)


BY_CODE: Mapping[str, Cause] = {
    "RepositoryNotFound": Cause(
        RepositoryNotFoundError,
        "there is no such repository. Check its name, the Region and the registry_id.",
    ),
    "LifecyclePolicyNotFound": Cause(
        LifecyclePolicyNotFoundError,
        "the repository has no lifecycle policy. Pass lifecycle_policy_text to preview one.",
    ),
    "LifecyclePolicyPreviewNotFound": Cause(
        PreviewNotFoundError,
        "no preview was started. Start one first (EcrStartLifecyclePolicyPreviewOperator).",
    ),
    "LifecyclePolicyPreviewInProgress": Cause(
        PreviewInProgressError,
        "a preview of the repository is running already.",
    ),
    **dict.fromkeys(("AccessDenied", "NotAuthorized", "UnauthorizedOperation"), _DENIED),
    **dict.fromkeys(("OptInRequired", "PendingVerification", "AccountProblem", "SubscriptionRequired"), _NOT_ENABLED),
    **dict.fromkeys(
        (
            "AuthFailure",
            "IncompleteSignature",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSecurity",
            "InvalidSignature",
            "InvalidToken",
            "MissingAuthenticationToken",
            "SignatureDoesNotMatch",
            "UnrecognizedClient",
        ),
        _CHECK_CREDENTIALS,
    ),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenId", "TokenRefreshRequired"), _EXPIRED),
    **dict.fromkeys(("RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture"), _CLOCK),
    **dict.fromkeys(
        (
            "InvalidParameter",
            "InvalidParameterCombination",
            "InvalidParameterValue",
            "InvalidQueryParameter",
            "MalformedHttpRequest",
            "MalformedQueryString",
            "MissingParameter",
            "RequestEntityTooLarge",
            "Serialization",
            "Validation",
            "ValidationError",
        ),
        _INVALID,
    ),
    **dict.fromkeys(
        (
            "InternalError",
            "InternalFailure",
            "InternalServer",
            "InternalServerError",
            "InternalService",
            "RequestAborted",
            "RequestTimeout",
            "Server",
            "ServiceUnavailable",
        ),
        _OUTAGE,
    ),
    **dict.fromkeys(("InvalidAction", "MissingAction", "UnknownOperation"), _UNKNOWN_OPERATION),
}
"""The errors of ECR and the common errors of AWS, by their codes without ``Exception`` at the end."""


TOKEN_REFUSALS = ("InvalidParameter", "Validation", "ValidationError")
"""For a call with a page token, these codes say that the token is no longer valid."""


SERVER_FAULT = Cause(
    EcrOutageError,
    "{endpoint} fails with HTTP {status} ({message}), and all retries failed, too. AWS, or a proxy before it, "
    "has an outage: run the task again later.",
)


NOT_ECR = Cause(
    EcrUnreachableError,
    "the server at {endpoint} is not Amazon ECR ({message}). Check region_name, and endpoint_url in the connection's "
    "extra.",
)


_NO_CREDENTIALS = Cause(
    CredentialsRefusedError, "there are no AWS credentials: {message}. Check the connection of aws_conn_id.", False
)


BY_CLASS: tuple[tuple[type[Exception], Cause], ...] = (
    (sdk.ParamValidationError, Cause(InvalidRequestError, "the request is not valid: {message}.")),
    (
        sdk.NoRegionError,
        Cause(
            InvalidRequestError,
            "no Region is configured. Set region_name, or region_name in the connection's extra.",
        ),
    ),
    (sdk.NoCredentialsError, _NO_CREDENTIALS),
    (sdk.PartialCredentialsError, _NO_CREDENTIALS),
    (sdk.CredentialRetrievalError, _NO_CREDENTIALS),
    (sdk.TokenRetrievalError, _NO_CREDENTIALS),
    (sdk.SSOError, _NO_CREDENTIALS),
    (sdk.ProfileNotFound, _NO_CREDENTIALS),
    (
        sdk.SSLError,
        Cause(
            EcrUnreachableError,
            "TLS with {endpoint} fails: {message}. Check verify, and the certificates of a proxy in between.",
        ),
    ),
    (
        sdk.ProxyConnectionError,
        Cause(EcrUnreachableError, "the proxy on the way to {endpoint} cannot be reached: {message}. Check it."),
    ),
    (
        sdk.ConnectTimeoutError,
        Cause(
            EcrUnreachableError,
            "no connection to {endpoint} within the connect timeout. Check the network (routes, VPC endpoint, security "
            "group), region_name, and endpoint_url in the connection's extra.",
        ),
    ),
    (
        sdk.ReadTimeoutError,
        Cause(
            EcrOutageError,
            "{endpoint} accepted the call and did not answer within the read timeout. Run the task again; if it lasts, "
            "see the AWS Health Dashboard, or raise read_timeout in botocore_config.",
        ),
    ),
    (
        sdk.EndpointConnectionError,
        Cause(
            EcrUnreachableError,
            "no connection to {endpoint}: it refuses connections, or its name is not known. Check region_name, "
            "endpoint_url in the connection's extra, and the network.",
        ),
    ),
    (sdk.ConnectionError, Cause(EcrUnreachableError, "no connection to {endpoint}: {message}. Check the network.")),
    (
        sdk.HTTPClientError,
        Cause(EcrOutageError, "the connection to {endpoint} broke ({message}). Run the task again."),
    ),
    (sdk.IncompleteReadError, Cause(EcrOutageError, "a response of {endpoint} was cut off. Run the task again.")),
    (
        OtherAnswerError,
        Cause(
            MalformedResponseError,
            "a response of {endpoint} is not the answer to the request: {message}. Nothing of it is used. Try again; if it "
            "happens again, check endpoint_url in the connection's extra, and a proxy in between.",
        ),
    ),
    (ResponseParserError, NOT_ECR),
)
"""Errors that the SDK itself raises; the first matching class counts."""


SDK_FAILED = Cause(RepositoryError, "the AWS SDK failed: {message}.")


def errors_markdown() -> str:
    """Return the table of errors from AWS and the network for the reference documentation."""
    lines = ["| error of AWS, or of the SDK | becomes | says |", "|---|---|---|"]
    rows: dict[Cause, list[str]] = {}
    for code, cause in BY_CODE.items():
        rows.setdefault(cause, []).append(code)
    for raised, cause in BY_CLASS:
        rows.setdefault(cause, []).append(raised.__name__)
    for cause, names in rows.items():
        codes = ", ".join(f"`{name}`" for name in names)
        lines.append(f"| {codes} | `{cause.raised.__name__}` | {cause.message} |")
    return "\n".join(lines) + "\n"
