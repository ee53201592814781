"""Airflow's components and a local ECR on this machine, for the demo and the UI."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self

import httpx
from processes import FailedError, Interrupted, Processes
from progress import Progress
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.local.ecr import LocalEcr

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".build"
"""Where files stay that outlive a run; git ignores it."""

HOST = "127.0.0.1"
USER = PASSWORD = "admin"  # noqa: S105  # this Airflow answers this machine only

_NAMED_REPORTS = Path(tempfile.gettempdir(), "ecr")
"""The folder that the forms of the examples name as an example."""

_START_SECONDS = 240
_LOG_LINES = 15
_PORTS = range(20_000, 30_000)


class LocalAirflow:
    """Components of Airflow, a process each, in a home that is gone afterwards, and the local ECR that they talk to.

    :param components: the commands of the components.
    :param registry: the registry of the local ECR; None for an empty one.
    :param preview_seconds: how long a preview takes there.
    :param port: where the API server listens.
    :param console: where to say what happens.
    """

    def __init__(
        self,
        *components: str,
        registry: Literal["small", "team"] | None,
        preview_seconds: float,
        port: int,
        console: Console,
    ) -> None:
        self.url = f"http://{HOST}:{port}"
        self.progress = Progress(console)
        self._console = console
        self._components = components
        self._registry = registry
        self._preview_seconds = preview_seconds
        self._stack = contextlib.ExitStack()
        temporary = tempfile.TemporaryDirectory(prefix="airflow-ecr-preview-", ignore_cleanup_errors=True)
        home = Path(self._stack.enter_context(temporary))
        self._logs = home / "logs"
        self._logs.mkdir()
        # The examples put their reports here, apart from those of other registries.
        (home / "tmp").mkdir()
        (home / "passwords.json").write_text(json.dumps({USER: PASSWORD}))
        # A proxy of this machine's has no business between us.
        self._api = self._stack.enter_context(httpx.Client(base_url=self.url, trust_env=False, timeout=120))
        environment = _without_accounts(os.environ) | _settings(home, self.url, port)
        self.processes = self._stack.enter_context(Processes(environment, self._logs, self.progress.sign_of_life))
        self.pause = self.processes.pause

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self) -> LocalEcr:
        """Start the local ECR, make the database, start the components, wait until all are healthy, and log in."""
        # moto takes seconds to import; until here Ctrl-C would have been a traceback.
        from airflow_provider_ecr_preview.local.ecr import LocalEcr  # noqa: PLC0415
        from airflow_provider_ecr_preview.local.seeds import REGISTRIES  # noqa: PLC0415

        ecr = self._stack.enter_context(LocalEcr(registry=self._registry, preview_seconds=self._preview_seconds))
        repositories = REGISTRIES[self._registry] if self._registry else ()  # of all Regions
        self.progress.done(f"Local ECR with {len(repositories)} repositories at {ecr.endpoint_url}")
        self.processes.environment.update(ecr.environment)
        with self.progress.step("Airflow's database"):
            self.processes.run("database", [sys.executable, "-m", "airflow", "db", "migrate"])
        with self.progress.step(f"Airflow's {', '.join(self._components)}"):
            for component in self._components:
                # The API server reads this machine's log files; nobody has to serve them to it.
                options = ["--skip-serve-logs"] if component in ("scheduler", "triggerer") else []
                self.processes.start(component, [sys.executable, "-m", "airflow", component, *options])
            deadline = time.monotonic() + _START_SECONDS
            while unhealthy := self._unhealthy():
                if time.monotonic() > deadline:
                    self.fail(f"Not healthy after {_START_SECONDS} s: {', '.join(unhealthy)}.", f"{unhealthy[0]}.log")
                self.pause()
            answer = self._api.post("/auth/token", json={"username": USER, "password": PASSWORD})
            self._api.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
        return ecr

    def wait_for_dag(self, dag_id: str) -> None:
        """Wait until a DAG can be triggered.

        :param dag_id: the DAG.
        :raises FailedError: if a DAG cannot be imported, or this one does not appear in time.
        """
        deadline = time.monotonic() + _START_SECONDS
        while self._api.get(f"/api/v2/dags/{dag_id}").status_code == httpx.codes.NOT_FOUND:
            errors = self.get("importErrors")["import_errors"]
            if errors or time.monotonic() > deadline:
                message = errors[0]["stack_trace"] if errors else f"The DAG {dag_id} does not appear."
                self.fail(message, "dag-processor.log")
            self.pause()

    def may_be_answered(self, dag_id: str, run_id: str, task_id: str) -> bool:
        """Return whether a task that waits for a person may be answered.

        The process of a task ends some seconds after the task has paused. If the answer comes before that, the scheduler
        counts the next try of the task, which is queued by then, as lost.

        :param dag_id: the DAG.
        :param run_id: the run.
        :param task_id: the task.
        """
        ended = f"TaskInstanceKey(dag_id='{dag_id}', task_id='{task_id}', run_id='{run_id}'"
        log = self.processes.log("scheduler").read_text(errors="replace")
        return any(ended in line and "executor event with state" in line for line in log.splitlines())

    def get(self, path: str) -> Any:
        """Return what Airflow's public API answers.

        :param path: the path after ``/api/v2/``.
        """
        return self._api.get(f"/api/v2/{path}").raise_for_status().json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return what Airflow's public API answers.

        :param path: the path after ``/api/v2/``.
        :param body: what to send.
        """
        return self._api.post(f"/api/v2/{path}", json=body).raise_for_status().json()

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """Return what Airflow's public API answers.

        :param path: the path after ``/api/v2/``.
        :param body: what to send.
        """
        return self._api.patch(f"/api/v2/{path}", json=body).raise_for_status().json()

    def fail(self, message: str, log: str) -> NoReturn:
        """Give up.

        :param message: what happened.
        :param log: a pattern for the name of the log, among the logs, that says why.
        :raises FailedError: always.
        """
        raise FailedError(message, next(self._logs.glob(log)))

    @contextlib.contextmanager
    def reporting(self, folder: str) -> Iterator[None]:
        """Say what went wrong inside, with the end of the log, and end with an exit code.

        :param folder: where to keep the logs; an earlier one is replaced.
        """
        try:
            yield
        except Interrupted:
            self._console.print("Interrupted; stopping.")
            sys.exit(130)
        except httpx.HTTPError as error:
            self._report(repr(error), self._logs / "api-server.log", KEPT / folder)
        except FailedError as error:
            self._report(str(error), error.log, KEPT / folder)

    def _report(self, message: str, log: Path | None, kept: Path) -> NoReturn:
        if log is None:
            self._console.print(f"[red]✗[/] {escape(message)}", highlight=False)
            sys.exit(1)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self._logs, kept, symlinks=True)
        for line in log.read_text(errors="replace").splitlines()[-_LOG_LINES:]:
            self._console.print(f"  {_readable(line)}", style="dim", markup=False, highlight=False, soft_wrap=True)
        self._console.print(f"[red]✗[/] {escape(message)}", highlight=False)
        whole = (kept / log.relative_to(self._logs)).relative_to(ROOT)
        self._console.print(f"  The whole log: {whole}", highlight=False, soft_wrap=True)
        sys.exit(1)

    def _unhealthy(self) -> list[str]:
        try:
            health = self.get("monitor/health")
        except httpx.HTTPError:
            return ["api-server"]
        parts = {name: health.get(name.replace("-", "_"), {"status": "healthy"}) for name in self._components}
        return [name for name, part in parts.items() if part["status"] != "healthy"]


