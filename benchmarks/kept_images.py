"""What it costs an audit to write, beside the affected images, also those that stay, each with the reason.

The same repositories are audited without and with them, each time in a process of its own, against a local ECR in
another: many small ones, and one large one. What matters are the ratios of CPU and of peak memory.

Run: python benchmarks/kept_images.py [--images 100000] [--repositories 300]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from multiprocessing.connection import Connection

from rich.console import Console
from rich.table import Table

SMALL = 100
"""Images of each of many repositories."""

POLICY = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "tagged", "tagPatternList": ["build-*"], "countType": "imageCountMoreThan"},
            "action": {"type": "expire"},
        }
    ]
}


def serve(pipe: Connection, repositories: int, images: int) -> None:
    from airflow_provider_ecr_preview.local import LocalEcr

    POLICY["rules"][0]["selection"]["countNumber"] = images // 2
    with LocalEcr() as ecr:
        for number in range(repositories):
            ecr.create_repository(f"team/service-{number}", policy=POLICY)
            ecr.push_many(f"team/service-{number}", images, tags=lambda image: (f"build-{image}",))
        pipe.send(ecr.connection)
        pipe.recv()


def audit(repositories: int, *, with_kept: bool) -> None:
    """Audit in this process, and print what that cost it."""
    from airflow_provider_ecr_preview.engine.fleet.run import PreviewFleet, PreviewTarget
    from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
    from airflow_provider_ecr_preview.reports.audit import AuditReports

    with tempfile.TemporaryDirectory() as folder:
        reports = AuditReports(f"file://{folder}", audit_id="benchmark", audited_at=datetime.now(UTC))
        fleet = PreviewFleet(
            hook=EcrLifecyclePolicyPreviewHook(), image_lists=partial(reports.image_list, with_kept=with_kept)
        )
        began, cpu = time.perf_counter(), time.process_time()
        outcomes = list(fleet.audit(PreviewTarget(f"team/service-{number}") for number in range(repositories)))
        cost = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
        assert all(outcome.status == "previewed" for outcome in outcomes), outcomes
    print(json.dumps({**cost, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def measure(repositories: int, images: int, rounds: int) -> list[dict[str, float]]:
    """Return the cost without and with the kept images: of several rounds the least, by turns."""
    pipe, child = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(child, repositories, images), daemon=True)
    server.start()
    child.close()
    environment = {**os.environ, "AIRFLOW_CONN_AWS_DEFAULT": pipe.recv(), "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}
    costs: list[list[dict[str, float]]] = [[], []]
    for _ in range(rounds):
        for side, taken in enumerate(costs):
            command = [sys.executable, __file__, "--audit", str(side), "--repositories", str(repositories)]
            done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True, timeout=7200)
            taken.append(json.loads(done.stdout.splitlines()[-1]))
    pipe.send("stop")
    server.join(60)
    return [{name: min(cost[name] for cost in taken) for name in taken[0]} for taken in costs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000, help="images of the one large repository")
    parser.add_argument("--repositories", type=int, default=300, help=f"repositories of {SMALL} images each")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--audit", type=int, choices=(0, 1), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.audit is not None:
        audit(arguments.repositories, with_kept=bool(arguments.audit))
        return
    table = Table(title="An audit that writes the affected images, and one that writes the kept ones too")
    for heading in ("", "CPU s", "with kept", "ratio", "wall s", "with kept", "peak MiB", "with kept"):
        table.add_column(heading, justify="right")
    for repositories, images in ((arguments.repositories, SMALL), (1, arguments.images)):
        without, kept = measure(repositories, images, arguments.rounds)
        table.add_row(
            f"{repositories:,} x {images:,} images",
            *(f"{cost['cpu']:.2f}" for cost in (without, kept)),
            f"{kept['cpu'] / without['cpu']:.2f}",
            *(f"{cost['seconds']:.2f}" for cost in (without, kept)),
            *(f"{cost['mib']:.0f}" for cost in (without, kept)),
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
