from __future__ import annotations

import string
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.in_use.reference import (
    ImageReference,
    UnreadReferenceError,
    parse_references,
    references_in,
    shown_reference,
)
from tests.support.builders import digest

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
TOKEN = "eyJwYXlsb2FkIjoi/+abc=="  # looks like what ECR hands out


def of(image_digest: str | None = None, image_tag: str | None = None, region: str = "eu-west-1") -> ImageReference:
    return ImageReference("123456789012", region, "payments/api", image_digest, image_tag)


def of_digest(image_digest: str) -> ImageReference:
    return ImageReference("", "", "", image_digest)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        (f"{HOST}/payments/api:v1", of(image_tag="v1")),
        (f"{HOST}/payments/api", of(image_tag="latest")),
        (f"{HOST}/payments/api@{digest(1)}", of(digest(1))),
        (f"{HOST}/payments/api:v1@{digest(1)}", of(digest(1))),
        (f"{HOST}/payments/api@{digest(1).upper()}", of(digest(1))),
        (f" {HOST}:443/payments/api:v1\n", of(image_tag="v1")),
        (f"{HOST}./payments/api:v1", of(image_tag="v1")),
        (f"{HOST.upper()}/payments/api:V1", of(image_tag="V1")),
        (f"https://{HOST}/payments/api:v1", of(image_tag="v1")),
        (f"docker-pullable://{HOST}/payments/api@{digest(1)}", of(digest(1))),
        (f"docker://{HOST}/payments/api:v1", of(image_tag="v1")),
        (f"oci://{HOST}/payments/api:v1", of(image_tag="v1")),
        (f'"{HOST}/payments/api:v1"', of(image_tag="v1")),
        (f"'{HOST}/payments/api:v1'", of(image_tag="v1")),
        (f"`{HOST}/payments/api:v1` ", of(image_tag="v1")),
        (f"https://AWS:{TOKEN}@{HOST}/payments/api:v1", of(image_tag="v1")),
        (f"AWS@{HOST}/payments/api:v1", of(image_tag="v1")),
        (f"artifacts.example.com/{HOST}/payments/api:v1", of(image_tag="v1")),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/payments/api:v1", of(image_tag="v1", region="us-east-1")),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/payments/api:v1", of(image_tag="v1", region="cn-north-1")),
        ("123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov/payments/api:v1", of(image_tag="v1", region="us-iso-east-1")),
        ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu/payments/api:v1", of(None, "v1", "eusc-de-east-1")),
        ("123456789012.dkr-ecr.eu-west-1.on.aws/payments/api:v1", of(image_tag="v1")),
        ("123456789012.dkr-ecr-fips.us-east-1.on.aws/payments/api:v1", of(image_tag="v1", region="us-east-1")),
        (
            f"arn:aws:ecr:eu-west-1:123456789012:repository/payments/api/{digest(1)}",
            of(digest(1)),
        ),
        (digest(1), of_digest(digest(1))),
        (f"docker://{digest(1)}", of_digest(digest(1))),
        (f"payments/api@{digest(1)}", of_digest(digest(1))),
        (f"payments/api:v1@{digest(1)}", of_digest(digest(1))),
        (f' "{digest(1).upper()}"', of_digest(digest(1))),
        (f"@{digest(1)}", of_digest(digest(1))),
    ],
)
def test_what_a_reference_names(text: str, reference: ImageReference) -> None:
    assert parse_references(text) == (reference,)


def test_a_digest_alone_is_written_as_it_is_read() -> None:
    assert parse_references(str(of_digest(digest(1)))) == (of_digest(digest(1)),)


def test_a_name_of_the_pull_through_cache_is_a_repository() -> None:
    (found,) = parse_references(f"{HOST}/docker-hub/library/nginx:1.27")
    assert (found.repository_name, found.image_tag) == ("docker-hub/library/nginx", "1.27")


def test_several_references_in_one_text_are_all_found() -> None:
    text = f"{HOST}/payments/api:v1,{HOST}/payments/api:v2 {HOST}/payments/api:v1"
    assert parse_references(text) == (of(image_tag="v1"), of(image_tag="v2"))


def test_several_digests_in_one_text_are_all_found() -> None:
    assert parse_references(f"{digest(1)}, {digest(2)}") == (of_digest(digest(1)), of_digest(digest(2)))
    assert parse_references(f"{HOST}/payments/api:v1 {digest(2)}") == (of(image_tag="v1"), of_digest(digest(2)))


def test_a_tag_that_was_resolved_names_the_digest_as_well() -> None:
    assert parse_references(f"{HOST}/payments/api:v1", digest(2).upper()) == (of(image_tag="v1"), of(digest(2)))


