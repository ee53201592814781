from __future__ import annotations

import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.utils.state import TaskInstanceState

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.seeds import seed_registry

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.stem for path in (ROOT / "example_dags").glob("*.py"))
"""The examples: each file has one DAG of the same name."""

RUN_SECONDS = 500
"""Only a guard against a run that hangs: a busy machine takes minutes."""

RunDag = Callable[..., dict[str, Any]]


@pytest.fixture
def team_ecr(local_ecr: LocalEcr) -> LocalEcr:
    """Return the registry that ``make ui`` has, for which the defaults of the examples are meant."""
    seed_registry(local_ecr, "team", seed=0)
    local_ecr.preview_seconds = 0.5
    local_ecr.calls.clear()
    return local_ecr


@pytest.fixture(scope="session")
def examples() -> dict[str, DAG]:
    """Return the examples by their names."""
    try:
        from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415
    except ImportError:  # Airflow 3.1
        from airflow.models.dagbag import DagBag  # noqa: PLC0415
    name = {"bundle_name": "examples"} if "bundle_name" in inspect.signature(DagBag).parameters else {}
    folder = ROOT / "example_dags"
    bag = DagBag(folder, bundle_path=folder, **name)
    assert not bag.import_errors
    return dict(bag.dags)


@pytest.fixture
def untouched_form(examples: dict[str, DAG]) -> Callable[[str], dict[str, Any]]:
    """Return what makes the configuration that the trigger form of an example sends when nothing is changed in it."""
    return lambda dag_id: examples[dag_id].params.dump()


class DagServer:
    """An Airflow that stays loaded, in a process of its own, and has a copy of itself run each DAG."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(self, request: dict[str, Any]) -> None:
        """Run a DAG, and return when it has ended."""
        process = self._process = self._process or self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        guard = threading.Timer(RUN_SECONDS, kill, [process])
        guard.start()
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            has_ended = any(line.startswith("ENDED ") for line in process.stdout)
            assert has_ended, f"The run was lost, or took {RUN_SECONDS} s:\n{printed(request)[-6000:]}"
        except BaseException:
            self.stop()
            raise
        finally:
            guard.cancel()

    def stop(self) -> None:
        """End the process, and what it runs."""
        if self._process is None:
            return
        kill(self._process)
        self._process.communicate(timeout=RUN_SECONDS)
        self._process = None

    @staticmethod
    def _started() -> subprocess.Popen[str]:
        command = [sys.executable, Path(__file__).with_name("dag_server.py")]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )


def kill(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def printed(request: dict[str, Any]) -> str:
    """Return what a run has printed so far."""
    output = Path(request["output"])
    return output.read_text(errors="replace") if output.exists() else ""


@pytest.fixture(scope="session")
def dag_server() -> Iterator[DagServer]:
    server = DagServer()
    yield server
    server.stop()


@pytest.fixture
def run_dag(local_ecr: LocalEcr, new_home: Path, tmp_path: Path, dag_server: DagServer) -> RunDag:
    """Return a function that runs a DAG in a separate Airflow, and returns its state and the states and results of its tasks.

    ``approve`` is a regular expression for the tasks that are taken for done, ``answers`` is what a person chooses by the
    id of the task that asks, ``again`` are tasks that are cleared and run once more at the end, and ``then`` is a DAG that
    is run after that, with its configuration, in which ``RUN_ID`` stands for the id of the first run.
    """
    environment = {
        **os.environ,
        **local_ecr.environment,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
    }

    def run(
        dag_id: str,
        conf: dict[str, Any] | None = None,
        folder: Path = ROOT / "example_dags",
        *,
        approve: str = "",
        answers: dict[str, str] | None = None,
        again: Sequence[str] = (),
        then: tuple[str, dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        if answers and not hasattr(TaskInstanceState, "AWAITING_INPUT"):
            pytest.skip(
                "A task that asks cannot wait in `dag.test` before Airflow 3.3: its trigger gets no reply there."
            )
        shutil.copy(new_home / "airflow.db", tmp_path)
        wanted = {
            "folder": str(folder),
            "dag_id": dag_id,
            "conf": conf or {},
            "approve": approve,
            "answers": answers or {},
            "again": list(again),
            "then": then and {"dag_id": then[0], "conf": then[1]},
        }
        request = {"environment": environment, "wanted": wanted, "output": str(tmp_path / "output")}
        dag_server.run(request)
        log = printed(request)
        results = [line for line in log.splitlines() if line.startswith("RESULT ")]
        assert results, log[-6000:]
        result: dict[str, Any] = json.loads(results[0].removeprefix("RESULT "))
        return result | {"log": log}

    return run
