"""Outages of a whole fleet: it pauses while every call fails, and a fault of one repository stays with it."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.exceptions import AuditStoppedError
from airflow_provider_ecr_preview.engine.fleet import outage as outages
from airflow_provider_ecr_preview.engine.fleet.outage import Outage
from airflow_provider_ecr_preview.engine.fleet.run import PreviewFleet, PreviewTarget
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.faults import ConnectionReset, PreviewReplaced, Refused, server_error
from tests.support.policies import keep

POLICY = keep(2)
NAMES = [f"team/{number:02}" for number in range(20)]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def repositories(local_ecr: LocalEcr) -> LocalEcr:
    for name in NAMES:
        local_ecr.create_repository(name, policy=POLICY)
        local_ecr.push_many(name, 3)
    local_ecr.calls.clear()
    return local_ecr


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(outages, "LONGEST_PAUSE", 0.02)


def statuses(**settings: Any) -> dict[str, str]:
    fleet = PreviewFleet(hook=EcrLifecyclePolicyPreviewHook(), **settings)
    return {outcome.repository_name: outcome.status for outcome in fleet.audit(map(PreviewTarget, NAMES))}


class TestState:
    def test_one_repository_that_fails_while_others_are_answered_is_no_outage(self, clock: Clock) -> None:
        outage = Outage(clock=clock)
        for _ in range(10):
            outage.answered()
            assert outage.failed("a", "503"), "its own fault"
            assert not outage.is_on

    def test_failures_of_two_repositories_with_no_answer_between_are_an_outage(self, clock: Clock) -> None:
        outage = Outage(clock=clock)
        outage.answered()
        outage.failed("a", "503")
        outage.failed("b", "503")
        assert outage.is_on
        assert not outage.failed("a", "503"), "part of the outage"
        outage.answered()
        assert not outage.is_on

    def test_the_last_repository_has_no_other_that_could_be_answered(self, clock: Clock) -> None:
        outage = Outage(unfinished=lambda: 1, clock=clock)
        outage.answered()
        outage.failed("a", "503")
        assert outage.is_on

    def test_one_call_at_a_time_tries_whether_it_is_over(self, clock: Clock) -> None:
        outage = Outage(clock=clock)
        outage.answered()
        outage.failed("a", "503")
        outage.failed("b", "503")
        assert outage.pause() > 0
        clock.now += 10
        assert outage.pause() == 0
        assert outage.pause() > 0

    def test_an_outage_of_sixty_seconds_is_noticed_to_be_over_within_five(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.undo()
        outage = Outage(clock=clock)
        outage.answered()
        outage.failed("a", "503")
        outage.failed("b", "503")
        while True:
            clock.now += outage.pause()
            if outage.pause() == 0:
                if clock.now >= 60:
                    break
                outage.failed("a", "503")
        assert clock.now <= 65
        assert not outage.is_over_limit()

    def test_it_lasts_for_ten_minutes_at_most(self, clock: Clock) -> None:
        outage = Outage(clock=clock)
        outage.answered()
        outage.failed("a", "503")
        outage.failed("b", "503")
        clock.now = 599.0
        assert not outage.is_over_limit()
        clock.now = 600.0
        assert outage.is_over_limit()

    @pytest.mark.parametrize("is_known", [True, False])
    def test_an_endpoint_that_responds_with_errors_or_answered_before_is_no_typo(
        self, clock: Clock, is_known: bool
    ) -> None:
        outage = Outage(clock=clock, is_known=is_known)
        outage.failed("a", "503", is_served=not is_known)
        outage.failed("b", "reset")
        clock.now = 599.0
        assert not outage.is_over_limit()
        clock.now = 600.0
        assert outage.is_over_limit()

    def test_an_endpoint_that_never_answered_is_given_up_in_time(self, clock: Clock) -> None:
        outage = Outage(clock=clock)
        clock.now = 15.0  # the first calls took their read timeout
        outage.failed("a", "timeout")
        outage.failed("b", "timeout")
        assert outage.is_over_limit()


class TestFleet:
    @pytest.mark.parametrize("fault", [server_error(), Refused("ServiceUnavailable", status=503), ConnectionReset()])
    @pytest.mark.parametrize("skip", [0, 7, 35])
    def test_an_outage_at_any_time_fails_no_repository(self, repositories: LocalEcr, fault: Any, skip: int) -> None:
        # As many failures as there are calls in an audit, where each repository gives up after four faults of its own.
        injection = repositories.inject(fault, calls=100, skip=skip)
        assert statuses(max_workers=8) == dict.fromkeys(NAMES, "previewed")
        assert injection.hits == 100

    def test_an_outage_without_an_end_fails_the_repositories_with_its_cause(self, repositories: LocalEcr) -> None:
        repositories.inject(server_error(), calls=None, skip=20)
        fleet = PreviewFleet(hook=EcrLifecyclePolicyPreviewHook(), outage_timeout=0.3)
        outcomes = list(fleet.audit(map(PreviewTarget, NAMES)))
        failed = [outcome for outcome in outcomes if outcome.status == "failed"]
        assert failed
        assert {outcome.error for outcome in failed} == {"EcrOutageError"}

    def test_a_fault_of_one_repository_stays_with_it(self, repositories: LocalEcr) -> None:
        repositories.inject(server_error(), repository=NAMES[3], calls=None)
        found = statuses(outage_timeout=0.5)
        assert found.pop(NAMES[3]) == "failed"
        assert set(found.values()) == {"previewed"}

    def test_a_preview_of_the_same_policy_that_is_started_again_while_it_is_read_is_read_later(
        self, repositories: LocalEcr
    ) -> None:
        name = NAMES[0]
        repositories.push_many(name, 200)
        again = PreviewReplaced(POLICY, seconds=0.2, tokens_survive=True)
        repositories.inject(again, repository=name, calls=1)
        assert statuses() == dict.fromkeys(NAMES, "previewed")


class TestCredentials:
    @pytest.mark.parametrize("skip", [0, 10, 30])
    def test_expired_credentials_stop_the_fleet_after_few_calls(self, repositories: LocalEcr, skip: int) -> None:
        repositories.inject(Refused("ExpiredTokenException"), calls=None, skip=skip)
        kept: list[str] = []
        fleet = PreviewFleet(
            hook=EcrLifecyclePolicyPreviewHook(),
            max_workers=4,
            on_started=lambda preview: kept.append(preview.repository_name),
        )
        done = []
        with pytest.raises(AuditStoppedError, match=r"refuses the credentials.*a retry of the task continues there"):
            done.extend(outcome.status for outcome in fleet.audit(map(PreviewTarget, NAMES)))
        assert "failed" not in done
        refused = repositories.calls.count(outcome="ExpiredTokenException")
        # Answers to calls that the other threads had sent before may come in between, and each starts the count again.
        between = 2 * (4 - 1) if skip else 0
        assert refused <= 3 + 4 + between, "three refusals, and what other threads had sent by then"
        assert len(set(kept)) == repositories.calls.count("StartLifecyclePolicyPreview", outcome="OK")

    def test_one_refusal_that_passes_stops_nothing(self, repositories: LocalEcr) -> None:
        repositories.inject(Refused("ExpiredTokenException"), calls=1, skip=5)
        assert statuses() == dict.fromkeys(NAMES, "previewed")


def test_threads_share_the_state(clock: Clock) -> None:
    outage = Outage(clock=clock)
    outage.answered()
    numbers = itertools.count()

    def fail() -> None:
        for _ in range(50):
            outage.failed(f"repository/{next(numbers)}", "503")

    threads = [threading.Thread(target=fail) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert outage.is_on
