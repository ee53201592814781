"""How long deferred waits take while some calls hang: 300 triggers in one event loop, 3 % of whose calls get no answer.

    python benchmarks/hung_polls.py

Time is scaled down: an answered call takes 10 ms, one that hangs 2 s, triggers poll every 0.5 s, and each preview is complete at
the fourth look. No AWS, no HTTP: what is measured is whether calls that hang hold up the others, and other threads of the loop.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from types import SimpleNamespace
from typing import Any

from airflow_provider_ecr_preview.core.exceptions import EcrOutageError
from airflow_provider_ecr_preview.triggers import ecr_preview
from airflow_provider_ecr_preview.triggers.ecr_preview import EcrLifecyclePolicyPreviewTrigger

TRIGGERS = 300
LOOKS = 4
CALL_SECONDS = 0.01
HANG_SECONDS = 2.0
POLL_INTERVAL = 0.5


class Poller:
    """Stands for ECR: answers, or hangs until its timeout."""

    share = 0.0
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
        Poller.looks[repository_name] = Poller.looks.get(repository_name, 0) + 1
        is_complete = Poller.looks[repository_name] >= LOOKS
        return SimpleNamespace(
            status="COMPLETE" if is_complete else "IN_PROGRESS",
            is_complete=lambda _: is_complete,
            error=lambda cls, message: cls(message, repository_name=repository_name),
            as_xcom=dict,
        )


async def _wait(number: int) -> float:
    trigger = EcrLifecyclePolicyPreviewTrigger(
        repository_name=f"team/{number}", deadline=time.time() + 600, poll_interval=POLL_INTERVAL
    )
    began = time.monotonic()
    async for event in trigger.run():
        assert event.payload["status"] == "success", event.payload
    return time.monotonic() - began


async def _run(share: float) -> tuple[float, float]:
    """Return the median wait, and the longest that another user of asyncio's threads waited."""
    Poller.share, Poller.looks = share, {}
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
    ecr_preview.Poller = Poller  # type: ignore[misc, assignment]
    asyncio.run(_run(0.0))  # threads and imports
    calm, calm_other = asyncio.run(_run(0.0))
    hung, hung_other = asyncio.run(_run(0.03))
    print(
        f"{TRIGGERS} triggers, no call hangs:  median wait {calm:.2f} s, another to_thread at most {calm_other:.3f} s"
    )
    print(
        f"{TRIGGERS} triggers, 3 % hang:       median wait {hung:.2f} s, another to_thread at most {hung_other:.3f} s"
    )
    print(f"ratio of the medians: {hung / calm:.2f}")


if __name__ == "__main__":
    main()
