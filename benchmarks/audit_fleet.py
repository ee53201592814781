"""What an audit of many repositories costs, against the script that one would write with boto3.

The script starts a preview, waits with boto3's waiter and reads with boto3's paginator: one repository at a time, and
in 16 threads. Each side runs in a process of its own, against a local ECR in another, in one run; what matters are the
ratios, of the time for one repository. Calls are counted at the wire, memory is the peak of the process.

Run: python benchmarks/audit_fleet.py [--part speed|limits|money] [--peers 100]
     python benchmarks/audit_fleet.py --against COMMIT    # this tree and a commit in turn, five times each
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from airflow_provider_ecr_preview.core.audit.result import audit_xcom

LATENCY_SECONDS = 0.03
PREVIEW_SECONDS = 2.0
THREADS = 16
SIZES = (100, 1_000, 5_000)
RUNS = 5
"""How often each tree runs in a comparison of two."""
LIMITS = ((10, 500), (100, 2_000))
"""Calls a second, and the number of repositories that settle under it."""

POLICY = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5},
            "action": {"type": "expire"},
        }
    ]
}
IMAGES = 25
AFFECTED = 20


class Cost(NamedTuple):
    """What one side cost."""

    label: str
    repositories: int
    done: int
    wall: float
    cpu: float
    memory_mib: float
    preview_calls: int
    throttled: int
    calls: int
    steady_rate: float | None

    @property
    def wall_each(self) -> float:
        """Return the time for one repository, in seconds."""
        return self.wall / self.repositories


def serve(pipe: Connection, repositories: int, rate: int | None, *, shared: bool) -> None:
    from airflow_provider_ecr_preview.local import Delay, LocalEcr

    with LocalEcr(preview_seconds=PREVIEW_SECONDS) as ecr:
        for name in names(repositories):
            ecr.create_repository(name, policy=POLICY)
            ecr.push_many(name, IMAGES)
        ecr.inject(Delay(LATENCY_SECONDS), calls=None)
        if rate is not None:
            ecr.limit(rate, burst=rate, shared=shared)
        pipe.send(ecr.environment)
        while pipe.recv() == "calls":
            operations, outcomes = ecr.calls.operations, ecr.calls.outcomes
            pipe.send(
                {
                    "calls": len(ecr.calls),
                    "preview_calls": sum(
                        operations[operation]
                        for operation in ("StartLifecyclePolicyPreview", "GetLifecyclePolicyPreview")
                    ),
                    "throttled": outcomes["ThrottlingException"],
                }
            )
            ecr.calls.clear()


def names(repositories: int) -> list[str]:
    return [f"team/service-{number:05}" for number in range(repositories)]


class Bench:
    """A local ECR in a process of its own, and the sides that are measured against it."""

    def __init__(self, pipe: Connection, environment: dict[str, str]) -> None:
        self._pipe = pipe
        self._environment = {**os.environ, **environment, "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}

    def measure(self, label: str, side: str, repositories: int, tree: Path | None = None) -> Cost:
        """Run one side in a process of its own, with the package and the benchmark of a tree."""
        # A preview that the side before has left behind ends meanwhile.
        time.sleep(PREVIEW_SECONDS)
        self._ask()
        script = Path(__file__) if tree is None else tree / "benchmarks" / Path(__file__).name
        environment = self._environment if tree is None else {**self._environment, "PYTHONPATH": str(tree)}
        output = subprocess.run(
            [sys.executable, script, "--side", side, "--repositories", str(repositories)],
            env=environment,
            cwd=tree,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=7200,
        ).stdout
        told = json.loads(output.splitlines()[-1])
        return Cost(label=label, repositories=repositories, **told, **self._ask())

    def _ask(self) -> dict[str, int]:
        self._pipe.send("calls")
        counts: dict[str, int] = self._pipe.recv()
        return counts


@contextmanager
def bench(repositories: int, rate: int | None = None, *, shared: bool = False) -> Iterator[Bench]:
    pipe, child = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(child, repositories, rate), kwargs={"shared": shared}, daemon=True
    )
    server.start()
    # A server that dies must end the wait for its answer.
    child.close()
    environment = pipe.recv()
    yield Bench(pipe, environment)
    pipe.send("stop")
    server.join(60)


def script(repositories: int, *, threads: int, delay: int | None) -> dict[str, Any]:
    """Preview as one would with boto3 alone."""
    import boto3
    from botocore.exceptions import ClientError, WaiterError

    client = boto3.client("ecr")
    waiter = client.get_waiter("lifecycle_policy_preview_complete")
    paginator = client.get_paginator("get_lifecycle_policy_preview")
    config = {} if delay is None else {"WaiterConfig": {"Delay": delay}}

    def preview(name: str) -> bool:
        try:
            client.start_lifecycle_policy_preview(repositoryName=name)
            waiter.wait(repositoryName=name, **config)
            pages = list(paginator.paginate(repositoryName=name))
        except (ClientError, WaiterError):
            return False
        return sum(len(page["previewResults"]) for page in pages) == AFFECTED

    with ThreadPoolExecutor(threads) as pool:
        return {"done": sum(pool.map(preview, names(repositories))), "steady_rate": None}


def fleet(repositories: int, *, enrich: bool = False, money: bool = False) -> dict[str, Any]:
    """Preview as EcrAuditLifecyclePoliciesOperator does."""
    from datetime import UTC, datetime

    from airflow_provider_ecr_preview.core.audit.summary import Audit
    from airflow_provider_ecr_preview.core.money.prices import Prices
    from airflow_provider_ecr_preview.engine.fleet.run import PreviewFleet, PreviewTarget
    from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook

    audit = Audit("benchmark", datetime.now(UTC))
    done_at = []
    run = PreviewFleet(
        hook=EcrLifecyclePolicyPreviewHook(), max_workers=THREADS, enrich=enrich, prices=Prices() if money else None
    )
    for outcome in run.audit(map(PreviewTarget, names(repositories))):
        audit.add(outcome)
        done_at.append(time.monotonic())
    value = audit_xcom(audit)
    if value["expiring_image_count"] != value["previewed_count"] * AFFECTED:
        raise SystemExit(f"The audit is wrong: {value['expiring_image_count']} images.")
    # The last first visits and the opening are left out: steady is what lies between.
    first, last = int(repositories * 0.3), int(repositories * 0.9)
    return {
        "done": value["previewed_count"],
        "steady_rate": (last - first) / (done_at[last] - done_at[first]),
    }


SIDES: dict[str, Callable[[int], dict[str, Any]]] = {
    "one": partial(script, threads=1, delay=None),
    "threads": partial(script, threads=THREADS, delay=None),
    "threads-1s": partial(script, threads=THREADS, delay=1),
    "fleet": fleet,
    "enriched": partial(fleet, enrich=True),
    "money": partial(fleet, enrich=True, money=True),
}


def run_side(side: str, repositories: int) -> None:
    # Each side is asked after its imports, which all of them pay once in a worker.
    import boto3
    from airflow.sdk import Connection as _  # noqa: F401

    import airflow_provider_ecr_preview.engine.fleet.run

    del boto3, airflow_provider_ecr_preview
    logging.disable(logging.INFO)
    wall, cpu = time.monotonic(), time.process_time()
    told = SIDES[side](repositories)
    cost = {
        "wall": time.monotonic() - wall,
        "cpu": time.process_time() - cpu,
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(told | cost))


def measure_speed(console: Console, peers: int) -> None:
    with bench(max(*SIZES, peers)) as ecr:
        ours = [ecr.measure("fleet", "fleet", size) for size in SIZES]
        theirs = [
            ecr.measure("script, 16 threads, waiter asks every second", "threads-1s", peers),
            ecr.measure("script, 16 threads", "threads", peers),
            ecr.measure("script, one at a time", "one", peers),
        ]
    console.print(
        costs_table(
            f"{LATENCY_SECONDS * 1000:.0f} ms a call, previews of {PREVIEW_SECONDS:.0f} s, "
            f"{AFFECTED} of {IMAGES} images affected",
            [*ours, *theirs],
        )
    )
    of_1000 = ours[SIZES.index(1_000)]
    for peer in theirs:
        console.print(
            f"{peer.label}: a repository takes {peer.wall_each / of_1000.wall_each:,.0f} times as long as in an audit of "
            f"{of_1000.repositories:,}, and {peer.cpu / peer.repositories / (of_1000.cpu / of_1000.repositories):.1f} "
            "times the CPU"
        )
    growth = ours[-1].memory_mib - ours[0].memory_mib
    console.print(f"Peak memory from {SIZES[0]:,} to {SIZES[-1]:,} repositories: {growth:+.0f} MiB")


def measure_money(console: Console, repositories: int) -> None:
    """Measure an audit with and without ``measure_storage``, in turns, and state the calls of both."""
    with bench(repositories) as ecr:
        sides = [("without measure_storage", "enriched"), ("with measure_storage", "money")] * 2
        costs = [ecr.measure(label, side, repositories) for label, side in sides]
    console.print(costs_table(f"An audit with and without measure_storage, {IMAGES} images a repository", costs))
    without, with_money = (min(costs[start::2], key=lambda cost: cost.wall) for start in (0, 1))
    console.print(
        f"with measure_storage: {with_money.wall / without.wall:.2f} times the time, "
        f"{with_money.cpu / without.cpu:.2f} times the CPU; {with_money.calls / repositories:.2f} calls a repository in "
        f"place of {without.calls / repositories:.2f}, of them {with_money.preview_calls / repositories:.2f} preview calls"
    )


def measure_limits(console: Console, peers: int) -> None:
    for rate, size in LIMITS:
        for shared in (False, True):
            with bench(max(size, peers), rate, shared=shared) as ecr:
                ours = ecr.measure("fleet", "fleet", size)
                costs = [ours, ecr.measure("script, 16 threads", "threads", peers)]
            of_what = "all operations together" if shared else "each operation"
            console.print(costs_table(f"a limit of {rate} calls a second on {of_what}", costs))
            # One of each call a repository; with a bucket for all, starts and reads take turns at its rate.
            taken = (ours.calls - ours.throttled) / ours.wall if shared else ours.steady_rate or 0.0
            what = "calls a second over the whole run" if shared else "repositories a second once settled"
            console.print(
                f"fleet: {taken:.1f} {what}, {taken / rate:.2f} of the limit; {ours.throttled / ours.calls:.1%} of all "
                f"calls throttled; {ours.repositories - ours.done} lost"
            )


def measure_against(console: Console, commit: str, repositories: int) -> None:
    """Run this tree and a commit in turn, and print the ratio of their medians and their calls."""
    here = Path(__file__).resolve().parent.parent
    with checkout(here, commit) as there, bench(repositories) as ecr:
        trees = {"this tree": here, commit: there}
        costs: dict[str, list[Cost]] = {label: [] for label in trees}
        for _ in range(RUNS):
            for label, tree in trees.items():
                costs[label].append(ecr.measure(label, "fleet", repositories, tree))
    console.print(costs_table(f"{RUNS} runs of each in turn", [cost for of_tree in costs.values() for cost in of_tree]))
    ours, theirs = costs.values()
    for what in ("wall", "cpu"):
        medians = [statistics.median(getattr(cost, what) for cost in of_tree) for of_tree in (ours, theirs)]
        console.print(
            f"{what}: median {medians[0]:.2f} s against {medians[1]:.2f} s, {medians[0] / medians[1]:.3f} times"
        )
    for label, of_tree in costs.items():
        console.print(
            f"{label}: {statistics.median(cost.calls for cost in of_tree) / repositories:.2f} calls a repository"
        )


@contextmanager
def checkout(repository: Path, commit: str) -> Iterator[Path]:
    """Check a commit out into a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git = ["git", "-C", str(repository), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), commit], check=True, timeout=300)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True, timeout=300)