def _readable(line: str) -> str:
    """Return a line of a log as text; Airflow writes those of tasks as JSON."""
    try:
        entry = json.loads(line)
        causes = "".join(f"\n    {error['exc_type']}: {error['exc_value']}" for error in entry.get("error_detail", []))
        return f"{entry['level']}: {entry['event']}{causes}"
    except (ValueError, KeyError, TypeError):
        return line


def free_port(preferred: int | None = None) -> int:
    """Return a port of the loopback address that nobody listens at.

    :param preferred: the one to take if it is free.
    """
    # Below those that the kernel hands out, of which one could be taken before Airflow listens, seconds later.
    for port in [*([preferred] if preferred else []), *random.sample(_PORTS, len(_PORTS))]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((HOST, port))
                return port
    raise OSError(f"Every port from {_PORTS.start} to {_PORTS.stop} is taken.")


def _without_accounts(environment: Mapping[str, str]) -> dict[str, str]:
    # Nothing of this person's own Airflow or AWS accounts may come in.
    own = ("AIRFLOW_", "_AIRFLOW_", "AWS_")
    return {name: value for name, value in environment.items() if not name.startswith(own)}


def _settings(home: Path, url: str, port: int) -> dict[str, str]:
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "example_dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",  # more at a time take longer on two cores
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        # On a busy machine a component waits for more than SQLite's five seconds until the others have written.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db?timeout=60",
        "AIRFLOW__ECR_PREVIEW__REPORTS_PATH": ",".join(
            folder.as_uri() for folder in (KEPT, _NAMED_REPORTS, home / "tmp")
        ),
        # The first weekly runs of the examples would audit the same registry at the same time.
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_COLOR": "1",
        "TMPDIR": str(home / "tmp"),
        "NO_PROXY": f"{HOST},localhost",
        "no_proxy": f"{HOST},localhost",
    }
