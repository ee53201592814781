from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.image_reference import ImageReference, parse_reference
from tests.core.builders import digest

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def of(image_digest: str | None = None, image_tag: str | None = None, region: str = "eu-west-1") -> ImageReference:
    return ImageReference("123456789012", region, "payments/api", image_digest, image_tag)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        (f"{HOST}/payments/api:v1", of(image_tag="v1")),
        (f"{HOST}/payments/api", of(image_tag="latest")),
        (f"{HOST}/payments/api@{digest(1)}", of(digest(1))),
        (f"{HOST}/payments/api:v1@{digest(1)}", of(digest(1))),
        (f" {HOST}:443/payments/api:v1\n", of(image_tag="v1")),
        (f"https://{HOST}/payments/api:v1", of(image_tag="v1")),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/payments/api:v1", of(image_tag="v1", region="us-east-1")),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/payments/api:v1", of(image_tag="v1", region="cn-north-1")),
        ("123456789012.dkr-ecr.eu-west-1.on.aws/payments/api:v1", of(image_tag="v1")),
    ],
)
def test_what_a_reference_names(text: str, reference: ImageReference) -> None:
    assert parse_reference(text) == reference


def test_a_tag_that_was_resolved_names_both() -> None:
    assert parse_reference(f"{HOST}/payments/api:v1", digest(2)) == of(digest(2), "v1")


def test_a_digest_that_is_named_wins_over_one_that_was_resolved() -> None:
    assert parse_reference(f"{HOST}/payments/api@{digest(1)}", digest(2)) == of(digest(1))


@pytest.mark.parametrize(
    "text",
    [
        "nginx",
        "nginx:1.27",
        "public.ecr.aws/nginx/nginx:1.27",
        "ghcr.io/a/b@sha256:1",
        "aws/codebuild/standard:7.0",
        "",
    ],
)
def test_what_is_no_image_of_a_private_registry_is_nothing(text: str) -> None:
    assert parse_reference(text) is None


@pytest.mark.parametrize(
    "text", [f"{HOST}/payments/api@sha256:1", f"{HOST}/", f"{HOST}/Payments:v1", f"{HOST}/a:v1:v2"]
)
def test_what_should_name_an_image_and_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        parse_reference(text)


@given(st.text())
def test_nothing_else_is_taken_for_an_image(text: str) -> None:
    assert parse_reference(text) is None
