"""What 45 hostile requests at a time of one user cost another user of the same API server, and Airflow itself.

A real API server with the plugin, one process as in a small deployment. One user reads a list of 100,000 images, page by page,
and asks for Airflow's version. Another user may write DAGs: files of a megabyte that unpack to 850, lists of a million images,
audits that name 10,000 tables, results of any shape. 45 of that user's requests are under way all the time, each followed by the
next as soon as it is answered, among them searches, downloads and pages of a list that is in order.

Quiet and loaded times take turns. The 95th percentile under load may be three times the quiet one, or 300 ms.

Run: python benchmarks/hostile_requests.py [--seconds 15] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import math
import random
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import httpx
import psutil
from image_pages import SEED, memory_mib, server_of, write_images
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

from local_airflow import LocalAirflow, free_port  # beside this folder

CONCURRENT = 45
MOST_TIMES = 3
MOST_SECONDS = 0.3
IMAGES = 100_000
BOMBS = 8
USERS = {"admin": "admin", "reader": "viewer", "hostile": "viewer"}

DAG = """
import json
from pathlib import Path
from airflow.sdk import DAG, task

VALUES = json.loads(Path(__file__).with_name("values.json").read_text())

@task
def value(number):
    return VALUES[number]

with DAG("benchmark", schedule=None) as dag:
    value.expand(number=list(range(len(VALUES))))
