"""Results that Airflow's object-storage backend put into files are read, each for those who may read its task alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.xcom.preview import AUDIT_MARKER_KEY
from airflow_provider_ecr_preview.reports.lists import image_list
from tests.plugins.conftest import Server
from tests.plugins.previews import images, summary

pytestmark = pytest.mark.xdist_group("web")

WRITE = """
import json, os, sys
from airflow.providers.common.io.xcom import backend
for compression in ("", "gzip"):
    os.environ["AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_COMPRESSION"] = compression
    backend._get_compression.cache_clear()
    for value in json.loads(sys.argv[1]):
        place = {"dag_id": "payments", "run_id": sys.argv[2], "task_id": "preview", "map_index": -1}
        reference = backend.XComObjectStorageBackend.serialize_value(value, key="return_value", **place)
        print("STORED", json.loads(reference) if reference.startswith('"') else reference)
"""


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the backend."""
    folder = tmp_path / "xcoms"
    folder.mkdir()
    monkeypatch.setenv(
        "AIRFLOW__CORE__XCOM_BACKEND", "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend"
    )
    monkeypatch.setenv("AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH", folder.as_uri())
    monkeypatch.setenv("AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD", "0")
    return folder


def xcom(server: Server, user: str = "alice", **params: Any) -> Any:
    return server.get(user, server.path(what="xcom"), **params)


def stored(server: Server, *values: Any) -> list[str]:
    """Return where the backend, in a process of its own as in a worker, has put values."""
    command = [sys.executable, "-c", WRITE, json.dumps(values), server.run_id]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return [line.removeprefix("STORED ") for line in done.stdout.splitlines() if line.startswith("STORED ")]


def test_what_the_backend_of_airflow_wrote_is_read_with_its_images(
    server: Server, reports: Path, storage: Path
) -> None:
    uri = f"file://{reports}/payments.jsonl.gz"
    with image_list(uri) as written:
        for image in images(3):
            written.write(image)
    value, marker = summary(uri), {"kind": "audit", "counts": {"repository_count": 3}}
    plain, plain_marker, packed, packed_marker = stored(server, value, marker)
    assert plain.startswith(storage.as_uri())
    assert packed.endswith(".gz")
    for reference, of_marker in ((plain, plain_marker), (packed, packed_marker)):
        server.push(reference)
        server.mark(of_marker, key=AUDIT_MARKER_KEY)
        assert xcom(server).json()["value"] == value
        assert xcom(server, key=AUDIT_MARKER_KEY).json()["value"] == marker
    assert server.get("alice", server.path(what="images")).json()["total"] == 3
    assert xcom(server, "bob").status_code == 403


def test_an_address_of_another_task_another_folder_or_no_file_at_all_is_not_opened(
    server: Server, storage: Path, tmp_path: Path
) -> None:
    own = storage / "payments" / server.run_id / "preview"
    other = storage / "search" / server.run_id / "preview"
    for folder in (own, other):
        folder.mkdir(parents=True)
        (folder / "secret.json").write_text('"secret"')
    (own / "link.json").symlink_to(other / "secret.json")
    outside = tmp_path / "outside.json"
    outside.write_text('"secret"')
    for address in (
        f"{other.as_uri()}/secret.json",
        f"file://{own}/../../../search/{server.run_id}/preview/secret.json",
        f"file://{own}/link.json",
        outside.as_uri(),
        "https://example.com/secret.json",
        "s3://bucket/payments/secret.json",
    ):
        server.push(address)
        assert xcom(server).json() == {"value": address}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.json", None, (410, "Run the task again")),
        ("damaged.json", b"{", (409, "xcom_objectstorage_compression")),
        ("other.json.zst", b"\x28\xb5\x2f\xfd", (409, "xcom_objectstorage_compression")),
        ("large.json", b'"' + b"x" * 2**20 + b'"', (413, "cannot be shown")),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_do(
    server: Server, storage: Path, name: str, content: bytes | None, says: tuple[int, str]
) -> None:
    folder = storage / "payments" / server.run_id / "preview"
    folder.mkdir(parents=True)
    if content is not None:
        (folder / name).write_bytes(content)
    server.push(f"file://{folder}/{name}")
    answer = xcom(server)
    assert answer.status_code == says[0]
    assert says[1] in answer.json()["detail"]


def test_other_keys_are_not_read(server: Server) -> None:
    assert xcom(server, key="secret").status_code == 422
