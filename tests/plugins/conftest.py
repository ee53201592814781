"""A real API server application of Airflow, with the plugin as its entry point brings it, and two DAGs that have run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from airflow.models.xcom import XComModel
from fastapi.testclient import TestClient

from airflow_provider_ecr_preview.core.xcom.preview import (
    AUDIT_MARKER_KEY,
    CHANGE_MARKER_KEY,
    COMPARISON_MARKER_KEY,
    MARKER_KEY,
)
from airflow_provider_ecr_preview.reports.lists import image_list
from tests.plugins import xcom_rows
from tests.plugins.dag_permissions import READABLE
from tests.plugins.previews import images, summary

DAGS = """
from airflow.sdk import DAG, task

@task
def push(number=0):
    return "each test has its own"

def dag(name):
    with DAG(name, schedule=None) as dag:
        push.override(task_id="preview")()
        push.override(task_id="mapped").expand(number=[0, 1])
    return dag

payments, search = dag("payments"), dag("search")
"""

RUN = """
import inspect, sys
from datetime import UTC, datetime
try:
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
except ImportError:  # Airflow 3.1
    from airflow.models.dagbag import DagBag, sync_bag_to_db
from airflow.models.dagbundle import DagBundleModel
from airflow.utils.session import create_session

folder = sys.argv[1]
name = {"bundle_name": "examples"} if "bundle_name" in inspect.signature(DagBag).parameters else {}  # not in 3.1
bag = DagBag(folder, bundle_path=folder, **name)
assert not bag.import_errors, bag.import_errors
with create_session() as session:
    session.merge(DagBundleModel(name="examples"))
sync_bag_to_db(bag, "examples", None)
began = datetime(2026, 1, 5, 6, tzinfo=UTC)
for dag in bag.dags.values():
    print("RUN", dag.test(run_after=began, logical_date=began).run_id)
"""


@dataclass(frozen=True)
class Server:
    """The application, and the run that both DAGs have had.

    :param client: asks as nobody.
    :param run_id: with a plus and colons, as run ids are.
    :param headers: returns those of a user.
    """

    client: TestClient
    run_id: str
    headers: Callable[[str], dict[str, str]]

    def path(self, dag_id: str = "payments", task_id: str = "preview", what: str = "images") -> str:
        return f"/ecr-preview/dags/{dag_id}/runs/{self.run_id}/tasks/{task_id}/{what}"

    def get(self, user: str | None = "alice", path: str | None = None, **params: Any) -> Any:
        headers = self.headers(user) if user else {}
        return self.client.get(path or self.path(), params=params, headers=headers)

    def push(self, value: Any, dag_id: str = "payments", task_id: str = "preview", map_index: int = -1) -> None:
        """Put a value in the place of what the task has returned."""
        self._store("return_value", value, dag_id, task_id, map_index)

    def mark(
        self,
        marker: Any,
        dag_id: str = "payments",
        task_id: str = "preview",
        map_index: int = -1,
        *,
        key: str = MARKER_KEY,
    ) -> None:
        """Put the marker beside it, by which the pages find it."""
        its = {"dag_id": dag_id, "run_id": self.run_id, "task_id": task_id, "map_index": map_index}
        XComModel.set(key, None, **its)
        self._store(key, marker, dag_id, task_id, map_index)

    def _store(self, key: str, value: Any, dag_id: str, task_id: str, map_index: int) -> None:
        its = {"dag_id": dag_id, "run_id": self.run_id, "task_id": task_id, "map_index": map_index}
        xcom_rows.replace(key, value, **its)

    def forget_markers(self) -> None:
        """Remove the markers of all tests before."""
        xcom_rows.remove((MARKER_KEY, AUDIT_MARKER_KEY, CHANGE_MARKER_KEY, COMPARISON_MARKER_KEY))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, new_home: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("dags")
    (folder / "previews.py").write_text(DAGS)
    passwords = folder / "passwords.json"
    passwords.write_text(json.dumps(dict.fromkeys(READABLE, "secret")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", ",".join(f"{user}:viewer" for user in READABLE))
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(passwords))
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "only this application knows " * 3)
        shutil.copy(new_home / "airflow.db", os.environ["AIRFLOW_HOME"])
        command = [sys.executable, "-c", RUN, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        runs = [line.removeprefix("RUN ") for line in done.stdout.splitlines() if line.startswith("RUN ")]
        assert len(runs) == 2, done.stdout[-3000:] + done.stderr[-3000:]
        assert len(set(runs)) == 1

        patch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "tests.plugins.dag_permissions.DagPermissions")
        from airflow.api_fastapi.app import create_app, get_auth_manager  # noqa: PLC0415 - reads the settings above
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser  # noqa: PLC0415

        app = create_app("core")

        def headers(user: str) -> dict[str, str]:
            token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=user, role="viewer"))
            return {"Authorization": f"Bearer {token}"}

        with TestClient(app) as client:
            yield Server(client, runs[0], headers)


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder below which image lists may be opened."""
    folder = tmp_path / "reports"
    folder.mkdir()
    monkeypatch.setenv("AIRFLOW__ECR_PREVIEW__REPORTS_PATH", f"s3://elsewhere/ecr, file://{folder}")
    return folder


@pytest.fixture
def preview(server: Server, reports: Path) -> Server:
    """Return the server after the task of ``payments`` has written 250 images."""
    uri = f"file://{reports}/payments.jsonl.gz"
    with image_list(uri) as written:
        for image in images(250):
            written.write(image)
    server.push(summary(uri))
    return server