def costs_table(title: str, costs: list[Cost]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for heading in (
        "repositories",
        "lost",
        "wall s",
        "ms each",
        "preview calls each",
        "throttled",
        "CPU ms each",
        "MiB",
    ):
        table.add_column(heading, justify="right")
    for cost in costs:
        table.add_row(
            cost.label,
            f"{cost.repositories:,}",
            f"{cost.repositories - cost.done:,}",
            f"{cost.wall:,.1f}",
            f"{cost.wall_each * 1000:,.1f}",
            f"{cost.preview_calls / cost.repositories:.2f}",
            f"{cost.throttled:,}",
            f"{cost.cpu / cost.repositories * 1000:,.1f}",
            f"{cost.memory_mib:.0f}",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("speed", "limits", "money"), help="one part alone")
    parser.add_argument("--peers", type=int, default=100, help="repositories that the scripts preview")
    parser.add_argument("--against", metavar="COMMIT", help="compare this tree with a commit of this repository")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--repositories", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        run_side(arguments.side, arguments.repositories)
        return
    console = Console(width=150)
    if arguments.against:
        measure_against(console, arguments.against, arguments.repositories or SIZES[1])
        return
    if arguments.part in (None, "speed"):
        measure_speed(console, arguments.peers)
    if arguments.part in (None, "limits"):
        measure_limits(console, arguments.peers)
    if arguments.part in (None, "money"):
        measure_money(console, arguments.repositories or 500)


if __name__ == "__main__":
    main()
