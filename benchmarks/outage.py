"""What an outage of a minute costs: an audit of 300 repositories, and 100 deferred waits, while every call fails for 60 s.

    python benchmarks/outage.py [seconds]

Runs against the local ECR in this process, with the timeouts and pauses that users have.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections import Counter
from typing import Any

from airflow_provider_ecr_preview.engine.fleet.run import PreviewFleet, PreviewTarget
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.faults import server_error
from airflow_provider_ecr_preview.triggers.ecr_preview import EcrLifecyclePolicyPreviewTrigger

REPOSITORIES = 300
WAITS = 100
REGION = "us-east-1"
POLICY: dict[str, Any] = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 2},
            "action": {"type": "expire"},
        }
    ]
}


def _outage(ecr: LocalEcr, after: float, seconds: float) -> threading.Timer:
    def begin() -> None:
        injection = ecr.inject(server_error(), calls=None)
        threading.Timer(seconds, injection.remove).start()

    timer = threading.Timer(after, begin)
    timer.start()
    return timer


def _audit(names: list[str]) -> tuple[float, Counter[str]]:
    fleet = PreviewFleet(hook=EcrLifecyclePolicyPreviewHook(region_name=REGION))
    began = time.monotonic()
    statuses = Counter(outcome.status for outcome in fleet.audit(map(PreviewTarget, names)))
    return time.monotonic() - began, Counter({str(status): count for status, count in statuses.items()})


async def _wait(name: str) -> str:
    trigger = EcrLifecyclePolicyPreviewTrigger(
        repository_name=name, deadline=time.time() + 3600, poll_interval=5.0, region_name=REGION
    )
    event = await anext(aiter(trigger.run()))
    return str(event.payload["status"])


async def _waits(names: list[str]) -> Counter[str]:
    return Counter(await asyncio.gather(*map(_wait, names)))


def main() -> None:
    """Measure, and print what each costs."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    logging.disable(logging.CRITICAL)
    with LocalEcr() as ecr:
        os.environ["AIRFLOW_CONN_AWS_DEFAULT"] = ecr.connection
        names = [f"team/{number:03}" for number in range(REPOSITORIES)]
        for name in names:
            ecr.create_repository(name, policy=POLICY)
            ecr.push_many(name, 5)
        calm, _ = _audit(names)
        _outage(ecr, calm / 3, seconds)
        hit, statuses = _audit(names)
        print(
            f"audit of {REPOSITORIES}: {calm:.1f} s without, {hit:.1f} s with an outage of {seconds:.0f} s "
            f"({hit - calm:.1f} s longer); {dict(statuses)}"
        )
        ecr.preview_seconds = 10.0
        hook = EcrLifecyclePolicyPreviewHook(region_name=REGION)
        for name in names[:WAITS]:
            hook.start_preview(name)
        _outage(ecr, 0.0, seconds)
        began = time.monotonic()
        ended = asyncio.run(_waits(names[:WAITS]))
        print(
            f"{WAITS} deferred waits through an outage of {seconds:.0f} s: {dict(ended)}, {time.monotonic() - began:.1f} s"
        )


if __name__ == "__main__":
    main()