"""

IMAGE = {
    "image_digest": "sha256:" + "0" * 64,
    "image_tags": ["latest"],
    "image_pushed_at": "2026-01-01T00:00:00+00:00",
    "action": "EXPIRE",
    "applied_rule_priority": 1,
    "target_storage_class": None,
    "storage_class": "STANDARD",
    "image_size_in_bytes": 1,
    "last_recorded_pull_time": None,
    "image_manifest_media_type": "x" * 500,
    "artifact_media_type": None,
}


def write_bomb(path: Path, line: bytes, size: int) -> None:
    """Write a file that unpacks to as many bytes of the same line."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    lines = line * (2**20 // len(line) + 1)
    with path.open("wb") as file:
        for _ in range(size // len(lines)):
            file.write(packer.compress(lines))
        file.write(packer.flush())


def summary(uri: Any) -> dict[str, Any]:
    return {"schema": "ecr-lifecycle-preview-summary/1", "images_uri": uri}


def audit(**others: Any) -> dict[str, Any]:
    return {"schema": "ecr-lifecycle-audit/1", "audit_id": "a", "audited_at": "2026-01-01T00:00:00+00:00", **others}


def write_values(folder: Path) -> list[Any]:
    """Write files as the hostile user's tasks may, and return what those tasks push; the first is the list in order."""
    root = f"file://{folder}"
    write_images(f"{root}/good.jsonl.gz", IMAGES)
    write_images(f"{root}/own.jsonl.gz", IMAGES)
    write_images(f"{root}/large.jsonl.gz", 3 * IMAGES)
    write_bomb(folder / "lines-0.jsonl.gz", json.dumps(IMAGE).encode() + b"\n", 850 * 2**20)
    for number in range(1, BOMBS):
        shutil.copy(folder / "lines-0.jsonl.gz", folder / f"lines-{number}.jsonl.gz")
    write_bomb(folder / "line.jsonl.gz", b"[" * 2**20, 850 * 2**20)
    write_bomb(folder / "blank.jsonl.gz", b"\n" * 2**20, 850 * 2**20)
    (folder / "members.jsonl.gz").write_bytes(gzip.compress(b"") * 200_000)
    row = f"a,,2026-01-01T00:00:00+00:00,team/x,failed,Error,{'x' * 300}\n"
    (folder / "table.csv").write_text(CSV_HEAD + row * 50_000)
    (folder / "line.csv").write_text(CSV_HEAD + "x" * 200 * 2**20)
    lists = ["own", "large", "line", "blank", "members", *(f"lines-{number}" for number in range(BOMBS))]
    return [
        summary(f"{root}/good.jsonl.gz"),
        *(summary(f"{root}/{name}.jsonl.gz") for name in lists),
        audit(table_uris=[f"{root}/table.csv"] * 10_000),
        audit(table_uris=[f"{root}/line.csv"]),
        *(summary(uri) for uri in (7, {}, f"{root}/../x", f"{root}/{'x' * 5000}", "file:///proc/self/mem")),
        audit(summaries=7, top={"a": 1}),
        audit(summaries=[7], top=[None]),
        audit(report_uri=7, audited_at=7, audit_id=7),
        audit(table_uris=7),
        [[[]]] * 10_000,
    ]


CSV_HEAD = (
    "audit_id,audit_name,audited_at,repository_name,status,error,message,preview_call_count,previewed_at,"
    "policy_fingerprint,images_fingerprint,expiring_image_count,archiving_image_count,tagged_image_count,"
    "untagged_image_count,total_image_count,expiring_bytes_upper_bound,oldest_pushed_at,newest_pushed_at,"
    "critical_finding_count,warning_finding_count,info_finding_count,finding_codes,images_uri\n"
)


def hostile_request(values: int) -> tuple[str, dict[str, Any]]:
    """Return one of the requests, at random."""
    whole = {"repository_name": "team/x", "registry_id": "1", "region_name": "r"}
    search = random.choice(["", "build-1", "commit", "sha", "nothing", "9", "x" * 300])
    page = {
        "map_index": 1,
        "search": search,
        "sort": random.choice(["image_pushed_at", "image_tags", "image_size_in_bytes", "image_digest"]),
        "descending": random.random() < 0.5,
        "offset": random.randrange(IMAGES),
        "limit": 500,
        "action": random.choice(["", "ANY", "EXPIRE", "KEEP"]),
    }
    what = random.choice(["images", "images/timeline", "images/rules", "repositories"])
    return random.choice(
        [
            ("images", page),
            ("images/timeline", {"map_index": 1, "search": search}),
            ("images.csv", {"map_index": 1, "search": search}),
            (what, {"map_index": random.randrange(1, values), **random.choice([{}, whole])}),
            (what, {"map_index": random.randrange(1, values), **random.choice([{}, whole])}),
            (what, {"map_index": random.randrange(1, values), **random.choice([{}, whole])}),
        ]
    )


async def attack(base: str, token: str, values: int) -> None:
    """Keep the requests under way until somebody ends this process; say at the end what was answered."""
    answers: Counter[str] = Counter()
    limits = httpx.Limits(max_connections=CONCURRENT)
    headers = {"Authorization": f"Bearer {token}"}

    async def go_on(client: httpx.AsyncClient) -> None:
        while True:
            path, params = hostile_request(values)
            try:
                answers[str((await client.get(path, params=params)).status_code)] += 1
            except httpx.HTTPError as error:
                answers[type(error).__name__] += 1
            print(json.dumps(answers), flush=True)

    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=120, limits=limits, trust_env=False) as client:
        await asyncio.gather(*(go_on(client) for _ in range(CONCURRENT)))


class Measure(NamedTuple):
    """How another user is answered."""

    client: httpx.Client
    base: str
    seconds: float


def measured(measure: Measure) -> dict[str, list[float]]:
    """Return how long each answer took, asked for one after the other."""
    client, base, seconds = measure
    found: dict[str, list[float]] = {"a page of another user": [], "/api/v2/version": []}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        page = {"map_index": 0, "offset": random.randrange(IMAGES), "sort": "image_size_in_bytes"}
        for name, path, params in [
            ("a page of another user", f"{base}images", page),
            ("/api/v2/version", "/api/v2/version", {}),
        ]:
            began = time.perf_counter()
            answer = client.get(path, params=params)
            # What is refused has not been answered in time.
            found[name].append(time.perf_counter() - began if answer.is_success else math.inf)
        time.sleep(0.05)
    return found


def percentile(taken: list[float]) -> float:
    return sorted(taken)[math.ceil(0.95 * len(taken)) - 1]


