"""Every fault, at every operation that a caller may call by its IAM actions: it ends right, or with a named error.

The clean-up, putting a policy and restoring one have a table of their own, in which every single call fails
(tests/operators/cleanup/test_faults_at_every_call.py). Calls that hang are tried by a clock that moves only in the test
(test_retries.py), and in the triggerer (tests/triggers/test_polls.py).

``python -m pytest -m nightly -s tests/aws/test_faults_by_caller.py`` prints the table.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest

from airflow_provider_ecr_preview.core.exceptions import EcrPreviewError
from airflow_provider_ecr_preview.engine.fleet.run import PreviewFleet
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.iam import IAM_ACTIONS
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.faults import (
    Altered,
    ConnectionReset,
    Fault,
    LostReply,
    Refused,
    TruncatedBody,
    server_error,
    throttled,
)
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_compare import EcrCompareLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_repositories import EcrListRepositoriesOperator
from airflow_provider_ecr_preview.sensors.ecr_preview import EcrLifecyclePolicyPreviewSensor
from airflow_provider_ecr_preview.triggers import _polls, ecr_preview
from airflow_provider_ecr_preview.triggers.ecr_preview import EcrLifecyclePolicyPreviewTrigger

NAMES = ["team/a", "team/b"]
SECONDS = 0.3
BOUND = 60.0
"""Seconds that a combination may take at most, on the slowest machine; each takes less than one by its timeouts."""


def policy(count: int) -> dict[str, Any]:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}
    return {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}


FAULTS: dict[str, Callable[[], Fault]] = {
    "reset": ConnectionReset,
    "lost reply": LostReply,
    "truncated": TruncatedBody,
    "500": server_error,
    "503": lambda: Refused("ServiceUnavailable", status=503),
    "throttled": throttled,
    "expired token": lambda: Refused("ExpiredTokenException"),
    "denied": lambda: Refused("AccessDeniedException"),
    "null reply": lambda: Altered(lambda response: response.update(dict.fromkeys(response))),
    "another repository": lambda: Altered(lambda response: response.update(repositoryName="somebody/else")),
}


def _context() -> Any:
    ti = mock.Mock(spec=["xcom_push", "try_number", "map_index", "task", "start_date", "run_id"])
    ti.try_number, ti.map_index, ti.task.outlets, ti.run_id = 1, -1, [], "run"
    return {"ti": ti}


def _hook(_: LocalEcr) -> Any:
    hook = EcrLifecyclePolicyPreviewHook()
    started = hook.start_preview(NAMES[0], None, timeout=SECONDS, poll_interval=0.01)
    hook.wait_for_preview(NAMES[0], policy_fingerprint=started.policy.fingerprint, timeout=SECONDS)
    images = len(list(hook.iter_repository_images(NAMES[0])))
    replication = hook.get_registry_replication()
    return hook.summarize_preview(NAMES[0]).expiring_image_count, images, len(replication.deletion_rules)


def _sensor(_: LocalEcr) -> Any:
    task = EcrLifecyclePolicyPreviewSensor(task_id="wait", repository_name=NAMES[0], poke_interval=0.01, timeout=5)
    return task.poke(_context()).is_done


def _trigger(_: LocalEcr) -> Any:
    trigger = EcrLifecyclePolicyPreviewTrigger(
        repository_name=NAMES[0], deadline=time.time() + SECONDS, poll_interval=0.01
    )

    async def first() -> Any:
        return [event.payload async for event in trigger.run()]

    [event] = asyncio.run(first())
    return event["status"] if event["error"] is None else f"-> {event['error']}"


def _audit(_: LocalEcr) -> Any:
    task = EcrAuditLifecyclePoliciesOperator(
        task_id="audit", repository_names=NAMES, fail_on="none", repository_timeout=5.0, max_workers=2
    )
    value = task.execute(_context())
    errors = sorted({failed["error"] for failed in value["failed"]})
    return f"-> {', '.join(errors)}" if errors else value["expiring_image_count"]


def _compare(_: LocalEcr) -> Any:
    task = EcrCompareLifecyclePoliciesOperator(
        task_id="compare", repository_names=NAMES, lifecycle_policy_text=policy(2), fail_on_finding=None
    )
    value = task.execute(_context())
    return [compared["expiring_image_count"] for compared in value["policies"]]


def _list(_: LocalEcr) -> Any:
    return EcrListRepositoriesOperator(task_id="list", with_policy=True, tags={}).execute(_context())


@dataclass(frozen=True)
class Caller:
    run: Callable[[LocalEcr], Any]
    operators: tuple[str, ...]

    @property
    def operations(self) -> list[str]:
        """The operations of ECR that the IAM data allows the caller."""
        actions = {action for operator in self.operators for action in IAM_ACTIONS[operator]}
        return sorted(action.removeprefix("ecr:") for action in actions if action.startswith("ecr:"))


CALLERS = {
    "hook": Caller(_hook, ("EcrStartLifecyclePolicyPreviewOperator", "EcrSummarizeLifecyclePolicyPreviewOperator")),
    "sensor": Caller(_sensor, ("EcrLifecyclePolicyPreviewSensor",)),
    "trigger": Caller(_trigger, ("EcrLifecyclePolicyPreviewSensor",)),
    "audit": Caller(_audit, ("EcrAuditLifecyclePoliciesOperator",)),
    "compare": Caller(_compare, ("EcrCompareLifecyclePoliciesOperator",)),
    "list": Caller(_list, ("EcrListRepositoriesOperator",)),
}
COMBINATIONS = [(caller, operation) for caller, of in CALLERS.items() for operation in of.operations]


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    create = EcrLifecyclePolicyPreviewHook.__init__

    def patient_for_a_moment(hook: EcrLifecyclePolicyPreviewHook, **kwargs: Any) -> None:
        create(hook, **{"throttle_timeout": SECONDS, "outage_timeout": SECONDS, **kwargs})

    monkeypatch.setattr(EcrLifecyclePolicyPreviewHook, "__init__", patient_for_a_moment)
    monkeypatch.setitem(PreviewFleet.__init__.__kwdefaults__, "outage_timeout", SECONDS)  # type: ignore[misc]
    monkeypatch.setattr(ecr_preview, "OUTAGE_SECONDS", SECONDS)
    _polls._HOOKS.clear()
    yield
    _polls._HOOKS.clear()


def _ended(run: Callable[[LocalEcr], Any], ecr: LocalEcr) -> str:
    """Return the result as a text, or the name of the error."""
    try:
        return json.dumps(run(ecr))
    except EcrPreviewError as error:
        named = error
    assert str(named).strip()
    assert "None" not in str(named)
    return f'"-> {type(named).__name__}"'


def _seed(ecr: LocalEcr) -> None:
    for name in NAMES:
        ecr.create_repository(name, policy=policy(3))
        ecr.push_many(name, 5)
        EcrLifecyclePolicyPreviewHook(region_name="us-east-1").start_preview(name)


def _check(ecr: LocalEcr, caller_name: str, operation: str, faults: dict[str, Callable[[], Fault]]) -> None:
    caller = CALLERS[caller_name]
    _seed(ecr)
    ecr.calls.clear()
    expected = _ended(caller.run, ecr)
    assert "->" not in expected
    assert {*ecr.calls.operations} <= {*caller.operations}, "the IAM data lacks an action"
    if not ecr.calls.count(operation):
        print(f"{caller_name:8} {operation:28} not called with these parameters")  # noqa: T201 - the table
        return
    for name, make in faults.items():
        for calls in (1, None):
            _polls._HOOKS.clear()
            began = time.monotonic()
            with ecr.inject(make(), operation, calls=calls) as injection:
                ended = _ended(caller.run, ecr)
            assert injection.hits
            assert time.monotonic() - began < BOUND
            assert ended == expected or "->" in ended, (caller_name, operation, name, ended)
            how_often = "once" if calls else "always"
            result = "right" if ended == expected else ended
            print(f"{caller_name:8} {operation:28} {name:20} {how_often:6} {result}")  # noqa: T201 - the table


@pytest.mark.nightly
@pytest.mark.parametrize(("caller", "operation"), COMBINATIONS)
def test_a_fault_ends_right_or_with_a_named_error(local_ecr: LocalEcr, caller: str, operation: str) -> None:
    _check(local_ecr, caller, operation, FAULTS)


@pytest.mark.parametrize("caller", ["sensor", "trigger"])
def test_an_outage_ends_right_or_with_a_named_error(local_ecr: LocalEcr, caller: str) -> None:
    chosen = {name: FAULTS[name] for name in ("reset", "503")}
    _check(local_ecr, caller, "GetLifecyclePolicyPreview", chosen)
