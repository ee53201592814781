"""Leave out of thousands of runs what none of them is about: tables for people, and the way of a request through moto."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.useragent import UserAgentString
from rich.console import Console

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.wire import TARGET_PREFIX


def install(patch: pytest.MonkeyPatch, ecr: LocalEcr) -> None:
    """Let requests to ECR reach a local ECR in this process directly, and print no table.

    :param patch: undoes it.
    :param ecr: the local ECR, which has no server.
    """
    from moto.core.botocore_stubber import BotocoreStubber  # it takes long to import

    by_way_of_moto = BotocoreStubber.process_request

    def directly(stubber: BotocoreStubber, request: Any) -> Any:
        headers = {name: _text(value) for name, value in request.headers.items()}
        if not headers.get("X-Amz-Target", "").startswith(TARGET_PREFIX):
            return by_way_of_moto(stubber, request)
        return ecr._answer_in_process(SimpleNamespace(headers=headers, data=request.body), request.url, None)  # type: ignore[arg-type]

    patch.setattr(BotocoreStubber, "process_request", directly)
    patch.setattr(UserAgentString, "to_string", lambda _: "test")
    patch.setattr(Console, "print", lambda *_, **__: None)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
