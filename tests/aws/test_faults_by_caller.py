"""Every fault, at every operation that a caller makes: it ends right, or with a named error, within its bound.

Time moves only where code waits, so hours of retries take none. ``python -m pytest -m "" -s tests/aws/test_faults_by_caller.py``
prints the table.
"""

from __future__ import annotations

import json
import logging
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.core.exceptions import EcrPreviewError
from airflow_provider_ecr_preview.iam import IAM_ACTIONS
from airflow_provider_ecr_preview.local import (
    Call,
    ConnectionReset,
    DriftingTotal,
    Fault,
    Hang,
    HtmlPage,
    LocalEcr,
    LostReply,
    PageTokenExpires,
    PreviewReplaced,
    RateLimit,
    Refused,
    Registry,
    SlowDrip,
    TruncatedBody,
    expired_credentials,
    malformed,
    server_error,
    service_unavailable,
    throttled,
    wrong_status,
    wrong_summary,
)
from airflow_provider_ecr_preview.local.transport_faults import MALFORMED
from airflow_provider_ecr_preview.operators import ecr_reconcile
from airflow_provider_ecr_preview.triggers import _polls
from tests.aws import cheap_runs, virtual_time
from tests.aws.callers import CALLERS, WAIT, World, policy
from tests.aws.virtual_time import VirtualTime

pytestmark = pytest.mark.changes_registry

READ_TIMEOUT = 15.0

CALL = 120.0
"""How long the hook tries one call."""

BOUNDS = {
    "hook": CALL,
    "sensor": CALL,
    # The deadline of the trigger.
    "trigger": WAIT,
    # With one worker, three repositories in turn take repository_timeout each if every start is throttled for good.
    "audit": 3 * WAIT,
    # Two policies on two repositories, in the same way.
    "compare": 2 * 2 * WAIT,
    # Two repositories in turn.
    "list": 2 * CALL,
    "recommend": 2 * WAIT,
    # Two repositories in turn; what could not be read blocks, and a call that changes something is not repeated for longer.
    "clean-up": 2 * CALL,
    "archive": 2 * CALL,
    "put": 2 * CALL,
    "restore": 2 * CALL,
    # The SDK's ten attempts at one look-up, and its pauses.
    "reconcile": 10 * READ_TIMEOUT + 60.0,
}
"""Seconds that a caller may wait in all, besides two attempts that run until their timeout."""

PREVIEW = "GetLifecyclePolicyPreview"

FAULTS: dict[str, Callable[[], Fault]] = {
    "hang": Hang,
    "slow drip": SlowDrip,
    "reset": ConnectionReset,
    "lost reply": LostReply,
    "truncated": TruncatedBody,
    "500": server_error,
    "503": service_unavailable,
    "503 as HTML": HtmlPage,
    "200 as HTML": lambda: HtmlPage(200),
    "throttled": throttled,
    "rate, own": lambda: RateLimit(1.0),
    "expired token": PageTokenExpires,
    "expired credentials": expired_credentials,
    "denied": lambda: Refused("AccessDeniedException"),
    **{f"malformed: {kind}": lambda kind=kind: malformed(kind) for kind in MALFORMED},  # type: ignore[misc]
}
OF_PREVIEWS: dict[str, Callable[[], Fault]] = {
    "drifting totals": DriftingTotal,
    "replaced": lambda: PreviewReplaced(policy(1)),
    "replaced, token lives": lambda: PreviewReplaced(policy(1), tokens_survive=True),
    "wrong status": lambda: wrong_status("FAILED"),
    "wrong summary": wrong_summary,
}
NOT_IN_THIS_TABLE = {"EcrCollectImagesInUseOperator", "EcrLifecyclePolicyEventTrigger"}
"""Neither calls ECR: tests/sources and tests/triggers have their faults."""

