"""A list of references that another tool wrote, read beside the services of AWS."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.operators.ecr_in_use import EcrCollectImagesInUseOperator
from airflow_provider_ecr_preview.sources import reference_list as source
from tests.support.contexts import task_context

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/api:v1"
DIGEST = "sha256:" + "a" * 64


def collect(value: Any, **kwargs: Any) -> Any:
    operator = EcrCollectImagesInUseOperator(
        task_id="in_use", **{"sources": ["reference_list"], "reference_list": value, **kwargs}
    )
    return operator.execute(task_context())


def test_a_list_is_read_from_a_file_compressed_or_not(tmp_path: Path) -> None:
    lines = f"{json.dumps(IMAGE)}\n{json.dumps({'digest': DIGEST, 'name': 'nomad job web'})}\n".encode()
    for name, data in (("list.jsonl", lines), ("list.jsonl.gz", gzip.compress(lines, mtime=0))):
        (tmp_path / name).write_bytes(data)
        value = collect(f"file://{tmp_path}/{name}")
        assert value["is_complete"], value["unread"]
        assert [(image["image_digest"], image["image_tag"], image["used_by"]) for image in value["images"]] == [
            (DIGEST, None, [["reference list", "nomad job web"]]),
            (None, "v1", [["reference list", f"file://{tmp_path}/{name}"]]),
        ]
        assert value["scope"] == {}


@pytest.mark.parametrize("value", [[IMAGE], json.dumps([IMAGE]), {"images": [{"image": IMAGE}]}])
def test_a_list_may_be_a_value_and_needs_no_aws(value: Any) -> None:
    assert collect(value, sources=[])["image_count"] == 1


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "It is empty"),
        (b"[]", "empty"),
        (b"\xff\xfe", "UnicodeDecodeError"),
        (gzip.compress(b"[" + b" " * 2000, mtime=0), "longer than 1000 bytes"),
        (b" " * 1001, "longer than 1000 bytes"),
        (None, "FileNotFoundError"),
    ],
)
def test_a_file_without_a_list_is_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes | None, why: str
) -> None:
    monkeypatch.setattr(source, "MAX_BYTES", 1000)
    if data is not None:
        (tmp_path / "list").write_bytes(data)
    value = collect(f"file://{tmp_path}/list")
    assert (value["is_complete"], value["unread"][0]["source"]) == (False, "reference_list")
    assert why in value["unread"][0]["reason"]


def test_a_list_is_read_to_its_end_and_all_that_cannot_be_read_is_named() -> None:
    value = collect([IMAGE + ":", IMAGE, IMAGE + "@sha256:1"])
    assert (value["unread"][0]["reference_count"], value["image_count"]) == (2, 1)


def test_a_list_that_says_that_it_is_old_is_unread() -> None:
    collected_at = datetime.now(UTC) - timedelta(days=3)
    value = collect({"collected_at": collected_at.isoformat(), "images": [IMAGE]})
    assert "it is 72 hours old" in value["unread"][0]["reason"]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"value": None}, "reference_list is None, but the source reference_list needs it"),
        ({"value": None, "sources": ["airflow"]}, "airflow_conn_id is None, but the source airflow needs it"),
        ({"value": None, "sources": []}, "sources is empty"),
        ({"value": [IMAGE], "airflow_conn_id": ""}, "airflow_conn_id is ''"),
        ({"value": [IMAGE], "airflow_conn_id": "a", "airflow_history_days": 0}, "airflow_history_days is 0"),
    ],
)
def test_a_source_without_its_parameter_is_an_error(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        collect(**arguments)


@pytest.mark.parametrize("parameter", ["reference_list", "airflow_conn_id"])
def test_a_source_whose_template_leaves_nothing_is_an_error_and_not_left_out(parameter: str) -> None:
    operator = EcrCollectImagesInUseOperator(task_id="in_use", sources=[], **{parameter: "{{ params.x }}"})  # type: ignore[arg-type]
    setattr(operator, parameter, None)
    with pytest.raises(ValueError, match=f"{parameter} is None"):
        operator.execute(task_context())


@pytest.mark.parametrize("value", ["", "None", "s3:/bucket/list.json", "list.json"])
def test_a_text_that_is_neither_json_nor_a_url_is_unread(value: str) -> None:
    assert "neither JSON nor a URL" in collect(value)["unread"][0]["reason"]
