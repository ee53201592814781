"""Every common error of AWS and every failure of the network has its class, its cause and its remedy."""

from __future__ import annotations

import pytest
from botocore import exceptions as sdk
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from airflow_provider_ecr_preview import exceptions
from airflow_provider_ecr_preview.aws.causes import BY_CLASS, BY_CODE, errors_markdown
from airflow_provider_ecr_preview.aws.errors import CallSite, translated
from airflow_provider_ecr_preview.core.exceptions import RepositoryError

SITE = CallSite("payments/api", None, "eu-west-1", "https://api.ecr.eu-west-1.amazonaws.com")
URL = "https://api.ecr.eu-west-1.amazonaws.com/"


def raised(error: Exception, site: CallSite = SITE, *, with_token: bool = False) -> RepositoryError:
    with pytest.raises(RepositoryError) as caught, translated(site, with_token=with_token):
        raise error
    return caught.value


def refused(
    code: str, status: int = 400, operation: str = "GetLifecyclePolicyPreview", message: str = "No."
) -> ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)  # type: ignore[arg-type]  # a response has more


@pytest.mark.parametrize(
    ("code", "status", "cls", "says"),
    [
        ("InternalFailure", 500, "EcrOutageError", "run the task again later"),
        ("ServerException", 500, "EcrOutageError", "run the task again later"),
        ("ServiceUnavailable", 503, "EcrOutageError", "run the task again later"),
        ("RequestTimeout", 400, "EcrOutageError", "run the task again later"),
        ("503", 503, "EcrOutageError", "fails with HTTP 503"),
        ("502", 502, "EcrOutageError", "fails with HTTP 502"),
        ("NoSuchCodeException", 500, "EcrOutageError", "fails with HTTP 500"),
        ("RequestExpired", 400, "CredentialsRefusedError", "synchronise"),
        ("RequestTimeTooSkewed", 403, "CredentialsRefusedError", "synchronise"),
        ("NotAuthorized", 400, "AccessDeniedError", "Allow it in IAM"),
        ("AccessDeniedException", 400, "AccessDeniedError", "Allow it in IAM"),
        ("OptInRequired", 403, "AccessDeniedError", "Enable the Region"),
        ("ExpiredTokenException", 400, "CredentialsRefusedError", "have expired"),
        ("TokenRefreshRequired", 400, "CredentialsRefusedError", "have expired"),
        ("InvalidAccessKeyId", 403, "CredentialsRefusedError", "aws_conn_id"),
        ("UnrecognizedClientException", 400, "CredentialsRefusedError", "aws_conn_id"),
        ("MissingAuthenticationToken", 403, "CredentialsRefusedError", "aws_conn_id"),
        ("MissingAuthenticationTokenException", 400, "CredentialsRefusedError", "aws_conn_id"),
        ("ThrottlingException", 400, "ThrottledError", "throttle_timeout"),
        ("ValidationException", 400, "InvalidRequestError", "No."),
        ("UnknownOperationException", 400, "EcrUnreachableError", "endpoint_url"),
        ("404", 404, "EcrUnreachableError", "is not Amazon ECR"),
        ("501", 501, "EcrUnreachableError", "is not Amazon ECR"),
        ("KmsException", 400, "RepositoryError", "KmsException"),
    ],
)
def test_an_error_of_aws_names_its_cause_and_the_remedy(code: str, status: int, cls: str, says: str) -> None:
    error = raised(refused(code, status))
    assert type(error).__name__ == cls
    assert says in error.message
    assert str(error).startswith("payments/api (eu-west-1): ")


@pytest.mark.parametrize(
    ("error", "cls", "says"),
    [
        (sdk.ConnectTimeoutError(endpoint_url=URL), "EcrUnreachableError", "within the connect timeout"),
        (sdk.EndpointConnectionError(endpoint_url=URL, error="refused"), "EcrUnreachableError", "refuses connections"),
        (sdk.ReadTimeoutError(endpoint_url=URL), "EcrOutageError", "did not answer within the read timeout"),
        (sdk.ConnectionClosedError(endpoint_url=URL), "EcrOutageError", "broke"),
        (sdk.ProxyConnectionError(proxy_url="http://proxy"), "EcrUnreachableError", "proxy"),
        (sdk.SSLError(endpoint_url=URL, error="bad certificate"), "EcrUnreachableError", "verify"),
        (sdk.HTTPClientError(error="broken pipe"), "EcrOutageError", "broke"),
        (sdk.IncompleteReadError(actual_bytes=1, expected_bytes=2), "EcrOutageError", "cut off"),
        (ResponseParserError("not JSON"), "EcrUnreachableError", "is not Amazon ECR"),
        (sdk.NoCredentialsError(), "CredentialsRefusedError", "aws_conn_id"),
        (sdk.CredentialRetrievalError(provider="sso", error_msg="gone"), "CredentialsRefusedError", "aws_conn_id"),
        (sdk.NoRegionError(), "InvalidRequestError", "region_name"),
    ],
)
def test_a_failure_of_the_network_or_the_sdk_names_its_cause(error: Exception, cls: str, says: str) -> None:
    found = raised(error)
    assert type(found).__name__ == cls
    assert says in found.message


@pytest.mark.parametrize("error", [sdk.HTTPClientError(error="broken"), refused("404", 404), refused("503", 503)])
def test_no_message_names_an_endpoint_that_is_not_known(error: Exception) -> None:
    found = raised(error, CallSite("payments/api", None, None))
    assert "None" not in str(found)
    assert "the endpoint of ECR" in str(found)


def test_a_role_that_may_not_be_assumed_is_named_as_an_action_of_sts() -> None:
    error = raised(refused("AccessDenied", 403, "AssumeRole"))
    assert error.action == "sts:AssumeRole"
    assert "may not sts:AssumeRole" in error.message


def test_no_permission_is_the_way_out_where_the_credentials_are_refused() -> None:
    assert raised(refused("ExpiredToken")).action is None


@pytest.mark.parametrize(
    ("operation", "cls", "says"),
    [
        ("GetLifecyclePolicyPreview", "PreviewTokenExpiredError", "Read the preview again"),
        ("DescribeImages", "ListTokenExpiredError", "List again"),
        ("DescribeRepositories", "ListTokenExpiredError", "List again"),
    ],
)
def test_a_page_token_that_has_expired_says_what_to_read_again(operation: str, cls: str, says: str) -> None:
    error = raised(refused("InvalidParameterException", operation=operation), with_token=True)
    assert type(error).__name__ == cls
    assert says in error.message


def test_the_table_has_no_placeholder_that_is_not_filled_in() -> None:
    for cause in [*BY_CODE.values(), *(cause for _, cause in BY_CLASS)]:
        assert cause.message.format(action="a", code="c", message="m", endpoint="e", status=500)


def test_the_reference_lists_every_code() -> None:
    table = errors_markdown()
    assert all(f"`{code}`" in table for code in BY_CODE)


def test_every_class_of_the_table_is_public() -> None:
    for cause in [*BY_CODE.values(), *(cause for _, cause in BY_CLASS)]:
        assert cause.raised.__name__ in exceptions.__all__
