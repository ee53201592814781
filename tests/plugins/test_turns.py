"""No user has more than a share of the turns, all who wait are served in turns, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from anyio.to_thread import current_default_thread_limiter

from airflow_provider_ecr_preview.plugins.web.fair_queue import NoTurnError, Turns, in_thread


def turns(**changed: Any) -> Turns:
    return Turns(**{"at_a_time": 3, "of_a_user": 2, "waiting_of_a_user": 5, "waiting": 8, "patience": 60, **changed})


class Visits:
    """Visits that have their turn until they are told to go."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.inside: list[str] = []
        self._leave: dict[str, asyncio.Event] = {}

    async def visit(self, user: str, name: str) -> None:
        self._leave[name] = asyncio.Event()
        async with self.turns.turn(user):
            self.inside.append(name)
            await self._leave[name].wait()
            self.inside.remove(name)

    async def start(self, *visits: tuple[str, str]) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self.visit(user, name)) for user, name in visits]
        await settle()
        return tasks

    async def leave(self, name: str) -> None:
        self._leave[name].set()
        await settle()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_user_has_a_share_and_the_next_user_the_rest() -> None:
    async def run() -> None:
        visits = Visits(turns())
        tasks = await visits.start(*(("a", f"a{number}") for number in range(4)), ("b", "b0"), ("c", "c0"))
        assert visits.inside == ["a0", "a1", "b0"]
        await visits.leave("a0")
        assert visits.inside == ["a1", "b0", "a2"]
        await visits.leave("a1")
        assert visits.inside == ["b0", "a2", "c0"]
        for name in ("b0", "a2", "c0", "a3"):
            await visits.leave(name)
        await asyncio.gather(*tasks)
        assert not visits.turns._served
        assert not visits.turns._waiting

    asyncio.run(run())


def test_who_asks_for_too_much_is_refused_and_the_others_are_not() -> None:
    async def run() -> None:
        visits = Visits(turns(of_a_user=1, waiting_of_a_user=2))
        tasks = await visits.start(("a", "a0"), ("a", "a1"), ("a", "a2"))
        with pytest.raises(NoTurnError) as refused:
            await visits.visit("a", "a3")
        assert refused.value.is_own_fault
        tasks += await visits.start(("b", "b0"))
        assert visits.inside == ["a0", "b0"]
        for name in ("a0", "a1", "a2", "b0"):
            await visits.leave(name)
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_when_too_many_wait_in_all_nobody_is_to_blame() -> None:
    async def run() -> None:
        visits = Visits(turns(at_a_time=1, waiting=1))
        tasks = await visits.start(("a", "a0"), ("b", "b0"))
        with pytest.raises(NoTurnError) as refused:
            await visits.visit("c", "c0")
        assert not refused.value.is_own_fault
        for name in ("a0", "b0"):
            await visits.leave(name)
        await asyncio.gather(*tasks)

    asyncio.run(run())


@pytest.mark.parametrize(("user", "is_own_fault"), [("a", True), ("b", False)])
def test_patience_has_an_end(user: str, is_own_fault: bool) -> None:
    async def run() -> None:
        visits = Visits(turns(at_a_time=1, patience=0))
        tasks = await visits.start(("a", "a0"))
        with pytest.raises(NoTurnError) as refused:
            await visits.visit(user, "late")
        assert refused.value.is_own_fault is is_own_fault
        await visits.leave("a0")
        await asyncio.gather(*tasks)
        assert not visits.turns._waiting

    asyncio.run(run())


def test_a_turn_of_somebody_who_has_gone_is_not_lost() -> None:
    async def run() -> None:
        visits = Visits(turns(at_a_time=1))
        first, second, third = await visits.start(("a", "a0"), ("b", "b0"), ("c", "c0"))
        second.cancel()
        await settle()
        await visits.leave("a0")
        assert visits.inside == ["c0"]
        # And one who goes in the moment in which the turn comes.
        fourth, fifth = await visits.start(("d", "d0"), ("e", "e0"))
        visits._leave["c0"].set()
        await asyncio.sleep(0)
        fourth.cancel()
        await settle()
        assert visits.inside == ["e0"]
        await visits.leave("e0")
        await asyncio.gather(first, third, fifth)
        assert not visits.turns._served
        assert not visits.turns._waiting

    asyncio.run(run())


def test_a_turn_ends_when_its_request_fails() -> None:
    async def run() -> None:
        only = turns(at_a_time=1)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                async with only.turn("a"):
                    raise ZeroDivisionError
        assert not only._served

    asyncio.run(run())


def test_calls_run_in_threads_whatever_the_threads_of_airflow_are_doing() -> None:
    async def run() -> None:
        go_on = threading.Event()
        limiter = current_default_thread_limiter()
        limiter.total_tokens = 1
        busy = asyncio.create_task(asyncio.to_thread(go_on.wait, 60))
        await limiter.acquire()
        assert await in_thread(lambda number: number + 1, 1) == 2
        limiter.release()
        go_on.set()
        await busy

    asyncio.run(run())
