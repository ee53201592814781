"""Fixtures for those who test their own DAGs.

In ``conftest.py``::

    pytest_plugins = ["airflow_provider_ecr_preview.local.pytest_plugin"]

In a test::

    def test_nothing_of_a_release_expires(local_ecr):
        local_ecr.create_repository("payments/api")
        local_ecr.push("payments/api", tags=["v1.0.0"], pushed_days_ago=400)
        dag.test()
        assert not local_ecr.calls.mutating
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.local.ecr import LocalEcr


OTHER_SETTINGS = ("AWS_ENDPOINT_URL_ECR", "AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN")
"""What in a developer's environment would lead elsewhere."""


@pytest.fixture(scope="session")
def local_ecr_server() -> Iterator[LocalEcr]:
    """Serve a local ECR for the whole run; every worker of pytest-xdist has its own."""
    # Here, because a run of tests that do not need it should not wait for moto.
    from airflow_provider_ecr_preview.local.ecr import LocalEcr  # noqa: PLC0415

    with LocalEcr() as ecr:
        yield ecr


@pytest.fixture
def local_ecr(local_ecr_server: LocalEcr, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalEcr]:
    """Return the local ECR, empty, and make boto3, the AWS CLI and Airflow's ``aws_default`` connection use it."""
    local_ecr_server.reset()
    for name, value in local_ecr_server.environment.items():
        monkeypatch.setenv(name, value)
    for name in OTHER_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    yield local_ecr_server
    local_ecr_server.reset()
