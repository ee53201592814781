"""Serve a local ECR: ``python -m airflow_provider_ecr_preview.local --registry team``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from airflow_provider_ecr_preview.local.ecr import ACCESS_KEY, SECRET_KEY, LocalEcr
from airflow_provider_ecr_preview.local.registry import DEFAULT_REGION
from airflow_provider_ecr_preview.local.seeds import REGISTRIES

DEFAULT_PORT = 5000


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal ends it and return the exit code.

    :param arguments: the command line; None for that of this process.
    """
    options = parser().parse_args(arguments)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    ecr = LocalEcr(
        host=options.host,
        port=options.port,
        registry=options.registry,
        seed=options.seed,
        now=options.now,
        preview_seconds=options.preview_seconds,
        check_layers=options.check_layers,
        log=_print if options.verbose else None,
    )
    try:
        ecr.start()
    except OSError as error:
        sys.stderr.write(
            f"Cannot listen at {options.host}:{options.port}: {error.strerror}. "
            "Choose another port with --port, or any free one with --port 0.\n"
        )
        return 1
    try:
        if options.ready_file is not None:
            _write_atomically(options.ready_file, {"endpoint_url": ecr.endpoint_url, "pid": os.getpid()})
        _print(_welcome(ecr))
        stopped.wait()
    finally:
        ecr.stop()
        if options.ready_file is not None:
            options.ready_file.unlink(missing_ok=True)
    operations = ecr.calls.operations
    counts = ", ".join(f"{operation} {count}" for operation, count in sorted(operations.items()))
    _print(f"Stopped after {operations.total()} calls of ECR{counts and f': {counts}'}.")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    options = argparse.ArgumentParser(
        prog="python -m airflow_provider_ecr_preview.local",
        description="Serve an Amazon ECR of this machine, with lifecycle policy previews, and the other services of moto.",
    )
    options.add_argument("--host", default="127.0.0.1", help="address to listen at (%(default)s)")
    options.add_argument("--port", type=int, default=DEFAULT_PORT, help="port; 0 for a free one (%(default)s)")
    options.add_argument("--registry", choices=sorted(REGISTRIES), help="the registry to start with (an empty one)")
    options.add_argument(
        "--seed", type=int, default=0, help="a different seed generates a different registry (%(default)s)"
    )
    options.add_argument("--now", type=_time, help="the time in the registry, for example 2026-11-23 (the real time)")
    options.add_argument(
        "--preview-seconds", type=float, default=0.0, help="how long a preview is IN_PROGRESS (%(default)s)"
    )
    options.add_argument("--check-layers", action="store_true", help="refuse images whose layers were not uploaded")
    options.add_argument(
        "--ready-file", type=Path, help="write endpoint_url and pid to this file as JSON when the server is ready"
    )
    options.add_argument("--verbose", action="store_true", help="print a line for every request")
    return options


def _welcome(ecr: LocalEcr) -> str:
    region = f"--region {DEFAULT_REGION}"
    lines = [
        f"The local ECR answers at {ecr.endpoint_url} until Ctrl-C. To use it from boto3, the AWS CLI or Airflow:",
        "",
        f"  export AWS_ENDPOINT_URL={ecr.endpoint_url}",
        f"  export AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY} AWS_DEFAULT_REGION={DEFAULT_REGION}",
        f"  export AIRFLOW_CONN_AWS_DEFAULT='{ecr.connection}'",
        "",
    ]
    repositories = ecr.backend().repositories.values()
    with_policy = next((repository.name for repository in repositories if repository.lifecycle_policy), None)
    if with_policy is None:
        lines.append(f"  aws ecr create-repository --repository-name payments/api {region}")
    else:
        lines += [
            f"  aws ecr describe-repositories {region}",
            f"  aws ecr start-lifecycle-policy-preview --repository-name {with_policy} {region}",
            f"  aws ecr wait lifecycle-policy-preview-complete --repository-name {with_policy} {region}",
            f"  aws ecr get-lifecycle-policy-preview --repository-name {with_policy} {region}",
        ]
    return "\n".join(lines)


def _write_atomically(path: Path, content: dict[str, object]) -> None:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(content) + "\n")
    unfinished.replace(path)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # a program for a person at a terminal


if __name__ == "__main__":
    sys.exit(main())
