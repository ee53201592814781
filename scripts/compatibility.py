"""Run the tests on other releases of Airflow, each in an environment of its own.

``make compatibility AIRFLOW=3.1`` runs one release, ``make compatibility AIRFLOW=all`` runs every one. Both print a table,
and keep what they saw in ``docs/about/tested-versions.json``, of which the compatibility page is made.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "docs" / "about" / "tested-versions.json"
UV = Path(sys.executable).with_name("uv")


class Release(NamedTuple):
    """A release of Airflow, and which packages it is tested with."""

    version: str
    packages_of: str | None = None
    """The day up to which the packages around it are known to work with it; None: the newest ones."""

    also: tuple[str, ...] = ()
    """Further requirements, such as a release of a package that does not work with it."""

    options: tuple[str, ...] = ()
    """Options of uv."""


_RUN_SECONDS = 4 * 3600
"""How long an installation or a run of all tests may take."""


# An old Airflow with the newest of everything else does not start; its users have the packages of its own time.
RELEASES = {
    "lowest": Release("3.1.1", "2025-11-10", ("structlog!=25.5.0",), ("--resolution=lowest-direct",)),
    "3.1.1": Release("3.1.1", "2025-11-10", ("structlog!=25.5.0",)),
    "3.1": Release("3.1.8", "2026-03-31"),
    "3.2": Release("3.2.2", "2026-07-01"),
    "3.3": Release("3.3.2", None, (), (f"--constraints={ROOT / 'constraints.txt'}",)),
    "3.4": Release("3.4.0b2", None, ("apache-airflow-core==3.4.0b2", "apache-airflow-task-sdk==1.4.0b2")),
}
# What this package and its tests want newer than that, and what belongs to it.
NEWER = (
    "apache-airflow-providers-common-compat",
    "apache-airflow-providers-standard",
    "awscrt",
    "boto3",
    "botocore",
    "moto",
    "pytest-asyncio",
    "responses",
    "s3transfer",
)
TOOLS = (
    "apache-airflow-providers-openlineage>=2.3",
    "duckdb>=1.3",
    "hypothesis>=6.140",
    "jsonschema>=4.23",
    "playwright>=1.49",
    "pytest>=8.3",
    "pytest-asyncio>=1.5",  # earlier ones leave event loops open, which fails whatever test runs when they are collected
    "pytest-timeout>=2.4",
    "pytest-xdist>=3.8",
)
SHOWN = ("apache-airflow", "boto3", "apache-airflow-providers-amazon")

# Tests of the build, the pages of the documentation and types, whose tools are not installed with those releases.
ALL = ("tests", "--ignore=tests/packaging", "--ignore=tests/typing", "--ignore=tests/docs")


def main() -> None:
    """Test each wanted release, print and keep the table, and end with an error if a test failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", choices=[*RELEASES, "all"])
    parser.add_argument("--jobs", default="auto", help="how many processes the tests run in")
    parser.add_argument("paths", nargs="*", help="which tests to run; all of them by default")
    arguments = parser.parse_args()
    names = list(RELEASES) if arguments.release == "all" else [arguments.release]
    records = json.loads(RECORDS.read_text(encoding="utf-8"))
    seen = {name: _tested(RELEASES[name], arguments.paths, arguments.jobs) for name in names}
    records |= seen
    RECORDS.write_text(json.dumps(dict(_in_order(records)), indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(table(dict(_in_order(seen))))
    if failed := [name for name, record in seen.items() if record["failed"]]:
        sys.exit(f"Tests fail with: {', '.join(failed)}.")


def table(records: dict[str, Any]) -> str:
    """Return records as a table in Markdown.

    :param records: what was seen, by the name of the release.
    """
    if not records:
        return "No release is recorded yet.\n"
    head = ("Airflow", "Python", "boto3", "Amazon provider", "Tests", "Passed", "Failed", "Skipped", "Date")
    lines = [head, tuple("---" for _ in head)]
    for name, record in records.items():
        versions = record["versions"]
        airflow = versions["apache-airflow"] + (" with the lowest versions" if name == "lowest" else "")
        counts = [f"{record[key]:,}" for key in ("passed", "failed", "skipped")]
        lines.append(
            (
                airflow,
                record["python"],
                versions["boto3"],
                versions["apache-airflow-providers-amazon"],
                record["tests"],
                *counts,
                record["date"],
            )
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def recorded() -> dict[str, Any]:
    """Return what was seen at the last run of each release."""
    records: dict[str, Any] = json.loads(RECORDS.read_text(encoding="utf-8"))
    return records


def _in_order(records: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, records[name]) for name in RELEASES if name in records)


def _tested(release: Release, paths: list[str], jobs: str) -> dict[str, Any]:
    """Return the versions that the tests ran with, and how many of them passed."""
    environment = _environment(release)
    python = environment / "bin" / "python"
    report = environment / "tests.xml"
    report.unlink(missing_ok=True)
    command = [python, "-m", "pytest", "-q", "-n", jobs, f"--junitxml={report}", *(paths or ALL)]
    _run(command, may_fail=True)
    if not report.exists():
        sys.exit(f"The tests did not start with Airflow {release.version}.")
    counts = _counts(report)
    return {
        "versions": _versions(python),
        "python": "{}.{}".format(*sys.version_info),
        "tests": ", ".join(path.removeprefix("tests/") for path in paths) or "all",
        **counts,
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
    }


def _counts(report: Path) -> dict[str, int]:
    [suite] = ET.parse(report).getroot().iter("testsuite")  # noqa: S314 - pytest wrote it just now
    tests, failures, errors, skipped = (int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped"))
    failed = failures + errors
    return {
        "passed": tests - failed - skipped,
        "failed": failed,
        "skipped": skipped,
    }


def _environment(release: Release) -> Path:
    """Make the environment of a release, or bring it up to date."""
    lowest = "-lowest" if "--resolution=lowest-direct" in release.options else ""
    environment = ROOT / ".build" / f"airflow-{release.version}{lowest}"
    python = environment / "bin" / "python"
    if not python.exists():
        _run([UV, "venv", "--quiet", "--python", sys.executable, environment])
    _run([UV, "pip", "install", "--quiet", "--python", python, *_packages(release)])
    _run([UV, "pip", "install", "--quiet", "--python", python, "--no-deps", "--editable", ROOT])
    return environment


def _packages(release: Release) -> list[str]:
    """Return what to install, as arguments of uv."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["local"], *extras["parquet"], *extras["eks"], *TOOLS]
    dated = []
    if release.packages_of:
        newer = [f"--exclude-newer-package={name}=2999-01-01" for name in NEWER]
        dated = [f"--exclude-newer={release.packages_of}", *newer]
    return [*dated, *release.options, f"apache-airflow=={release.version}", *release.also, *wanted]


def _versions(python: Path) -> dict[str, str]:
    code = f"import importlib.metadata as m, json; print(json.dumps({{name: m.version(name) for name in {SHOWN}}}))"
    printed = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True, timeout=300).stdout
    versions: dict[str, str] = json.loads(printed)
    return versions


def _run(command: list[str | Path], *, may_fail: bool = False) -> None:
    # Another index strategy would take a package from the first index that has any release of it.
    environment = {"UV_INDEX_STRATEGY": "unsafe-best-match"} | os.environ
    done = subprocess.run(command, check=False, env=environment, cwd=ROOT, timeout=_RUN_SECONDS).returncode
    if done and not may_fail:
        sys.exit(done)


if __name__ == "__main__":
    main()