class Attack:
    """The hostile requests, in a process of their own."""

    def __init__(self, base: str, token: str, values: int) -> None:
        self._command = [sys.executable, __file__, "--attack", base, token, str(values)]

    def __enter__(self) -> Self:
        self._output = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(self._command, stdout=self._output)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(60)
        self._output.seek(0)
        lines = self._output.read().splitlines()
        self._output.close()
        self.answers: Counter[str] = Counter(json.loads(lines[-1]) if lines else {})


def token_of(client: httpx.Client, user: str) -> str:
    answer = client.post("/auth/token", json={"username": user, "password": user})
    token: str = answer.raise_for_status().json()["access_token"]
    return token


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--attack", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.attack:
        base, token, values = arguments.attack
        asyncio.run(attack(base, token, int(values)))
        return
    console, port = Console(width=120), free_port()
    airflow = LocalAirflow("api-server", registry=None, preview_seconds=0, port=port, console=console)
    with tempfile.TemporaryDirectory() as name, airflow, airflow.reporting("benchmark-logs"):
        folder = Path(name)
        values = write_values(folder)
        (folder / "values.json").write_text(json.dumps(values))
        (folder / "benchmark.py").write_text(DAG)
        (folder / "passwords.json").write_text(json.dumps({user: user for user in USERS}))
        airflow.processes.environment |= {
            "AIRFLOW__ECR_PREVIEW__REPORTS_PATH": f"file://{folder}",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
        }
        airflow.start()
        airflow.processes.run("seed", [sys.executable, "-c", SEED, name])
        output = airflow.processes.log("seed").read_text().splitlines()
        [run_id] = [line.removeprefix("RUN ") for line in output if line.startswith("RUN ")]
        base = f"{airflow.url}/ecr-preview/dags/benchmark/runs/{quote(run_id)}/tasks/value/"
        with httpx.Client(base_url=airflow.url, trust_env=False, timeout=300) as client:
            hostile = token_of(client, "hostile")
            client.headers["Authorization"] = f"Bearer {token_of(client, 'reader')}"
            client.get(f"{base}images", params={"map_index": 0}).raise_for_status()
            hostility = Attack(base, hostile, len(values))
            if not report(
                console, Measure(client, base, arguments.seconds), hostility, server_of(port), arguments.rounds
            ):
                sys.exit(1)


def report(console: Console, measure: Measure, attack: Attack, server: psutil.Process, rounds: int) -> bool:
    quiet: dict[str, list[float]] = {}
    loaded: dict[str, list[float]] = {}
    answers: Counter[str] = Counter()
    before = memory_mib(server)
    for _ in range(rounds):
        add(quiet, measured(measure))
        with attack:
            time.sleep(2)
            add(loaded, measured(measure))
        answers += attack.answers
        time.sleep(5)
    title = f"{CONCURRENT} hostile requests at a time, {rounds} rounds of {measure.seconds:.0f} s; 95th percentiles"
    table = Table(title=title)
    for heading in ("of another user", "quiet ms", "loaded ms", "times", "allowed ms", "slowest ms", "answers"):
        table.add_column(heading, justify="left" if heading.startswith("of") else "right")
    is_met = True
    for name, times in loaded.items():
        alone, beside = percentile(quiet[name]), percentile(times)
        allowed = max(MOST_TIMES * alone, MOST_SECONDS)
        is_met &= beside <= allowed
        figures = (alone * 1000, beside * 1000, beside / alone, allowed * 1000, max(times) * 1000)
        table.add_row(name, *(f"{figure:,.1f}" for figure in figures), f"{len(times):,}")
    console.print(table)
    console.print(f"What the hostile user was answered: {dict(sorted(answers.items()))}.")
    console.print(f"The server's memory grew by {memory_mib(server) - before:.1f} MiB from {before:.0f} MiB.")
    console.print("The bound is met." if is_met else "[red]The bound is missed.[/]")
    return is_met and not any(status.startswith("5") and status != "503" for status in answers)


def add(all_times: dict[str, list[float]], times: dict[str, list[float]]) -> None:
    for name, taken in times.items():
        all_times.setdefault(name, []).extend(taken)


if __name__ == "__main__":
    main()