def test_a_digest_that_was_resolved_further_names_both() -> None:
    assert parse_references(f"{HOST}/payments/api@{digest(1)}", digest(2)) == (of(digest(1)), of(digest(2)))


@pytest.mark.parametrize("text", ["", "  ", "payments/api:v1", "api", "docker://api:v1"])
def test_a_digest_that_was_resolved_counts_where_no_registry_is_named(text: str) -> None:
    assert parse_references(text, digest(2)) == (of_digest(digest(2)),)


def test_a_malformed_digest_without_a_repository_is_an_error() -> None:
    with pytest.raises(UnreadReferenceError, match="not an image digest"):
        parse_references("", "latest")
    assert parse_references("nginx", "latest") == ()


def test_a_digest_of_somebody_else_s_image_is_nothing() -> None:
    assert parse_references("docker.io/library/redis:7", digest(2)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "nginx",
        "nginx:1.27",
        "public.ecr.aws/nginx/nginx:1.27",
        f"public.ecr.aws/nginx/nginx@{digest(1)}",
        "ghcr.io/a/b@sha256:1",
        f"ghcr.io/a/b@{digest(1)}",
        f"docker-pullable://docker.io/library/redis@{digest(1)}",
        f"localhost/a@{digest(1)}",
        "aws/codebuild/standard:7.0",
        "arn:aws:ecs:eu-west-1:123456789012:task-definition/api:1",
        "",
    ],
)
def test_what_is_no_image_of_a_private_registry_is_nothing(text: str) -> None:
    assert parse_references(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        f"{HOST}/payments/api@sha256:1",
        f"{HOST}/payments/api@sha512:{'a' * 128}",
        HOST,
        f"{HOST}/",
        f"{HOST}//payments/api:v1",
        f"{HOST}/Payments:v1",
        f"{HOST}/payments/api:",
        f"{HOST}/payments/api:<TAG>",
        f"{HOST}/payments/api${{TAG}}",
        f"{HOST}/payments/api:v1?x=1",
        f"{HOST}/a:v1:v2",
        f"{HOST}/v2/payments/api/manifests/v1",
        f"{HOST}/payments/api:v1 and {HOST}/{{{{ params.name }}}}:v1",
        "12345678901.dkr.ecr.eu-west-1.amazonaws.com/payments/api:v1",
        "1234567890123.dkr.ecr.eu-west-1.amazonaws.com/payments/api:v1",
        "{{ account }}.dkr.ecr.eu-west-1.amazonaws.com/payments/api:v1",
        "vpce-1.dkr.ecr.eu-west-1.vpce.amazonaws.com/payments/api:v1",
        "123456789012.dkr.ecr.eu-west-1/payments/api:v1",
        f"{HOST}/mirror/{HOST}/payments/api:v1",
        "arn:aws:ecr:eu-west-1:123456789012:repository/payments/api",
    ],
)
def test_what_should_name_an_image_and_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(UnreadReferenceError):
        parse_references(text)


def test_a_malformed_resolved_digest_is_an_error() -> None:
    with pytest.raises(UnreadReferenceError, match="not an image digest"):
        parse_references(f"{HOST}/payments/api:v1", "latest")


def test_a_longer_text_names_what_can_be_understood_in_it() -> None:
    text = f'docker pull {HOST}/payments/api:v1|tee log; export REGISTRY={HOST} IMAGE="{HOST}/payments/api:v2"'
    assert references_in(text) == (of(image_tag="v1"), of(image_tag="v2"))
    assert references_in(f"REGISTRY={HOST}") == ()


@pytest.mark.parametrize(
    "after", ["!", "?", "#1", ":ro", "=x", "*", "/", "~", "]", "}", ")", ">", "\\n", "%20", "\u2026"]
)
def test_an_image_in_a_longer_text_is_found_whatever_follows_it(after: str) -> None:
    assert references_in(f"run {HOST}/payments/api:v1{after}") == (of(image_tag="v1"),)
    assert references_in(f"run {HOST}/payments/api@{digest(1)}{after}") == (of(digest(1)),)


def test_a_full_stop_after_a_tag_may_or_may_not_belong_to_it() -> None:
    assert references_in(f"It runs {HOST}/payments/api:v1.") == (of(image_tag="v1."), of(image_tag="v1"))


@pytest.mark.parametrize(
    "part",
    [
        f"{HOST}/",
        f"{HOST}/v2/",
        f"{HOST}/a:v",
        HOST,
        digest(1),
        "sha256:" + "a" * 63,
        f"{HOST}/{'a-' * 100}",
        "123456789012.dkr.ecr.a",
        "a.",
        "arn:aws:ecr:",
    ],
)
def test_a_long_text_is_read_in_a_time_that_grows_with_its_length_alone(part: str) -> None:
    text = part * 5_000
    with suppress(UnreadReferenceError):
        parse_references(text)
    references_in(text)


