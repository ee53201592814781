"""How long deferred waits take while some calls hang: 300 triggers in one event loop, 3 % of whose calls get no answer.

    python benchmarks/hung_polls.py

Time is scaled down: an answered call takes 10 ms, one that hangs 2 s, triggers poll every 0.5 s, and each preview is complete at
the fourth look. Both are measured without a limit, and while ECR answers ten calls a second and throttles the others; scaled
down tenfold like all times, these are a hundred. No AWS, no HTTP: what is measured is whether calls that hang hold up the others, and other threads of the loop.
"""

from __future__ import annotations

import asyncio
import logging
import random
import statistics
import threading
import time
from types import SimpleNamespace
from typing import Any

from airflow_provider_ecr_preview.core.exceptions import EcrOutageError, ThrottledError
from airflow_provider_ecr_preview.triggers import ecr_preview
from airflow_provider_ecr_preview.triggers.ecr_preview import EcrLifecyclePolicyPreviewTrigger

TRIGGERS = 300
LOOKS = 4
CALL_SECONDS = 0.01
HANG_SECONDS = 2.0
POLL_INTERVAL = 0.5
SCALED_RATE = 100.0
"""Ten calls a second, in the scaled time."""


class Poller:
    """Stands for ECR: answers, or hangs until its timeout."""

    share = 0.0
    rate: float | None = None
    free_at = 0.0
    lock = threading.Lock()
    looks: dict[str, int]
    random = random.Random(7)

    def __init__(self, *_: Any) -> None:
        pass

    def look(self, repository_name: str, _: str | None) -> Any:
        """Look at a preview, as the real one does."""
        if self.random.random() < self.share:
            time.sleep(HANG_SECONDS)
            raise EcrOutageError("no answer", repository_name=repository_name)
        time.sleep(CALL_SECONDS)
        if not self._is_free():
            raise ThrottledError("Rate exceeded", repository_name=repository_name)
        Poller.looks[repository_name] = Poller.looks.get(repository_name, 0) + 1
        is_complete = Poller.looks[repository_name] >= LOOKS
        return SimpleNamespace(
            status="COMPLETE" if is_complete else "IN_PROGRESS",
            is_complete=lambda _: is_complete,
            error=lambda cls, message: cls(message, repository_name=repository_name),
            as_xcom=dict,
        )

    def _is_free(self) -> bool:
        """Take a slot of the rate, or return False."""
        with Poller.lock:
            now = time.monotonic()
            if Poller.rate is None:
                return True
            if now < Poller.free_at:
                return False
            Poller.free_at = max(Poller.free_at, now - 1 / Poller.rate) + 1 / Poller.rate
            return True


async def _wait(number: int) -> float:
    trigger = EcrLifecyclePolicyPreviewTrigger(
        repository_name=f"team/{number}", deadline=time.time() + 600, poll_interval=POLL_INTERVAL
    )
    began = time.monotonic()
    async for event in trigger.run():
        assert event.payload["status"] == "success", event.payload
    return time.monotonic() - began


async def _run(share: float, rate: float | None = None) -> tuple[float, float]:
    """Return the median wait, and the longest that another user of asyncio's threads waited."""
    Poller.share, Poller.looks, Poller.rate, Poller.free_at = share, {}, rate, 0.0
    longest = 0.0

    async def other() -> None:
        nonlocal longest
        while True:
            began = time.monotonic()
            await asyncio.to_thread(time.sleep, 0)
            longest = max(longest, time.monotonic() - began)
            await asyncio.sleep(0.05)

    others = asyncio.create_task(other())
    waits = await asyncio.gather(*(_wait(number) for number in range(TRIGGERS)))
    others.cancel()
    return statistics.median(waits), longest


def main() -> None:
    """Measure without and with calls that hang, and print both."""
    logging.disable(logging.CRITICAL)
    ecr_preview.Poller = Poller  # type: ignore[misc, assignment]
    asyncio.run(_run(0.0))  # threads and imports
    for rate, limit in ((None, "no limit"), (SCALED_RATE, "10 calls a second")):
        calm, calm_other = asyncio.run(_run(0.0, rate))
        hung, hung_other = asyncio.run(_run(0.03, rate))
        print(f"{TRIGGERS} triggers, {limit}:")
        print(f"  no call hangs:  median wait {calm:.2f} s, another to_thread at most {calm_other:.3f} s")
        print(f"  3 % hang:       median wait {hung:.2f} s, another to_thread at most {hung_other:.3f} s")
        print(f"  ratio of the medians: {hung / calm:.2f}")


if __name__ == "__main__":
    main()
