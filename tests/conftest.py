"""What every test gets: an Airflow of its own, a local ECR on request, and the proof that nothing changes a registry."""

from __future__ import annotations

import atexit
import fcntl
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.loaders import Loader, create_loader

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.local import LocalEcr

COUNTED = "counted"
"""Name of the property under which a test hands over what it counted, as a title and numbers by what they are of."""

# Airflow reads these when it is imported, which is before any fixture runs.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
# With a limit, Airflow would take the timer that ends a test that hangs, and not give it back.
os.environ["AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT"] = "0"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"

pytest_plugins = ["airflow_provider_ecr_preview.local.pytest_plugin"]


@pytest.fixture(autouse=True)
def _no_mutating_call(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test of the product in which a call at the wire changed an image, a policy or a repository.

    Only the clean-up is meant to, in tests that say so.
    """
    may_change = request.node.nodeid.startswith("tests/local/") or request.node.get_closest_marker("changes_registry")
    uses_ecr = "local_ecr" in request.fixturenames and not may_change
    ecr = request.getfixturevalue("local_ecr") if uses_ecr else None
    yield
    assert ecr is None or not ecr.calls.mutating


@pytest.fixture(scope="session", autouse=True)
def _models_are_read_once() -> Iterator[None]:
    """Share what botocore has read of its models: every hook has a session of its own, and parsing them took most of the time."""
    read: dict[str | None, dict[Any, Any]] = {}

    def sharing(search_path_string: str | None = None) -> Loader:
        loader = create_loader(search_path_string)
        loader._cache = read.setdefault(search_path_string, {})
        return loader

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", sharing)
        yield


@pytest.fixture(autouse=True)
def _stores_are_opened_anew() -> None:
    """Let Airflow forget the object stores that it has opened: they hold the address of a local ECR that may have moved since."""
    if store := sys.modules.get("airflow.sdk.io.store"):
        store._STORE_CACHE.clear()


@pytest.fixture(autouse=True)
def _loggers_are_on() -> None:
    """Switch the loggers of the package on: a library that configures logging switches off those that exist already."""
    for name, logger in logging.root.manager.loggerDict.items():
        if name.startswith("airflow_provider_ecr_preview") and isinstance(logger, logging.Logger):
            logger.disabled = False


@pytest.fixture(autouse=True)
def _soon_visited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let audits visit their previews soon: the local ECR completes them immediately, and tests should not wait."""
    monkeypatch.setattr("airflow_provider_ecr_preview.engine.fleet.run.FIRST_VISIT_SECONDS", 0.05)


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of an Airflow in which nothing has run, to be copied; making its database takes seconds.

    All workers of one run share it: the folder above theirs is the run's.
    """
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    shared = tmp_path_factory.getbasetemp().parent if is_worker else tmp_path_factory.getbasetemp()
    home = shared / "new-home"
    with (shared / "new-home.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            made = tmp_path_factory.mktemp("new-home")
            environment = {**os.environ, "AIRFLOW_HOME": str(made), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
            migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
            subprocess.run(migrate, env=environment, check=True, capture_output=True, timeout=300)
            made.rename(home)
    return home


@pytest.fixture
def fresh_trigger_hooks() -> Iterator[None]:
    """Keep the hooks that the triggers share from this test to itself: they hold clients of its local ECR."""
    from airflow_provider_ecr_preview.triggers import _polls  # noqa: PLC0415  # it loads Airflow, which few tests need

    _polls._HOOKS.clear()
    yield
    _polls._HOOKS.clear()


@pytest.fixture
def repository(local_ecr: LocalEcr) -> LocalEcr:
    """Return a local ECR whose repository ``payments/api`` has 20 images."""
    local_ecr.create_repository("payments/api")
    local_ecr.push_many("payments/api", 20)
    return local_ecr


@pytest.fixture
def counted(request: pytest.FixtureRequest) -> Callable[[str, Mapping[str, int]], None]:
    """Return what takes numbers under a title; those of all tests are added up and printed at the end of the run."""

    def count(title: str, numbers: Mapping[str, int]) -> None:
        request.node.user_properties.append((COUNTED, [title, dict(numbers)]))

    return count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests counted."""
    totals: dict[str, Counter[str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) != "call":
                continue
            for title, numbers in (value for name, value in report.user_properties if name == COUNTED):
                totals.setdefault(title, Counter()).update(numbers)
    for title, numbers in sorted(totals.items()):
        terminalreporter.section(title)
        for what, number in numbers.items():
            terminalreporter.write_line(f"{number:>10,}  {what}")
