"""What changes something is sent once and at once, whatever the configuration says about retries."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_ecr_preview.aws.acting import CONNECT_TIMEOUT, HeldUpError, code_of, fate_of, send_at_once
from airflow_provider_ecr_preview.core.exceptions import MalformedResponseError, RepositoryError
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.hooks.ecr_cleanup import EcrImageCleanupHook
from airflow_provider_ecr_preview.local import (
    AccessDenied,
    Call,
    ConnectionReset,
    Fault,
    LocalEcr,
    LostReply,
    Registry,
    malformed,
    server_error,
    throttled,
)
from tests.support.policies import keep

pytestmark = pytest.mark.changes_registry

REPOSITORY = "payments/api"
POLICY = keep(9)
CONFIGS: tuple[Any, ...] = (
    None,
    {"retries": {"mode": "legacy", "max_attempts": 8}},
    {"retries": {"mode": "standard", "total_max_attempts": 8}},
    {"retries": {"mode": "adaptive", "max_attempts": 8}},
)


@dataclass(frozen=True)
class Redirected(Fault):
    """Something on the way answers with a redirect to the same place."""

    endpoint_url: str

    def before(self, call: Call, registry: Registry) -> Any:
        from airflow_provider_ecr_preview.local.reply import Reply  # noqa: PLC0415

        return Reply(307, b"", {"Location": f"{self.endpoint_url}/"}, "Redirected")


@pytest.fixture
def digest(local_ecr: LocalEcr) -> str:
    local_ecr.create_repository(REPOSITORY, policy=POLICY)
    digest: str = local_ecr.push(REPOSITORY, tags=["v1"], pushed_days_ago=40)
    return digest


def calls_of(hook: EcrImageCleanupHook, digest: str) -> dict[str, Callable[[], object]]:
    """Return every call that changes something, and those right before one, by the operation."""
    return {
        "BatchDeleteImage": lambda: hook.delete_images(REPOSITORY, [digest]),
        "UpdateImageStorageClass": lambda: hook.archive_image(REPOSITORY, digest),
        "PutLifecyclePolicy": lambda: hook.put_lifecycle_policy(REPOSITORY, LifecyclePolicy.parse(POLICY)),
        "DeleteLifecyclePolicy": lambda: hook.delete_lifecycle_policy(REPOSITORY),
        "DescribeImages": lambda: hook.describe_images(REPOSITORY, [digest]),
        "GetLifecyclePolicy": lambda: hook.look_at_lifecycle_policy(REPOSITORY),
    }


@pytest.mark.parametrize("config", CONFIGS, ids=["default", "legacy", "standard", "adaptive"])
def test_one_call_is_sent_whatever_happens_to_it_and_nothing_waits(
    local_ecr: LocalEcr, digest: str, monkeypatch: pytest.MonkeyPatch, config: Any
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    hook = EcrImageCleanupHook(config=config)
    faults: dict[Fault, str] = {throttled(): "not_done", server_error(): "lost", ConnectionReset(): "lost"}
    if config is None:
        faults |= {
            throttled("ThrottleException", 429): "not_done",
            throttled("ServiceUnavailable", 503): "lost",
            throttled("RequestTimeout"): "lost",
            Redirected(local_ecr.endpoint_url): "lost",
            AccessDenied(): "refused",
            throttled("ValidationException"): "refused",
        }
    for operation, call in calls_of(hook, digest).items():
        for fault, fate in faults.items():
            local_ecr.calls.clear()
            with local_ecr.inject(fault, operation, calls=None):
                if operation == "UpdateImageStorageClass" and fate == "refused" and "Validation" in str(fault):
                    assert call() is not None
                else:
                    with pytest.raises(RepositoryError) as raised:
                        call()
                    assert fate_of(raised.value) == fate, (operation, fault, raised.value)
            assert [made.operation for made in local_ecr.calls] == [operation], (operation, fault)
    assert waits == []


def test_a_call_whose_reply_is_lost_is_not_sent_again(local_ecr: LocalEcr, digest: str) -> None:
    hook = EcrImageCleanupHook()
    for operation in ("PutLifecyclePolicy", "DeleteLifecyclePolicy", "UpdateImageStorageClass", "BatchDeleteImage"):
        local_ecr.calls.clear()
        with local_ecr.inject(LostReply(), operation, calls=None), pytest.raises(RepositoryError) as raised:
            calls_of(hook, digest)[operation]()
        assert fate_of(raised.value) == "lost"
        assert local_ecr.calls.count(operation) == 1
    assert local_ecr.repository(REPOSITORY).local_images == []
    assert local_ecr.repository(REPOSITORY).lifecycle_policy is None


def test_a_call_that_was_held_up_before_it_is_sent_is_not_sent(local_ecr: LocalEcr, digest: str) -> None:
    hook = EcrImageCleanupHook()
    now = [0.0]
    hook._acting = local_ecr.client()
    send_at_once(hook._acting, lambda: now[0])

    def renew_credentials(**_: object) -> None:
        now[0] += 30

    hook._acting.meta.events.register("before-sign.ecr", renew_credentials)
    for operation, call in calls_of(hook, digest).items():
        with pytest.raises(RepositoryError, match="held up for 30") as raised:
            call()
        assert isinstance(raised.value.__cause__, HeldUpError)
        assert (fate_of(raised.value), code_of(raised.value)) == ("not_done", "RepositoryError")
        assert not local_ecr.calls.of(operation)
    assert not local_ecr.calls.mutating


def test_a_connection_is_not_waited_for_as_long_as_the_sdk_does_unless_the_user_says_so(
    local_ecr: LocalEcr,
) -> None:
    assert EcrImageCleanupHook()._acting.meta.config.connect_timeout == CONNECT_TIMEOUT
    hook = EcrImageCleanupHook(config={"connect_timeout": 33, "read_timeout": 44})
    assert (hook._acting.meta.config.connect_timeout, hook._acting.meta.config.read_timeout) == (33, 44)


def test_images_that_are_there_are_described_by_one_answer_however_many_others_are_gone(local_ecr: LocalEcr) -> None:
    local_ecr.create_repository(REPOSITORY)
    local_ecr.push_many(REPOSITORY, 120)
    there = [image.get_image_digest() for image in local_ecr.repository(REPOSITORY).local_images]
    gone = [f"sha256:{number:064x}" for number in range(7)]
    asked = [*there[:60], *gone[:5], *there[60:], *gone[5:]]
    images = EcrImageCleanupHook().describe_images(REPOSITORY, asked)
    assert [image.image_digest for image in images] == there
    calls = [len(call.parameters["imageIds"]) for call in local_ecr.calls.of("DescribeImages", outcome="OK")]
    assert {95, 25} <= set(calls)
    assert EcrImageCleanupHook().describe_images(REPOSITORY, gone) == []


@pytest.mark.parametrize("kind", ["null items", "wrong types"])
def test_a_malformed_response_to_a_deletion_is_a_named_error(local_ecr: LocalEcr, kind: str) -> None:
    local_ecr.create_repository(REPOSITORY)
    digest = local_ecr.push(REPOSITORY, tags=["v1"])
    local_ecr.inject(malformed(kind), "BatchDeleteImage")
    with pytest.raises(MalformedResponseError):
        EcrImageCleanupHook(region_name="us-east-1").delete_images(REPOSITORY, [digest])
