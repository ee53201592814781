"""Run the tests on an earlier Airflow, in an environment of its own: ``make compatibility AIRFLOW=3.1``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).with_name("uv")


class Release(NamedTuple):
    """A release of Airflow, the day up to which the packages around it are known to work with it, and which do not."""

    version: str
    packages_of: str
    without: tuple[str, ...] = ()


# An old Airflow with the newest of everything else does not start; its users have the packages of its own time.
RELEASES = {
    "3.1.1": Release("3.1.1", "2025-11-10", ("structlog!=25.5.0",)),
    "3.1": Release("3.1.8", "2026-03-31"),
    "3.2": Release("3.2.2", "2026-07-01"),
}
# What this package and its tests want newer than that, and what belongs to it.
NEWER = (
    "apache-airflow-providers-common-compat",
    "apache-airflow-providers-standard",
    "awscrt",
    "boto3",
    "botocore",
    "moto",
    "responses",
    "s3transfer",
)
TOOLS = (
    "apache-airflow-providers-cncf-kubernetes",
    "apache-airflow-providers-openlineage",
    "duckdb",
    "hypothesis",
    "jsonschema",
    "playwright",
    "psutil",
    "pyarrow",
    "pytest",
    "pytest-asyncio",
    "pytest-xdist",
    "rich",
)

# Tests of the build and of types, whose tools are not installed with those releases.
WITHOUT = ("--ignore=tests/packaging", "--ignore=tests/typing")


def main() -> None:
    """Make the environment if there is none, and run the tests in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", choices=sorted(RELEASES))
    parser.add_argument("pytest", nargs=argparse.REMAINDER, help="what to hand over to pytest")
    arguments = parser.parse_args()
    release = RELEASES[arguments.release]
    environment = ROOT / ".build" / f"airflow-{release.version}"
    python = environment / "bin" / "python"
    if not python.exists():
        _run([UV, "venv", "--quiet", "--python", sys.executable, environment])
    _run([UV, "pip", "install", "--quiet", "--python", python, *_packages(release)])
    _run([UV, "pip", "install", "--quiet", "--python", python, "--no-deps", "--editable", ROOT])
    _run([python, "-m", "pytest", "-n", "auto", *(arguments.pytest or WITHOUT)])


def _packages(release: Release) -> list[str]:
    """Return what to install, as arguments of uv."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["local"], *TOOLS]
    today = "2999-01-01"
    newer = [f"--exclude-newer-package={name}={today}" for name in NEWER]
    return [
        f"--exclude-newer={release.packages_of}",
        *newer,
        f"apache-airflow=={release.version}",
        *release.without,
        *wanted,
    ]


def _run(command: list[str | Path]) -> None:
    # A wrong index strategy would take a package from the first index that has any release of it.
    environment = {"UV_INDEX_STRATEGY": "unsafe-best-match"} | os.environ
    if done := subprocess.run(command, check=False, env=environment).returncode:
        sys.exit(done)


if __name__ == "__main__":
    main()
