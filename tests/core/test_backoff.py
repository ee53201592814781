"""How long to wait is bounded in time and in tries, and ends when told to stop."""

from __future__ import annotations

from airflow_provider_ecr_preview.core.backoff import MAX_DELAY_SECONDS, MAX_FAILURES, MAX_THROTTLED, Backoff


class Clock:
    """A clock that only waits move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self.is_stopped = False

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return self.is_stopped

    def backoff(self, seconds: float, base: float = 0.5) -> Backoff:
        return Backoff(seconds, self.wait, base, clock=self, jitter=lambda: 1.0)


def test_it_waits_twice_as_long_each_time_up_to_a_bound() -> None:
    clock = Clock()
    backoff = clock.backoff(1_000)
    assert all(backoff.again(throttled=True) for _ in range(8))
    assert clock.waits == [1, 2, 4, 8, 16, MAX_DELAY_SECONDS, MAX_DELAY_SECONDS, MAX_DELAY_SECONDS]


def test_it_gives_up_before_its_time_is_over() -> None:
    clock = Clock()
    backoff = clock.backoff(20)
    while backoff.again(throttled=True):
        pass
    assert clock.now <= 20
    assert clock.waits == [1, 2, 4, 8]


def test_without_any_delay_the_tries_are_bounded() -> None:
    clock = Clock()
    backoff = clock.backoff(20, base=0)
    assert sum(backoff.again(throttled=True) for _ in range(100)) == MAX_THROTTLED


def test_what_is_no_throttling_is_not_tried_as_often() -> None:
    clock = Clock()
    backoff = clock.backoff(1_000)
    assert sum(backoff.again(throttled=False) for _ in range(100)) == MAX_FAILURES


def test_the_jitter_shortens_a_wait_and_never_makes_it_nothing() -> None:
    clock = Clock()
    backoff = Backoff(100, clock.wait, 0.5, clock=clock, jitter=lambda: 0.0)
    assert backoff.again(throttled=True)
    assert clock.waits == [0.1]


def test_it_ends_when_it_is_stopped() -> None:
    clock = Clock()
    clock.is_stopped = True
    assert not clock.backoff(100).again(throttled=True)