_NEEDS_EXCLUSION = (
    "read_manifests needs a role in ECR's exclusions: tests/operators/test_read_manifests.py has its faults"
)
NOT_CALLED = {
    ("EcrSummarizeLifecyclePolicyPreviewOperator", "ListPullTimeUpdateExclusions"): _NEEDS_EXCLUSION,
    ("EcrAuditLifecyclePoliciesOperator", "ListPullTimeUpdateExclusions"): _NEEDS_EXCLUSION,
    ("EcrAuditLifecyclePoliciesOperator", "BatchGetImage"): _NEEDS_EXCLUSION,
    (
        "EcrReconcileLifecycleOperator",
        "DescribeImages",
    ): "only to settle a clean-up: tests/operators/cleanup/test_settlement.py",
}
"""The actions of the IAM data that no caller of the operator makes in this table, each with the reason."""

PAIRS = [(caller, operation) for caller, of in CALLERS.items() for operation in of.operations]


def test_every_operator_and_operation_of_the_iam_data_is_in_the_table() -> None:
    named = {(operator, action) for operator, actions in IAM_ACTIONS.items() for action in actions}
    covered = {
        (operator, action)
        for caller, operation in PAIRS
        for operator in CALLERS[caller].operators
        for action in IAM_ACTIONS[operator]
        if action.partition(":")[2] == operation
    }
    assert {pair for pair in named - covered if pair[0] not in NOT_IN_THIS_TABLE} == set()


def test_every_action_of_the_iam_data_is_called_or_has_a_reason(world: World, clock: VirtualTime) -> None:
    listed = {(name, operation) for of in CALLERS.values() for name in of.operators for operation in _operations(name)}
    made = {
        (name, operation)
        for caller, of in CALLERS.items()
        for name in of.operators
        for operation in _made(world, caller)[1] & _operations(name)
    }
    assert listed - made == {*NOT_CALLED}


def _operations(operator: str) -> set[str]:
    return {action.partition(":")[2] for action in IAM_ACTIONS[operator]}


class Counting(Fault):
    """Counts calls, and changes nothing."""

    count = 0

    def before(self, call: Call, registry: Registry) -> None:
        self.count += 1


class Timed(Fault):
    """A fault whose waits move the clock of the test."""

    def __init__(self, fault: Fault, clock: VirtualTime) -> None:
        self._fault, self._clock = fault, clock

    def before(self, call: Call, registry: Registry) -> Any:
        reply = self._fault.before(call, registry)
        return reply if reply is None else self._waited(reply)

    def after(self, call: Call, registry: Registry, reply: Any) -> Any:
        return self._waited(self._fault.after(call, registry, reply))

    def _waited(self, reply: Any) -> Any:
        if reply.hangs_for or reply.drips_every:
            self._clock.advance(READ_TIMEOUT)
        return reply


@pytest.fixture(scope="module")
def clock() -> Iterator[VirtualTime]:
    with pytest.MonkeyPatch.context() as patch:
        yield virtual_time.install(patch)


@pytest.fixture(scope="module")
def world(clock: VirtualTime, local_ecr_server: LocalEcr, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    local_ecr_server.stop()
    _polls._HOOKS.clear()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "AIRFLOW_CONN_AWS"))]:
            patch.delenv(name)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setattr(logging.root.manager, "disable", logging.CRITICAL)
        with LocalEcr(port=None) as ecr:
            cheap_runs.install(patch, ecr)
            world = World(ecr, tmp_path_factory.mktemp("faults"))
            patch.setattr(ecr_reconcile, "EcrLifecyclePolicyPreviewHook", lambda **_: world.hook)
            yield world
    _polls._HOOKS.clear()
    local_ecr_server.start()


def _prepare(world: World, caller: str) -> None:
    world.make()
    CALLERS[caller].prepare(world)
    world.cut_pages()


def _ended(world: World, caller: str) -> str:
    """Return the result as a text, or the names of its errors."""
    try:
        value = CALLERS[caller].run(world)
    except EcrPreviewError as error:
        value = {"error": type(error).__name__, "message": str(error)}
    if not isinstance(value, dict) or "error" not in value:
        return json.dumps(value, sort_keys=True)
    assert str(value["message"]).strip()
    assert "at None" not in str(value["message"])
    return f"-> {value['error']}"