@pytest.mark.parametrize(
    "text",
    [
        f"https://AWS:{TOKEN}@{HOST}/payments/api:",
        f"AWS:{TOKEN}.dkr.ecr.@{HOST}/payments/api@sha256:1",
        f"{HOST}/payments/api:v1?token={TOKEN}",
    ],
)
def test_no_credentials_are_in_the_message(text: str) -> None:
    with pytest.raises(UnreadReferenceError) as caught:
        parse_references(text)
    assert TOKEN not in str(caught.value)
    assert f"{HOST}/payments/api" in str(caught.value)


def test_a_very_long_reference_is_cut_in_messages() -> None:
    assert len(shown_reference(f"{HOST}/{'a' * 1000}:")) < 250


@given(st.text())
def test_no_other_text_counts_as_an_image(text: str) -> None:
    assert parse_references(text) == ()


HOSTS = (
    "{}.dkr.ecr.{}.amazonaws.com",
    "{}.dkr.ecr.{}.amazonaws.com.cn",
    "{}.dkr.ecr.{}.amazonaws.eu",
    "{}.dkr.ecr.{}.c2s.ic.gov",
    "{}.dkr.ecr.{}.sc2s.sgov.gov",
    "{}.dkr.ecr.{}.cloud.adc-e.uk",
    "{}.dkr.ecr.{}.csp.hci.ic.gov",
    "{}.dkr.ecr-fips.{}.amazonaws.com",
    "{}.dkr-ecr.{}.on.aws",
    "{}.dkr-ecr-fips.{}.on.aws",
    "{}.dkr-ecr.{}.on.amazonwebservices.com.cn",
)
REGIONS = ("us-east-1", "eu-central-2", "us-gov-west-1", "cn-northwest-1", "us-isob-east-1", "eusc-de-east-1")
BEFORE = ("", " ", '"', "'", "https://", "docker://", "docker-pullable://", "oci://", f"https://AWS:{TOKEN}@", "AWS@")
AFTER = ("", " ", "\n", '"', "'")

images = st.builds(
    ImageReference,
    registry_id=st.text(string.digits, min_size=12, max_size=12),
    region_name=st.sampled_from(REGIONS),
    repository_name=st.from_regex(r"[a-z0-9]{1,5}([._-][a-z0-9]{1,3})?(/[a-z0-9]{1,5}){0,2}", fullmatch=True),
    image_digest=st.none() | st.integers(0, 9).map(digest),
    # What ends in a full stop or a hyphen is read with and without it, and both are kept.
    image_tag=st.none() | st.from_regex(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,8}[A-Za-z0-9_])?", fullmatch=True),
)


def rest(image: ImageReference) -> str:
    tag = f":{image.image_tag}" if image.image_tag else ""
    return f"/{image.repository_name}{tag}{f'@{image.image_digest}' if image.image_digest else ''}"


@given(image=images, host=st.sampled_from(HOSTS), data=st.data())
def test_every_form_of_a_reference_names_the_same_image(image: ImageReference, host: str, data: st.DataObject) -> None:
    registry = host.format(image.registry_id, image.region_name)
    upper = data.draw(st.lists(st.booleans(), min_size=len(registry), max_size=len(registry)))
    written = "".join(c.upper() if up else c for c, up in zip(registry, upper, strict=True))
    port = data.draw(st.sampled_from(["", ":443", ".", ".:443"]))
    text = f"{data.draw(st.sampled_from(BEFORE))}{written}{port}{rest(image)}{data.draw(st.sampled_from(AFTER))}"
    named = replace(image, image_tag=None if image.image_digest else image.image_tag or "latest")
    assert parse_references(text) == references_in(text) == parse_references(str(named)) == (named,)


@given(image=images, host=st.sampled_from(HOSTS), insertion=st.text(max_size=5), data=st.data())
def test_a_text_with_a_host_of_ecr_never_comes_out_as_no_image_of_ecr(
    image: ImageReference, host: str, insertion: str, data: st.DataObject
) -> None:
    text = f"{host.format(image.registry_id, image.region_name)}{rest(image)}"
    # Anything is put in, or in the place of one character, anywhere but in what makes it a host of ECR.
    marker = text.index("dkr")
    before, ecr, after = text[:marker], text[marker : marker + 7], text[marker + 7 :]
    at = data.draw(st.integers(0, len(before) + len(after)))
    parts = [before, after]
    part, at = (0, at) if at <= len(before) else (1, at - len(before))
    parts[part] = f"{parts[part][:at]}{insertion}{parts[part][at + data.draw(st.integers(0, 1)) :]}"
    try:
        found = parse_references(f"{parts[0]}{ecr}{parts[1]}")
    except UnreadReferenceError:
        return
    assert found
