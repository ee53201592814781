"""Run all of Airflow with the example DAGs and a local ECR, until Ctrl-C: ``make ui``."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from local_airflow import KEPT, PASSWORD, ROOT, USER, LocalAirflow, free_port
from rich.console import Console

DEFAULT_PORT = 8080

_PREVIEW_SECONDS = 20
_REPORTS = KEPT / "ui-reports"
_FIRST_RUNS = {
    "ecr_audit_registry": {"reports_path": f"file://{_REPORTS}"},
    "ecr_preview_single": {"images_path": f"file://{_REPORTS}/payments-api.jsonl.gz"},
}
_DAGS = sorted(path.stem for path in (ROOT / "example_dags").glob("*.py"))


def main() -> None:
    """Run until a signal asks for the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port of Airflow's UI (%(default)s)")
    wanted = parser.parse_args().port
    console = Console(highlight=False)
    with _port(wanted) as port:
        if port != wanted:
            console.print(f"Port {wanted} is taken; Airflow takes {port}.")
        airflow = LocalAirflow(
            "scheduler",
            "dag-processor",
            "triggerer",
            "api-server",
            registry="team",
            preview_seconds=_PREVIEW_SECONDS,
            port=port,
            console=console,
        )
        with airflow, airflow.reporting("ui-logs"):
            ecr = airflow.start()
            with airflow.progress.step(f"{len(_DAGS)} example DAGs"):
                for dag_id in _DAGS:
                    airflow.wait_for_dag(dag_id)
            _begin(airflow)
            _welcome(console, airflow.url, ecr.environment)
            while True:
                airflow.pause()


def _begin(airflow: LocalAirflow) -> None:
    """Let an audit and a preview run, so that the pages have something to show."""
    # Reports of an earlier UI would be compared with, and they are of another registry.
    shutil.rmtree(_REPORTS, ignore_errors=True)
    for dag_id, conf in _FIRST_RUNS.items():
        airflow.post(f"dags/{dag_id}/dagRuns", {"dag_run_id": "first", "logical_date": None, "conf": conf})


def _welcome(console: Console, url: str, environment: dict[str, str]) -> None:
    console.print(
        f"\n[bold]Airflow is at {url}[/], user {USER}, password {PASSWORD}, until Ctrl-C.\n\n"
        f"An audit of the registry is running. What it finds is at {url}/plugin/ecr-previews (under Browse) in half\n"
        'a minute, and in the tab "ECR preview" of its tasks and its run.\n\n'
        f"Trigger {url}/dags/ecr_preview_deferrable: a preview takes {_PREVIEW_SECONDS} s here,\n"
        "and while it does, the task is deferred and holds no worker slot. The summary is in the XCom of summarize.\n\n"
        "The same ECR from a terminal:",
        soft_wrap=True,
    )
    for name, value in sorted(environment.items()):
        if name.startswith("AWS_"):
            console.print(f"  export {name}={value}")
    console.print("  .venv/bin/aws ecr describe-repositories\n")


@contextlib.contextmanager
def _port(wanted: int) -> Iterator[int]:
    """Yield the port wanted, or a free one where that is taken or another UI of this user is about to take it."""
    # Not in the checkout: a UI of another checkout wants the same port.
    with (Path(tempfile.gettempdir()) / f"airflow-ecr-preview-{os.getuid()}-port-{wanted}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield free_port()
        else:
            yield free_port(wanted)


if __name__ == "__main__":
    main()
