"""What a page of a long image list costs Airflow's API server: time of each answer, and memory of the server.

A real API server with the plugin, one process as in a small deployment, and a task that has written a list of 100,000
images. The pages are asked for over HTTP one after the other, as the front end does: first, anywhere, sorted, searched,
and the whole as CSV. Memory is the resident set of all processes of the server, before the first page and after all.

Run: python benchmarks/image_pages.py [--images 100000] [--rounds 10]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

from local_airflow import PASSWORD, USER, LocalAirflow, free_port  # beside this folder

SEED = """
import inspect, sys
try:
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
except ImportError:  # Airflow 3.1
    from airflow.models.dagbag import DagBag, sync_bag_to_db
from airflow.models.dagbundle import DagBundleModel
from airflow.utils.session import create_session

folder = sys.argv[1]
name = {"bundle_name": "benchmark"} if "bundle_name" in inspect.signature(DagBag).parameters else {}  # not in 3.1
bag = DagBag(folder, bundle_path=folder, **name)
with create_session() as session:
    session.merge(DagBundleModel(name="benchmark"))
sync_bag_to_db(bag, "benchmark", None)
print("RUN", bag.dags["benchmark"].test().run_id)
"""

DAG = """
from airflow.sdk import DAG, task

@task
def preview():
    return {{"schema": "ecr-lifecycle-preview-summary/1", "images_uri": "{uri}"}}

with DAG("benchmark", schedule=None) as dag:
    preview()
"""

MOST_SECONDS = 0.2
MOST_MIB = 50


def write_images(uri: str, count: int) -> None:
    from airflow_provider_ecr_preview.core.ecr_values import EXPIRE
    from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
    from airflow_provider_ecr_preview.reports.lists import image_list

    began = datetime(2024, 1, 1, tzinfo=UTC)
    with image_list(uri) as written:
        for number in range(count):
            written.write(
                PreviewedImage(
                    image_digest=f"sha256:{number * 0x9E3779B97F4A7C15 % 2**256:064x}",
                    image_tags=(f"build-{number}", f"commit-{number * 7919 % 2**32:08x}"),
                    image_pushed_at=began + timedelta(minutes=7 * number),
                    action=EXPIRE,
                    applied_rule_priority=number % 9 + 1,
                    storage_class="STANDARD",
                    image_size_in_bytes=number * 7919 % 10**9,
                    last_recorded_pull_time=began + timedelta(minutes=9 * number) if number % 2 else None,
                    image_manifest_media_type="application/vnd.oci.image.manifest.v1+json",
                    artifact_media_type="application/vnd.oci.image.config.v1+json",
                )
            )


def memory_mib(server: psutil.Process) -> float:
    return sum(process.memory_info().rss for process in [server, *server.children(recursive=True)]) / 2**20


def server_of(port: int) -> psutil.Process:
    """Return the process below this one that everything of the API server descends from."""
    for child in psutil.Process().children():
        below = [child, *child.children(recursive=True)]
        if any(connection.laddr.port == port for process in below for connection in process.net_connections("inet")):
            return child
    raise LookupError(port)


def requests(images: int) -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        "the first rows": ("images", {}),
        "rows in the middle": ("images", {"offset": images // 2}),
        "the last rows, by size, descending": (
            "images",
            {"offset": images - 100, "sort": "image_size_in_bytes", "descending": True},
        ),
        "by tag": ("images", {"sort": "image_tags", "offset": images // 2}),
        "a search that finds much": ("images", {"search": "build-1", "sort": "last_recorded_pull_time"}),
        "a search that finds nothing": ("images", {"search": "nothing"}),
        "one rule, by digest": ("images", {"rule": 3, "sort": "image_digest", "offset": images // 20}),
        "500 rows": ("images", {"limit": 500}),
        "the timeline": ("images/timeline", {}),
    }


def measure(client: httpx.Client, path: str, params: dict[str, Any]) -> float:
    began = time.perf_counter()
    client.get(path, params=params).raise_for_status().read()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    console, port = Console(width=120), free_port()
    airflow = LocalAirflow("api-server", registry=None, preview_seconds=0, port=port, console=console)
    with tempfile.TemporaryDirectory() as folder, airflow, airflow.reporting("benchmark-logs"):
        uri = f"file://{folder}/images.jsonl.gz"
        write_images(uri, arguments.images)
        (Path(folder) / "benchmark.py").write_text(DAG.format(uri=uri))
        airflow.processes.environment["AIRFLOW__ECR_PREVIEW__REPORTS_PATH"] = f"file://{folder}"
        airflow.start()
        airflow.processes.run("seed", [sys.executable, "-c", SEED, folder])
        output = airflow.processes.log("seed").read_text().splitlines()
        [run_id] = [line.removeprefix("RUN ") for line in output if line.startswith("RUN ")]
        base = f"{airflow.url}/ecr-preview/dags/benchmark/runs/{run_id}/tasks/preview/"
        with httpx.Client(base_url=base, trust_env=False, timeout=60) as client:
            answer = client.post(f"{airflow.url}/auth/token", json={"username": USER, "password": PASSWORD})
            client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
            # What Airflow itself loads for the first request of all, and our modules, is not the list's.
            client.get("images", params={"map_index": 7})
            server = server_of(port)
            report(console, client, server, arguments.images, arguments.rounds)


def report(console: Console, client: httpx.Client, server: psutil.Process, images: int, rounds: int) -> None:
    before = memory_mib(server)
    first = measure(client, "images", {})
    table = Table(title=f"{images:,} images, {rounds} rounds; the very first page took {first:.2f} s")
    for heading in ("what is asked for", "median ms", "slowest ms"):
        table.add_column(heading, justify="left" if heading.startswith("what") else "right")
    slowest = 0.0
    for name, (path, params) in requests(images).items():
        taken = [measure(client, path, params) for _ in range(rounds)]
        slowest = max(slowest, statistics.median(taken))
        table.add_row(name, f"{statistics.median(taken) * 1000:.0f}", f"{max(taken) * 1000:.0f}")
    table.add_row("the whole as CSV", f"{measure(client, 'images.csv', {}) * 1000:,.0f}", "")
    grown = memory_mib(server) - before
    console.print(table)
    console.print(f"The slowest median is {slowest * 1000:.0f} ms, allowed are {MOST_SECONDS * 1000:.0f} ms.")
    console.print(f"The server's memory grew by {grown:.1f} MiB from {before:.0f} MiB, allowed are {MOST_MIB} MiB.")
    if slowest > MOST_SECONDS or grown > MOST_MIB:
        sys.exit(1)


if __name__ == "__main__":
    main()
