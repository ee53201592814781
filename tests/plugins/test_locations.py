"""No result can make the API server open a file outside the configured folders."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.plugins.web.locations import ForeignLocationError, checked_location
from airflow_provider_ecr_preview.reports.lists import image_list
from tests.plugins.conftest import Server
from tests.plugins.previews import images, summary

pytestmark = pytest.mark.xdist_group("web")

FOLDER = "s3://aws_default@reports/ecr"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.gz"
    with image_list(f"file://{path}") as written:
        for image in images(3):
            written.write(image)
    return path


@pytest.mark.parametrize(
    "uri",
    [
        "file://{tmp}/secret.gz",
        "file://{tmp}/reports/../secret.gz",
        "file://{tmp}/reports/x/../../secret.gz",
        "file://{tmp}/reports/./list.gz",
        "file://{tmp}/reports//list.gz",
        "file://{tmp}/reportsx/list.gz",
        "file://{tmp}/reports",
        "file://localhost{tmp}/reports/list.gz",
        "file:{tmp}/reports/list.gz",
        "{tmp}/reports/list.gz",
        "local://{tmp}/reports/list.gz",
        "FILE://{tmp}/reports/list.gz",
        "file://{tmp}/reports/list.gz::s3://foreign/x",
        "simplecache::file://{tmp}/reports/list.gz",
        "file://{tmp}/reports/link.gz",
        "file://{tmp}/reports/folder/secret.gz",
        "file:///etc/passwd",
        "s3://foreign/ecr/list.gz",
        "s3://elsewhere/ecrx/list.gz",
        "s3://elsewhere/ecr/../list.gz",
        "s3://other_conn@elsewhere/ecr/list.gz",
        "s3a://elsewhere/ecr/list.gz",
        "http://127.0.0.1/list.gz",
        "",
        "\x00",
    ],
)
def test_a_result_that_names_a_file_elsewhere_is_refused(
    server: Server, reports: Path, secret: Path, tmp_path: Path, uri: str
) -> None:
    (reports / "list.gz").write_bytes(secret.read_bytes())
    (reports / "link.gz").symlink_to(secret)
    (reports / "folder").symlink_to(tmp_path)
    server.push(summary(uri.format(tmp=tmp_path)))
    answer = server.get()
    assert answer.status_code == 409
    assert str(tmp_path) not in answer.text


def test_the_folder_itself_may_be_a_link(server: Server, reports: Path, secret: Path, tmp_path: Path) -> None:
    reports.rmdir()
    (tmp_path / "real").mkdir()
    reports.symlink_to(tmp_path / "real")
    (tmp_path / "real" / "list.gz").write_bytes(secret.read_bytes())
    server.push(summary(f"file://{reports}/list.gz"))
    assert server.get().json()["total"] == 3


def test_a_pipe_is_not_waited_for(server: Server, reports: Path) -> None:
    os.mkfifo(reports / "pipe.gz")
    server.push(summary(f"file://{reports}/pipe.gz"))
    assert server.get().status_code == 410


def test_without_a_folder_in_the_configuration_nothing_is_opened(
    server: Server, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW__ECR_PREVIEW__REPORTS_PATH", raising=False)
    server.push(summary(f"file://{secret}"))
    answer = server.get()
    assert answer.status_code == 409
    assert "reports_path" in answer.json()["detail"]


@pytest.fixture
def bucket(local_ecr: LocalEcr) -> str:
    local_ecr.client("s3").create_bucket(Bucket="reports")
    return FOLDER


@pytest.mark.skipif(find_spec("s3fs") is None, reason="the s3 extra is not installed")
def test_a_list_on_s3_is_read_through_the_connection_of_the_configuration(
    server: Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__ECR_PREVIEW__REPORTS_PATH", f"{bucket}/")
    with image_list(f"{bucket}/team/list.gz") as written:
        for image in images(4):
            written.write(image)
    server.push(summary(f"{bucket}/team/list.gz"))
    assert [server.get().json()["total"] for _ in range(2)] == [4, 4]
    server.push(summary(f"{bucket}/team/other.gz"))
    assert server.get().status_code == 410


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(["..", ".", "", "ecr", "x", "reports", "%2e%2e", "a=b"]), max_size=6))
def test_whatever_is_let_through_lies_below_the_folder(names: list[str]) -> None:
    uri = "/".join(["s3://aws_default@reports", *names])
    try:
        checked = checked_location(uri, [FOLDER])
    except ForeignLocationError:
        return
    assert checked == uri
    assert os.path.normpath("/" + "/".join(names)).startswith("/ecr/")
