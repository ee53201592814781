"""What reading and summarising a preview costs, against iterating boto3's own paginator over the same pages.

Both sides run in this process, in turns, against one local ECR in a process of its own, so that only the client's CPU
is counted; the ratio of the medians is what matters. Calls are counted at the wire. A second part measures the peak
memory of the summarising process for a small and a large preview, each in a fresh process.

Run: python benchmarks/read_preview.py [--images 20000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from typing import Any

from airflow_provider_ecr_preview.core.preview.result import summary_xcom

REPOSITORY = "benchmarks/large"
POLICY = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
            "action": {"type": "expire"},
        }
    ]
}


def serve(pipe: Connection, images: int) -> None:
    from airflow_provider_ecr_preview.local import LocalEcr

    with LocalEcr() as ecr:
        ecr.create_repository(REPOSITORY)
        ecr.push_many(REPOSITORY, images + 1)
        pipe.send((ecr.endpoint_url, ecr.connection))
        while pipe.recv() == "calls":
            pipe.send(ecr.calls.count("GetLifecyclePolicyPreview"))
            ecr.calls.clear()


def start_server(images: int) -> tuple[Any, Connection]:
    pipe, child = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(child, images), daemon=True)
    server.start()
    # A server that dies must end the wait for its answer.
    child.close()
    return server, pipe


def read_with_boto3(endpoint_url: str) -> int:
    import boto3

    client = boto3.client(
        "ecr",
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    paginator = client.get_paginator("get_lifecycle_policy_preview")
    return sum(len(page["previewResults"]) for page in paginator.paginate(repositoryName=REPOSITORY))


def summarize_with_hook(hook: Any) -> dict[str, Any]:
    return dict(summary_xcom(hook.summarize_preview(REPOSITORY)))


def cpu(function: Any, *arguments: Any) -> tuple[float, Any]:
    before = time.process_time()
    result = function(*arguments)
    return time.process_time() - before, result


def measure_cpu(images: int, rounds: int) -> None:
    server, pipe = start_server(images)
    endpoint_url, connection = pipe.recv()
    os.environ["AIRFLOW_CONN_AWS_DEFAULT"] = connection
    from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook

    hook = EcrLifecyclePolicyPreviewHook()
    hook.start_preview(REPOSITORY, POLICY)
    hook.wait_for_preview(REPOSITORY, poll_interval=0.2)
    summarize_with_hook(hook)
    pipe.send("calls")
    pipe.recv()
    theirs, ours, calls = [], [], {"boto3": 0, "hook": 0}
    for _ in range(rounds):
        seconds, count = cpu(read_with_boto3, endpoint_url)
        theirs.append(seconds)
        pipe.send("calls")
        calls["boto3"] = pipe.recv()
        seconds, summary = cpu(summarize_with_hook, hook)
        ours.append(seconds)
        pipe.send("calls")
        calls["hook"] = pipe.recv()
        assert count == summary["expiring_image_count"] == images
    pipe.send("stop")
    server.join(60)
    boto3_seconds, hook_seconds = statistics.median(theirs), statistics.median(ours)
    print(f"{images} images, {rounds} rounds, median CPU seconds of the client")
    print(f"  boto3 paginator, iterated only   {boto3_seconds:.3f} s  {calls['boto3']} calls")
    print(f"  hook, read and summarised        {hook_seconds:.3f} s  {calls['hook']} calls")
    print(f"  ratio                            {hook_seconds / boto3_seconds:.2f}")
    print(f"  XCom of the summary              {len(json.dumps(summary))} bytes")


def measure_memory(images: int) -> int:
    """Return the peak memory, in KiB, of a process that summarises a preview of so many images."""
    server, pipe = start_server(images)
    _, connection = pipe.recv()
    environment = {**os.environ, "AIRFLOW_CONN_AWS_DEFAULT": connection}
    output = subprocess.run(
        [sys.executable, __file__, "--summarize-only"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=7200,
    ).stdout
    pipe.send("stop")
    server.join(60)
    return int(output.splitlines()[-1])


def summarize_only() -> None:
    from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook

    hook = EcrLifecyclePolicyPreviewHook()
    hook.start_preview(REPOSITORY, POLICY)
    hook.wait_for_preview(REPOSITORY, poll_interval=0.2)
    summarize_with_hook(hook)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", type=int, default=100_000, help="images of the large preview of the memory part")
    parser.add_argument("--summarize-only", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.summarize_only:
        summarize_only()
        return
    measure_cpu(arguments.images, arguments.rounds)
    small, large = measure_memory(1_000), measure_memory(arguments.large)
    print("peak memory of the summarising process")
    print(f"  1,000 images      {small / 1024:.0f} MiB")
    print(f"  {arguments.large:,} images    {large / 1024:.0f} MiB")
    print(f"  ratio             {large / small:.2f}")


if __name__ == "__main__":
    main()
