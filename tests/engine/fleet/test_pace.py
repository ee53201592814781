from __future__ import annotations

import heapq
import random

import pytest

from airflow_provider_ecr_preview.engine.fleet.pace import LOWEST_RATE, Pace

WORKERS = 16
PROCESSOR_SECONDS = 1 / 600


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Bucket:
    """A token bucket, as ECR may have one."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self.tokens, self.at = burst, 0.0

    def takes_call(self, now: float) -> bool:
        self.tokens, self.at = min(self.burst, self.tokens + (now - self.at) * self.rate), now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def run(bucket: Bucket, calls: int, pace: Pace, time: Time, seed: int = 1) -> list[tuple[float, bool]]:
    """Call from many workers until so many calls are accepted; return when each was answered, and whether it was."""
    latency = random.Random(seed)
    begin, send, answer = range(3)
    events = [(0.0, worker, begin, True) for worker in range(WORKERS)]
    answers: list[tuple[float, bool]] = []
    open_calls, processor_free = calls, 0.0
    while events:
        time.now, worker, kind, accepted = heapq.heappop(events)
        if kind == begin and open_calls:
            open_calls -= 1
            slot = max(pace.reserve(), time.now, processor_free)
            processor_free = slot + PROCESSOR_SECONDS
            heapq.heappush(events, (slot + latency.uniform(0.01, 0.04), worker, send, True))
        elif kind == send:
            heapq.heappush(events, (time.now + 0.005, worker, answer, bucket.takes_call(time.now)))
        elif kind == answer:
            answers.append((time.now, accepted))
            open_calls += not accepted
            (pace.accepted if accepted else pace.throttled)()
            heapq.heappush(events, (time.now, worker, begin, True))
    return answers


def steady(answers: list[tuple[float, bool]]) -> list[tuple[float, bool]]:
    return answers[len(answers) // 4 : -len(answers) // 20]


@pytest.mark.parametrize(
    ("rate", "burst", "calls"),
    [
        pytest.param(10, 3, 600, id="10 a second, burst 3"),
        pytest.param(10, 10, 600, id="10 a second, burst 10"),
        pytest.param(10, 30, 600, id="10 a second, burst 30"),
        pytest.param(100, 5, 3000, id="100 a second, burst 5"),
        pytest.param(100, 100, 3000, id="100 a second, burst 100"),
        pytest.param(300, 100, 6000, id="300 a second, burst 100"),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_settles_at_nine_tenths_of_an_unknown_limit_with_fewer_than_one_call_in_ten_throttled(
    rate: float, burst: float, calls: int, seed: int
) -> None:
    time = Time()
    answers = steady(run(Bucket(rate, burst), calls, Pace(clock=time), time, seed))

    accepted = sum(accepted for _, accepted in answers)
    assert accepted / (answers[-1][0] - answers[0][0]) >= 0.9 * rate
    assert 1 - accepted / len(answers) < 0.1


def test_without_a_limit_the_pace_is_soon_no_longer_what_holds_the_callers_back() -> None:
    time = Time()
    answers = run(Bucket(1e9, 1e9), 1000, Pace(clock=time), time)

    at_full_speed = 1000 / (WORKERS / 0.03)
    assert answers[-1][0] < at_full_speed + 1.5


def test_two_operations_that_share_one_bucket_both_get_their_share() -> None:
    time = Time()
    bucket = Bucket(50, 50)
    paces = (Pace(clock=time), Pace(clock=time))
    accepted = [0, 0]
    while time.now < 60:
        index = min((0, 1), key=lambda index: paces[index].ready_at)
        time.now = max(time.now, paces[index].reserve())
        if bucket.takes_call(time.now):
            accepted[index] += 1
            paces[index].accepted()
        else:
            paces[index].throttled()

    assert sum(accepted) >= 0.9 * 60 * 50
    assert min(accepted) > 0.25 * sum(accepted)


def test_a_limit_that_is_lifted_is_noticed() -> None:
    time = Time()
    bucket = Bucket(10, 10)
    pace = Pace(clock=time)
    run(bucket, 200, pace, time)
    slow = pace.rate
    bucket.rate = bucket.burst = 100

    for _ in range(2000):
        time.now = max(time.now, pace.reserve())
        (pace.accepted if bucket.takes_call(time.now) else pace.throttled)()

    assert slow < 15
    assert pace.rate > 80


def test_calls_that_come_slower_than_they_may_do_not_raise_the_rate() -> None:
    time = Time()
    pace = Pace(initial_rate=50, clock=time)
    pace.throttled()

    for _ in range(100):
        time.now += 1
        pace.reserve()
        pace.accepted()

    assert pace.rate == 25


def test_slots_are_one_interval_apart_and_do_not_pile_up_without_callers() -> None:
    time = Time()
    pace = Pace(initial_rate=10, clock=time)
    time.now = 60

    slots = [pace.reserve() for _ in range(4)]

    assert slots == pytest.approx([59.9, 60.0, 60.1, 60.2])
    assert pace.ready_at == pytest.approx(60.3)


def test_the_rate_never_falls_to_nothing() -> None:
    pace = Pace()
    for _ in range(1000):
        pace.throttled()

    assert pace.rate == LOWEST_RATE
    assert pace.throttled_count == pace.call_count == 1000
