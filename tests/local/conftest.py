"""A room for tests that start a local ECR of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.pytest_plugin import OTHER_SETTINGS


@pytest.fixture
def no_local_ecr(local_ecr_server: LocalEcr, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stop the one of the run meanwhile, because only one can run in a process."""
    for name in ("AWS_ENDPOINT_URL", *OTHER_SETTINGS):
        monkeypatch.delenv(name, raising=False)
    local_ecr_server.stop()
    yield
    local_ecr_server.start()
