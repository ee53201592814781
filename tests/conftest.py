"""What every test gets: an Airflow of its own, a local ECR on request, and the proof that nothing changes a registry."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest

# Airflow reads these when it is imported, which is before any fixture runs.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
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
