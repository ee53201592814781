"""Fixtures for the tests of the local ECR: no other one in the process, and a check of every reply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_ecr_preview.local import Call, LocalEcr
from airflow_provider_ecr_preview.local.pytest_plugin import OTHER_SETTINGS
from airflow_provider_ecr_preview.local.reply import Reply
from airflow_provider_ecr_preview.local.wire import Wire
from tests.support.response_shapes import wrong_reply


@pytest.fixture
def no_local_ecr(local_ecr_server: LocalEcr, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stop the one of the run meanwhile, because only one can run in a process."""
    for name in ("AWS_ENDPOINT_URL", *OTHER_SETTINGS):
        monkeypatch.delenv(name, raising=False)
    local_ecr_server.stop()
    yield
    local_ecr_server.start()


@pytest.fixture(autouse=True)
def replies(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """Check every reply of every test here against botocore's model, and return operations with their outcomes."""
    seen: list[tuple[str, str]] = []
    wrong: list[str] = []
    run = Wire._run

    def checked(wire: Wire, call: Call, *arguments: Any) -> Reply:
        reply = run(wire, call, *arguments)
        seen.append((call.operation, reply.outcome))
        wrong.extend(wrong_reply(call.operation, reply.status, reply.body, reply.outcome))
        return reply

    monkeypatch.setattr(Wire, "_run", checked)
    yield seen
    assert not wrong
