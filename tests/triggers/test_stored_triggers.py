"""What Airflow stores of a trigger, a class path and its arguments, builds the same trigger in a newer version."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

CONNECTION: dict[str, Any] = {
    "aws_conn_id": "aws_other",
    "region_name": "eu-west-1",
    "verify": "/etc/ssl/own.pem",
    "botocore_config": {"read_timeout": 7},
}
STORED: dict[str, dict[str, Any]] = {
    "ecr_preview.EcrLifecyclePolicyPreviewTrigger": {
        "repository_name": "payments/api",
        "deadline": 1_800_000_000.25,
        "registry_id": "210987654321",
        "policy_fingerprint": "f" * 64,
        "until_complete": False,
        "poll_interval": 7.5,
        "outage_timeout": 90.0,
        "has_answered": True,
    },
    "ecr_audit.EcrLifecyclePolicyPreviewsTrigger": {
        "repository_names": ["payments/api", "web/shop"],
        "deadline": 1_800_000_000.25,
        "registry_id": "210987654321",
        "poll_interval": 7.5,
        "outage_timeout": 90.0,
        "carried": {"started": ["payments/api"]},
    },
    "policy_events.EcrLifecyclePolicyEventTrigger": {
        "queue_url": "https://sqs.eu-west-1.amazonaws.com/210987654321/changes",
        "wait_seconds": 3,
    },
}


@pytest.mark.parametrize("path", STORED)
def test_a_stored_trigger_is_built_again_and_stored_the_same(path: str) -> None:
    stored_path = f"airflow_provider_ecr_preview.triggers.{path}"
    arguments = STORED[path] | CONNECTION
    module, _, name = stored_path.rpartition(".")
    trigger = getattr(importlib.import_module(module), name)(**arguments)
    assert trigger.serialize() == (stored_path, arguments)
    assert list(trigger.serialize()[1]) == list(arguments)
