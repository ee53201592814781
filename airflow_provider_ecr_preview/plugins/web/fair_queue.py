"""Decide who is served next: the pages have few threads, and no user gets more than a share of them.

The threads that Airflow's API server answers with are shared by all of Airflow. Nothing here waits in one of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio.to_thread

T = TypeVar("T")


RETRY_AFTER_SECONDS = 5


class NoTurnError(Exception):
    """Raised when a request is not served now.

    :param is_own_fault: whether other requests of the same user are the cause.
    """

    def __init__(self, *, is_own_fault: bool) -> None:
        super().__init__(is_own_fault)
        self.is_own_fault = is_own_fault


class Turns:
    """Limits how many requests are served at a time, in turns by user.

    :param at_a_time: how many are served at a time.
    :param of_a_user: how many of them may be of one user.
    :param waiting_of_a_user: how many more of a user may wait.
    :param waiting: how many may wait in total.
    :param patience: how long one waits, in seconds.
    """

    def __init__(
        self, *, at_a_time: int, of_a_user: int, waiting_of_a_user: int, waiting: int, patience: float
    ) -> None:
        self.at_a_time = at_a_time
        self.of_a_user = of_a_user
        self.waiting_of_a_user = waiting_of_a_user
        self.waiting = waiting
        self.patience = patience
        self._served: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, user: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the block ends.

        :param user: whose turn.
        :raises NoTurnError: if too many wait, or it does not come in time.
        """
        await self._wait(user)
        try:
            yield
        finally:
            self._end(user)

    async def _wait(self, user: str) -> None:
        if user not in self._waiting and self._has_room_for(user):
            self._served[user] += 1
            return
        queue = self._waiting.get(user, ())
        if len(queue) >= self.waiting_of_a_user or sum(map(len, self._waiting.values())) >= self.waiting:
            raise NoTurnError(is_own_fault=len(queue) >= self.waiting_of_a_user)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(user, deque()).append(turn)
        has_turn = False
        try:
            async with asyncio.timeout(self.patience):
                await turn
            has_turn = True
        except TimeoutError:
            raise NoTurnError(is_own_fault=self._served[user] > 0) from None
        finally:
            if not has_turn:
                self._give_up(user, turn)

    def _give_up(self, user: str, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():  # it came just after the wait ended
            self._end(user)
            return
        queue = self._waiting[user]
        queue.remove(turn)
        if not queue:
            del self._waiting[user]

    def _has_room_for(self, user: str) -> bool:
        return self._served.total() < self.at_a_time and self._served[user] < self.of_a_user

    def _end(self, user: str) -> None:
        self._served[user] -= 1
        if not self._served[user]:
            del self._served[user]
        for waiting in list(self._waiting):
            if self._has_room_for(waiting):
                self._serve(waiting)

    def _serve(self, user: str) -> None:
        queue = self._waiting.pop(user)
        self._served[user] += 1
        queue.popleft().set_result(None)
        if queue:
            self._waiting[user] = queue  # behind all others


async def in_thread(call: Callable[..., T], *arguments: Any) -> T:
    """Return what a call returns that takes time, from a thread that is not one of Airflow's shared threads.

    :param call: the call.
    :param arguments: its arguments.
    """
    return await anyio.to_thread.run_sync(call, *arguments, limiter=anyio.CapacityLimiter(1))
