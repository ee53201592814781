"""Images as the AWS CLI prints them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.files.found import UnreadableFileError
from airflow_provider_ecr_preview.core.files.images import read_images
from tests.support.builders import digest

PUSHED = datetime(2026, 11, 1, tzinfo=UTC)


def detail(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {"repositoryName": "api", "imageDigest": digest(number), "imagePushedAt": PUSHED.isoformat(), **fields}


def read(document: Any) -> Any:
    return read_images("images.json", document if isinstance(document, str) else json.dumps(document))


@pytest.mark.parametrize("pushed", [PUSHED.isoformat(), "2026-11-01T01:00:00+01:00", PUSHED.timestamp()])
def test_the_times_of_both_versions_of_the_cli_are_read(pushed: Any) -> None:
    (image,) = read({"imageDetails": [detail(imagePushedAt=pushed, imageTags=["v1"])]})["api"]
    assert (image.image_pushed_at, image.image_tags) == (PUSHED, ("v1",))


def test_a_list_alone_is_read_and_an_image_counts_once() -> None:
    images = read([detail(1), detail(2, repositoryName="web"), detail(1)])
    assert {name: len(of) for name, of in images.items()} == {"api": 1, "web": 1}


def test_an_image_may_leave_its_repository_out() -> None:
    assert list(read([detail(repositoryName=None)])) == [""]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{", "this is not JSON"),
        ({}, "there is no list of images"),
        (3, "there is no list of images"),
        ([3], "image 1 cannot be read"),
        ([detail(), {"imageDigest": digest(1)}], r"image 2 cannot be read \(KeyError: 'imagePushedAt'\)"),
        (
            [detail(imagePushedAt="2026-11-01T00:00:00")],
            "image 1 cannot be read .ValueError: imagePushedAt is '2026-11-01T00:00:00', without a time zone",
        ),
        ([detail(imagePushedAt=1e300)], "image 1 cannot be read"),
    ],
)
def test_anything_else_is_refused(document: Any, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=rf"^images\.json: {reason}"):
        read(document)