def _made(world: World, caller: str) -> tuple[str, set[str]]:
    """Return the result of a caller without faults, and the operations that it calls."""
    if caller not in world.without_faults:
        _prepare(world, caller)
        world.ecr.calls.clear()
        with world.ecr.inject(counting := Counting(), "LookupEvents", calls=None):
            expected = _ended(world, caller)
        assert "->" not in expected, expected
        made = {*world.ecr.calls.operations}
        # Calls of other services are not logged in this process.
        made |= {"LookupEvents"} if counting.count else set()
        assert made <= {*CALLERS[caller].operations}, "the IAM data lacks an action"
        world.without_faults[caller] = expected, made
    return world.without_faults[caller]


def _check(
    world: World, clock: VirtualTime, caller: str, operation: str, chosen: dict[str, Callable[[], Fault]]
) -> None:
    expected, made = _made(world, caller)
    if operation not in made:
        print(f"{caller:9} {operation:27} not called with these parameters")  # noqa: T201 - the table
        return
    wrong = []
    for name, make in chosen.items():
        for calls in (1, None):
            random.seed(7)
            _prepare(world, caller)
            began = clock.waited
            with world.ecr.inject(Timed(make(), clock), operation, calls=calls) as injection:
                try:
                    ended = _ended(world, caller)
                except Exception as error:  # noqa: BLE001 - the table shows them all
                    ended = f"UNNAMED {type(error).__name__}: {error}"
            waited = clock.waited - began
            how_often = "once" if calls else "always"
            is_named = ended.startswith("-> ") and all(
                hasattr(exceptions, error) or error == "unknown" for error in ended[3:].split(", ")
            )
            result = "right" if ended == expected else ended
            if not injection.hits or waited > BOUNDS[caller] + 2 * READ_TIMEOUT or (ended != expected and not is_named):
                result = f"WRONG {result}"
                wrong.append((name, how_often, result, waited))
            print(f"{caller:9} {operation:27} {name:28} {how_often:6} {waited:7.1f} s  {result}")  # noqa: T201 - as above
    assert not wrong


def _faults_of(operation: str) -> dict[str, Callable[[], Fault]]:
    if operation == "DescribeRepositories":
        # A listing of other repositories is a listing, too.
        return {name: make for name, make in FAULTS.items() if name != "malformed: other repository"}
    return {**FAULTS, **OF_PREVIEWS} if operation == PREVIEW else FAULTS


@pytest.mark.nightly
@pytest.mark.parametrize(("caller", "operation"), PAIRS)
def test_a_fault_ends_right_or_with_a_named_error(
    world: World, clock: VirtualTime, caller: str, operation: str
) -> None:
    _check(world, clock, caller, operation, _faults_of(operation))


@pytest.mark.parametrize("caller", ["sensor", "trigger", "compare", "clean-up", "reconcile"])
def test_a_sample_of_faults_ends_right_or_with_a_named_error(world: World, clock: VirtualTime, caller: str) -> None:
    operation = "DescribeImages" if caller in ("clean-up", "reconcile") else PREVIEW
    _check(world, clock, caller, operation, {name: FAULTS[name] for name in ("hang", "503", "malformed: nulls")})


class DownUntil(Fault):
    """Fails every call until a time."""

    def __init__(self, clock: VirtualTime, until: float) -> None:
        self._clock, self._until = clock, until
        self._fault = service_unavailable()

    def before(self, call: Call, registry: Registry) -> Any:
        return self._fault.before(call, registry) if self._clock.waited < self._until else None


@pytest.mark.parametrize(
    "caller", ["hook", "sensor", "audit", "compare", "list", "recommend", "clean-up", "archive", "put", "restore"]
)
def test_an_outage_of_minutes_is_waited_for(world: World, clock: VirtualTime, caller: str) -> None:
    expected, _ = _made(world, caller)
    _prepare(world, caller)
    world.hook.outage_timeout = OUTAGE_SECONDS
    began = clock.waited
    with world.ecr.inject(DownUntil(clock, began + 200.0), calls=None):
        assert _ended(world, caller) == expected
    assert 200.0 <= clock.waited - began <= 250.0
