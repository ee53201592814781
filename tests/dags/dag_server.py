"""Keep Airflow loaded, and run each DAG in a copy of this process: loading takes longer than most of the runs.

Each line that it reads is JSON: ``environment``, the variables of the run; ``wanted``, the argument of ``dag_runner``; and
``output``, the file that takes what the run prints. A line ENDED with the exit code says that the run has ended; Airflow
may print others before.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from typing import Any

import dag_runner  # its folder is the first one that Python searches
from airflow import settings

# What every run would load by itself.
LOADED = (
    "airflow.api_fastapi.execution_api.app",
    "airflow.api_fastapi.execution_api.routes",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow_provider_ecr_preview.operators.ecr_audit",
    "airflow_provider_ecr_preview.operators.ecr_cleanup",
)


def serve() -> None:
    for name in LOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(run(request))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"ENDED {os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def run(request: dict[str, Any]) -> int:
    """Run the DAG with the output and the database of the request, and return the exit code."""
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(output, stream.fileno())
    os.environ.clear()
    os.environ.update(request["environment"])
    try:
        settings.configure_vars()
        settings.reconfigure_orm()
        dag_runner.main(json.dumps(request["wanted"]))
    except BaseException:  # noqa: BLE001 - the output says so, as that of a program would
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    serve()
