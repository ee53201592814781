"""A fleet in which repositories fail in every way that is documented: each is named with its reason, none is lost."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.engine.fleet.progress import FleetProgress
from airflow_provider_ecr_preview.engine.fleet.run import PreviewFleet, PreviewTarget
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.local import (
    Altered,
    ConnectionReset,
    LocalEcr,
    LostReply,
    PreviewExpires,
    PreviewFails,
    PreviewReplaced,
    Refused,
    TruncatedBody,
    server_error,
    throttled,
    wrong_status,
    wrong_summary,
)
from tests.support.policies import keep

START, GET, DESCRIBE = "StartLifecyclePolicyPreview", "GetLifecyclePolicyPreview", "DescribeImages"


@dataclass(frozen=True)
class Way:
    """A way to fail: what provokes it for a repository, and what the audit has to say of it."""

    name: str
    provoke: Callable[[LocalEcr, str], object]
    error: str
    message: str


def way(name: str, fault: Any, operation: str | None, error: str, message: str) -> Way:
    return Way(name, lambda ecr, repository: ecr.inject(fault, operation, repository, calls=None), error, message)


def refused(code: str, operation: str, error: str, message: str) -> Way:
    return way(f"{operation}-{code}", Refused(code, "what ECR says"), operation, error, message)


WAYS = [
    *(refused("RepositoryNotFoundException", operation, "RepositoryNotFoundError", "no such repository") for operation in (START, GET, DESCRIBE)),
    *(refused("InvalidParameterException", operation, "InvalidRequestError", "what ECR says") for operation in (START, GET, DESCRIBE)),
    *(refused("ValidationException", operation, "InvalidRequestError", "what ECR says") for operation in (START, GET)),
    refused("LifecyclePolicyPreviewNotFoundException", GET, "PreviewNotFoundError", "Start one first"),
    *(
        Way(f"{operation}-denied", lambda ecr, name, operation=operation: ecr.deny(f"ecr:{operation}", name), "AccessDeniedError", f"may not ecr:{operation}")  # type: ignore[misc]  # a default for the loop's value
        for operation in (START, GET, DESCRIBE)
    ),
    refused("ExpiredTokenException", START, "CredentialsRefusedError", "refuses the credentials"),
    refused("UnrecognizedClientException", GET, "CredentialsRefusedError", "refuses the credentials"),
    *(way(f"{operation}-500", server_error(), operation, "EcrOutageError", "Nothing is wrong with the request") for operation in (START, GET, DESCRIBE)),
    *(way(f"{operation}-reset", ConnectionReset(), operation, "EcrOutageError", "broke") for operation in (START, GET)),
    way("cut-off", TruncatedBody(), GET, "MalformedResponseError", "cut off"),
    way("failed", PreviewFails(), None, "PreviewFailedError", "FAILED"),
    way("expired", PreviewExpires(), None, "PreviewExpiredError", "has expired"),
    way("never-ends", wrong_status("IN_PROGRESS"), None, "PreviewTimeoutError", "still IN_PROGRESS"),
    way("status-unknown", wrong_status("PAUSED"), None, "PreviewTimeoutError", "still PAUSED"),
    way("replaced", PreviewReplaced(keep(1)), START, "PreviewReplacedError", "another"),
    way("does-not-add-up", wrong_summary(), None, "PreviewInconsistentError", "summary says 4"),
    way("not-a-preview", Altered(lambda answer: answer.pop("status")), GET, "MalformedResponseError", "cut off"),
]  # fmt: skip


def fleet(**settings: Any) -> PreviewFleet:
    return PreviewFleet(hook=EcrLifecyclePolicyPreviewHook(), **settings)


def outcomes_of(fleet: PreviewFleet, names: list[str]) -> dict[str, RepositoryOutcome]:
    outcomes = list(fleet.audit(map(PreviewTarget, names)))
    assert len(outcomes) == len(names)
    return {outcome.repository_name: outcome for outcome in outcomes}


def seed(ecr: LocalEcr, names: list[str]) -> None:
    for name in names:
        ecr.create_repository(name, policy=keep(2))
        ecr.push_many(name, 5)
    ecr.calls.clear()


def test_of_a_fleet_of_which_one_in_twenty_fails_in_some_way_each_is_named_with_its_reason(local_ecr: LocalEcr) -> None:
    names = [f"team/{number:04}" for number in range(20 * len(WAYS))]
    seed(local_ecr, names)
    failing = dict(zip(names[::20], WAYS, strict=True))
    for name, fault in failing.items():
        fault.provoke(local_ecr, name)
    outcomes = outcomes_of(fleet(repository_timeout=12.0), names)
    assert Counter(outcome.status for outcome in outcomes.values()) == {
        "failed": len(WAYS),
        "previewed": 19 * len(WAYS),
    }
    told = {fault.name: (outcomes[name].error, outcomes[name].message or "") for name, fault in failing.items()}
    assert {name: error for name, (error, _) in told.items()} == {fault.name: fault.error for fault in WAYS}
    unclear = {
        fault.name: told[fault.name][1]
        for name, fault in failing.items()
        if not all(part in told[fault.name][1] for part in (fault.message, name, "us-east-1"))
    }
    assert unclear == {}
    assert sum(outcome.summary["expiring_image_count"] for outcome in outcomes.values() if outcome.summary) == 57 * len(
        WAYS
    )


@pytest.mark.parametrize("code", ["ThrottlingException", "ThrottleException", "TooManyRequestsException"])
def test_a_repository_that_is_throttled_for_ever_fails_when_its_time_is_over(local_ecr: LocalEcr, code: str) -> None:
    names = [f"team/{number}" for number in range(4)]
    seed(local_ecr, names)
    local_ecr.inject(throttled(code), START, names[1], calls=None)
    outcomes = outcomes_of(fleet(repository_timeout=2.0), names)
    assert [name for name, outcome in outcomes.items() if outcome.status != "previewed"] == [names[1]]
    assert outcomes[names[1]].error == "ThrottledError"
    assert code in (outcomes[names[1]].message or "")


@pytest.mark.parametrize(
    ("fault", "operation"),
    [
        (ConnectionReset(), START),
        (ConnectionReset(), GET),
        (LostReply(), START),
        (LostReply(), GET),
        (TruncatedBody(), GET),
        (TruncatedBody(), DESCRIBE),
        (server_error(), START),
        (server_error(), GET),
        (server_error(), DESCRIBE),
        (throttled(), START),
        (throttled("TooManyRequestsException", 429), GET),
        (throttled("ThrottleException"), DESCRIBE),
        (PreviewExpires(), None),
        (wrong_summary(), None),
        (PreviewReplaced(keep(1)), START),
    ],
    ids=lambda value: getattr(value, "code", None) or (value if isinstance(value, str) else type(value).__name__),
)
def test_what_passes_costs_no_repository(local_ecr: LocalEcr, fault: Any, operation: str | None) -> None:
    names = [f"team/{number}" for number in range(6)]
    seed(local_ecr, names)
    for name in names[::2]:
        local_ecr.inject(fault, operation, name)
    outcomes = outcomes_of(fleet(), names)
    assert {name: outcome.message for name, outcome in outcomes.items() if outcome.status != "previewed"} == {}
    assert all(outcome.summary and outcome.summary["expiring_image_count"] == 3 for outcome in outcomes.values())


def test_replies_that_are_lost_at_random_lose_no_repository_and_start_none_twice_in_vain(local_ecr: LocalEcr) -> None:
    names = [f"team/{number:03}" for number in range(150)]
    seed(local_ecr, names)
    local_ecr.preview_seconds = 0.3
    local_ecr.inject(LostReply(), calls=None, share=0.05)
    local_ecr.inject(ConnectionReset(), calls=None, share=0.05)
    outcomes = outcomes_of(fleet(first_visit_seconds=0.4), names)
    assert {outcome.message for outcome in outcomes.values() if outcome.status != "previewed"} == set()
    assert local_ecr.calls.count(START, outcome="OK") <= len(names)


def test_repositories_that_are_not_done_when_the_time_is_over_have_failed_and_say_so(
    local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"team/{number}" for number in range(6)]
    seed(local_ecr, names)
    local_ecr.preview_seconds = lambda name: 3600.0 if name == names[0] else 0.0
    later = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + later, time=time.time)
    monkeypatch.setattr("airflow_provider_ecr_preview.engine.fleet.run.time", clock)
    outcomes = {}
    for outcome in fleet(timeout=3600, first_visit_seconds=0.1).audit(map(PreviewTarget, names)):
        outcomes[outcome.repository_name] = outcome
        if len(outcomes) == len(names) - 1:
            later = 3600.0
    assert [name for name, outcome in outcomes.items() if outcome.status == "failed"] == [names[0]]
    assert "the audit timed out after 3,600 s, before this repository was done" in (outcomes[names[0]].message or "")


def test_no_more_previews_are_in_flight_than_allowed(local_ecr: LocalEcr) -> None:
    names = [f"team/{number:02}" for number in range(30)]
    seed(local_ecr, names)
    local_ecr.preview_seconds = 0.2
    told: list[FleetProgress] = []
    outcomes_of(fleet(max_in_flight=4, progress_interval=0.01, on_progress=told.append, first_visit_seconds=0.2), names)
    assert max(progress.in_flight for progress in told) == 4
    assert told[-1].done == len(names)


def test_a_repository_that_is_named_twice_is_refused_before_any_call(local_ecr: LocalEcr) -> None:
    with pytest.raises(ValueError, match="named twice"):
        list(fleet().audit([PreviewTarget("a"), PreviewTarget("a")]))
    assert not len(local_ecr.calls)


def test_what_was_started_before_is_only_collected(local_ecr: LocalEcr) -> None:
    names = [f"team/{number}" for number in range(5)]
    seed(local_ecr, names)
    started, ended = fleet().start_all(map(PreviewTarget, names[:3]))
    assert (len(started), ended) == (3, [])
    outcomes = list(fleet().audit(map(PreviewTarget, names), started=started, done=names[4:]))
    assert sorted(outcome.repository_name for outcome in outcomes) == names[:4]
    assert local_ecr.calls.count(START) == 4
