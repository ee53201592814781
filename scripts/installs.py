"""Resolve the package with each of its extras, and print how long that takes, as a table: ``make installs``.

uv resolves for every Python, whether it is here or not. With ``--pip`` and a wheel, pip resolves for the Python that runs this.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).with_name("uv")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
EXTRAS = ("", "s3", "parquet", "eks", "local", "s3,parquet,eks,local")
SHOWN = ("apache-airflow", "boto3")

_SECONDS = 60
"""How long a resolution may take on a quiet machine whose cache is warm."""

_PATIENCE = 300
"""How long one may take on a busy machine."""


class Resolution(NamedTuple):
    """What one resolution took and gave."""

    seconds: float
    processor_seconds: float
    versions: tuple[str, ...]
    error: str


def main() -> None:
    """Print a row for each resolution, and end with an error if one fails or takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--constraints", type=Path, help="a file of constraints, such as Airflow's")
    parser.add_argument("--pip", type=Path, help="resolve this wheel with pip rather than with uv")
    arguments = parser.parse_args()
    constraints = [f"--constraint={arguments.constraints.resolve()}"] if arguments.constraints else []
    failed = 0
    sys.stdout.write(
        "| Installer | Python | Extra | Seconds | of them computing | Resolves to |\n|---|---|---|---|---|---|\n"
    )
    for installer, python, extra, resolve in _resolutions(arguments.pip, constraints):
        found = resolve()
        failed += bool(found.error) or found.processor_seconds > _SECONDS
        times = f"{found.seconds:.0f} | {found.processor_seconds:.1f}"
        result = ", ".join(found.versions) or f"not resolved: {found.error}"
        sys.stdout.write(f"| {installer} | {python} | {f'`[{extra}]`' if extra else 'none'} | {times} | {result} |\n")
        sys.stdout.flush()
    if failed:
        sys.exit(f"{failed} resolutions failed, or computed for more than {_SECONDS} s.")


def _resolutions(
    wheel: Path | None, constraints: list[str]
) -> Iterator[tuple[str, str, str, Callable[[], Resolution]]]:
    """Yield what to resolve: the installer, the Python, the extra, and the resolution itself."""
    here = "{}.{}".format(*sys.version_info)
    for python in (here,) if wheel else PYTHONS:
        for extra in EXTRAS:
            if wheel is not None:
                yield "pip", python, extra, lambda wheel=wheel, extra=extra: _with_pip(wheel, extra, constraints)
            else:
                yield "uv", python, extra, lambda python=python, extra=extra: _with_uv(python, extra, constraints)


def _with_uv(python: str, extra: str, constraints: list[str]) -> Resolution:
    extras = [f"--extra={name}" for name in extra.split(",") if name]
    options = ["--quiet", "--no-annotate", "--no-header", *extras, *constraints]
    command = [UV, "pip", "compile", "--python-version", python, *options, ROOT / "pyproject.toml"]
    seconds, computing, text, error = _timed(command)
    found = (re.search(rf"^{name}==(\S+)", text, re.MULTILINE) for name in SHOWN)
    return Resolution(seconds, computing, _shown(match and match[1] for match in found), error)


def _with_pip(wheel: Path, extra: str, constraints: list[str]) -> Resolution:
    with tempfile.TemporaryDirectory(prefix="installs-") as folder:
        report = Path(folder, "report.json")
        options = ["--quiet", "--dry-run", "--ignore-installed", f"--report={report}", *constraints]
        wanted = f"{wheel.resolve()}[{extra}]" if extra else f"{wheel.resolve()}"
        seconds, computing, _, error = _timed([sys.executable, "-m", "pip", "install", *options, wanted])
        resolved = json.loads(report.read_text(encoding="utf-8"))["install"] if report.exists() else []
    versions = {item["metadata"]["name"].lower(): item["metadata"]["version"] for item in resolved}
    return Resolution(seconds, computing, _shown(versions.get(name) for name in SHOWN), error)


def _shown(versions: Iterator[str | None]) -> tuple[str, ...]:
    return tuple(f"{name} {version}" for name, version in zip(SHOWN, versions, strict=True) if version)


def _timed(command: list[str | Path]) -> tuple[float, float, str, str]:
    """Return how long a command ran, how long it computed, what it printed, and the error if it failed."""
    environment = {"UV_INDEX_STRATEGY": "unsafe-best-match"} | os.environ
    started, computed = time.monotonic(), _computed()
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=_PATIENCE, env=environment, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        return time.monotonic() - started, _computed() - computed, "", f"stopped after {_PATIENCE} s"
    error = " ".join(done.stderr[-500:].split()) if done.returncode else ""
    return time.monotonic() - started, _computed() - computed, done.stdout, error


def _computed() -> float:
    """Return the processor time of the children so far, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
