"""How long it takes to add up what 5,000 repositories cost and whose they are.

Adds up the outcomes of an audit with and without money and owners, in one run, and fails above one second.

Run: python benchmarks/money.py [--repositories 5000]
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime

from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.money.storage import Storage

LIMIT_SECONDS = 1.0
OWNERS = 120
RUNS = 5


def outcomes(number: int) -> list[RepositoryOutcome]:
    """Return the outcomes of repositories of many owners."""
    return [
        RepositoryOutcome(
            f"team-{index % OWNERS}/service-{index}",
            "123456789012",
            "eu-west-1",
            "without_policy",
            preview_calls=1,
            storage=Storage(measured=1, images=40, stored_bytes=index * 10**6, cost=index * 100).as_dict(),
            owner=f"team-{index % OWNERS}",
        )
        for index in range(number)
    ]


def seconds(of: list[RepositoryOutcome]) -> float:
    """Return the median time to add up an audit and to make its result."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        audit = Audit("benchmark", datetime.now(UTC))
        audit.update(of)
        audit_xcom(audit)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> None:
    """Measure both ways and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repositories", type=int, default=5_000)
    number = parser.parse_args().repositories
    with_money = outcomes(number)
    without = [replace(outcome, storage=None, owner=None) for outcome in with_money]
    plain, full = seconds(without), seconds(with_money)
    print(f"{number:,} repositories: {full:.3f} s with money and {OWNERS} owners, {plain:.3f} s without")
    if full > LIMIT_SECONDS:
        raise SystemExit(f"Adding up takes more than {LIMIT_SECONDS:.0f} s.")


if __name__ == "__main__":
    main()
