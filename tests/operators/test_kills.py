"""Kill every kind of task halfway by SIGKILL, run it again, and print what was lost and how much was done twice.

``python -m pytest -m "" -s tests/operators/test_kills.py`` prints a line for each.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.reconciliation.execution import EVENT_NAME
from airflow_provider_ecr_preview.local import Call, Fault, LocalEcr, Registry
from airflow_provider_ecr_preview.local.event_history import HistoricEvent
from airflow_provider_ecr_preview.local.reply import Reply
from airflow_provider_ecr_preview.reports.lists import read_lines
from tests.operators.cleanup.conftest import Bench
from tests.support.policies import keep

pytestmark = [pytest.mark.changes_registry, pytest.mark.nightly]

MOST_REPEATED = 0.05
LIMIT = 300
"""Seconds after which a process that hangs fails the test."""

PLACES = ("store", "files")
"""With Airflow's task state store, and without it: then the files below the path of the results serve."""

PROCESS = """
import asyncio, importlib, json, os, sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

from airflow.providers.common.compat.sdk import TaskDeferred


class Store:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)

    def get(self, key, default=None):
        file = self.folder / key
        return json.loads(file.read_text()) if file.exists() else default

    def set(self, key, value, *, retention=None):
        new = self.folder / "new"
        new.write_text(json.dumps(value))
        new.replace(self.folder / key)

    def delete(self, key):
        (self.folder / key).unlink(missing_ok=True)


async def first_event(trigger):
    async for event in trigger.run():
        return event.payload


job = json.loads(Path(sys.argv[1]).read_text())
module, _, name = job["class"].rpartition(".")
cls = getattr(importlib.import_module(module), name)
if job["kind"] == "trigger":
    value = asyncio.run(first_event(cls(**job["arguments"])))
else:
    ti = SimpleNamespace(
        xcom_push=lambda **_: None, try_number=int(sys.argv[2]), run_id="run", map_index=-1, max_tries=2,
        task=SimpleNamespace(outlets=[]), start_date=datetime.now(UTC),
    )
    run = SimpleNamespace(start_date=datetime(2026, 1, 1, tzinfo=UTC), logical_date=None, run_after=None)
    context = {"ti": ti, "dag_run": run}
    if job["store"]:
        context["task_state_store"] = Store(job["store"])
    task = cls(task_id="task", **job["arguments"])
    try:
        value = task.execute(context) if job["kind"] == "task" else task.execute_complete(context, job["event"])
    except TaskDeferred as deferred:
        value = deferred.trigger.serialize()
Path(sys.argv[3]).write_text(json.dumps(value))
"""


@dataclass
class Killing(Fault):
    """Kills a process as a call of it arrives, and does not act on the call."""

    at: int = 0
    pid: int = 0
    seen: int = 0

    def before(self, call: Call, registry: Registry) -> Any:
        self.seen += 1
        if self.seen != self.at:
            return None
        os.kill(self.pid, signal.SIGKILL)
        return Reply.no_reply("killed")


@dataclass
class Job:
    """What a process of its own does."""

    ecr: LocalEcr
    folder: Path
    cls: str
    arguments: dict[str, Any]
    place: str = "store"
    kind: str = "task"
    event: Any = None
    attempts: int = 0
    calls: list[Call] = field(default_factory=list)

    def killed(self, operation: str, at: int) -> None:
        """Run it until it is killed at a call."""
        killing = Killing(at=at)
        with self.ecr.inject(killing, operation, calls=None):
            process = self._start()
            killing.pid = process.pid
            assert process.wait(LIMIT) == -signal.SIGKILL, self._log()
        self.calls += [call for call in self.ecr.calls if call.outcome != "killed"]

    def finished(self) -> Any:
        """Run it to its end, and return its result."""
        self.ecr.calls.clear()
        assert self._start().wait(LIMIT) == 0, self._log()
        self.calls += self.ecr.calls
        return json.loads((self.folder / "value.json").read_text())

    def _start(self) -> subprocess.Popen[bytes]:
        self.attempts += 1
        store = str(self.folder / "store") if self.place == "store" else None
        job = {"class": self.cls, "arguments": self.arguments, "store": store, "kind": self.kind, "event": self.event}
        (self.folder / "job.json").write_text(json.dumps(job))
        command = [sys.executable, "-c", PROCESS, str(self.folder / "job.json"), str(self.attempts)]
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen([*command, str(self.folder / "value.json")], stdout=log, stderr=log)

    def _log(self) -> str:
        return (self.folder / "log").read_text()[-3000:]

    def twice(self, operation: str, unit: Callable[[Call], Iterable[object]], times: int = 1) -> int:
        """Return how many units of work a call was made for more often than needed."""
        made = Counter(of for call in self.calls if call.operation == operation for of in unit(call))
        return sum(count - times for count in made.values() if count > times)


def repository_of(call: Call) -> Iterator[object]:
    yield call.repository


def report(what: str, place: str, units: int, unit: str, *, lost: int, repeated: int) -> None:
    print(f"{what:10} {place:6} {units:6,} {unit:14} {lost:4} lost  {repeated / units:6.1%} repeated")  # noqa: T201 - the table
    assert lost == 0
    assert repeated / units <= MOST_REPEATED


@pytest.fixture
def ecr(local_ecr: LocalEcr) -> LocalEcr:
    local_ecr.preview_seconds = 0.5
    return local_ecr


def make(ecr: LocalEcr, count: int, images: int = 3) -> list[str]:
    names = [f"team/service-{number:03}" for number in range(count)]
    for name in names:
        ecr.create_repository(name, policy=keep(1))
        ecr.push_many(name, images, newest_days_ago=40)
    ecr.calls.clear()
    return names


OPERATORS = "airflow_provider_ecr_preview.operators."
AUDIT = f"{OPERATORS}ecr_audit.EcrAuditLifecyclePoliciesOperator"


def report_audit(name: str, place: str, names: list[str], value: dict[str, Any], job: Job) -> None:
    """Report an audit of repositories in which two images expire each."""
    lost = len(names) - value["repository_count"] + 2 * len(names) - value["expiring_image_count"]
    repeated = max(
        job.twice(operation, repository_of) for operation in ("DescribeImages", "StartLifecyclePolicyPreview")
    )
    report(name, place, len(names), "repositories", lost=lost, repeated=repeated)


@pytest.mark.parametrize("place", PLACES)
def test_audit(ecr: LocalEcr, tmp_path: Path, place: str) -> None:
    names = make(ecr, 400)
    arguments = {"repository_names": names, "max_workers": 4, "write_image_lists": False}
    if place == "files":
        arguments |= {"reports_path": f"file://{tmp_path}/reports", "audit_id": "weekly 1"}
    job = Job(ecr, tmp_path, AUDIT, arguments, place)
    job.killed("DescribeImages", 200)
    value = job.finished()
    report_audit("audit", place, names, value, job)


@pytest.mark.parametrize("place", PLACES)
def test_triggerer(ecr: LocalEcr, tmp_path: Path, place: str) -> None:
    names = make(ecr, 40)
    ecr.preview_seconds = 600.0
    arguments: dict[str, Any] = {"repository_names": names, "deferrable": True, "poll_interval": 0.2}
    if place == "files":
        arguments |= {"reports_path": f"file://{tmp_path}/reports", "audit_id": "weekly 1", "write_image_lists": False}
    task = Job(ecr, tmp_path, AUDIT, arguments, place)
    cls, kwargs = task.finished()
    trigger = Job(ecr, tmp_path, cls, kwargs, kind="trigger")
    trigger.killed("GetLifecyclePolicyPreview", 20)
    ecr.advance(seconds=700)
    task.event = trigger.finished()
    task.kind, task.attempts = "resumed", 0
    value = task.finished()
    report_audit("triggerer", place, names, value, task)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("action", ["delete", "archive"])
def test_clean_up(ecr: LocalEcr, tmp_path: Path, action: str, place: str) -> None:
    ecr.preview_seconds = 0.0
    names = make(ecr, 30)
    summaries = [Bench(ecr, tmp_path / name.replace("/", "-")).preview(name) for name in names]
    approved = {name: previewed(summary) for name, summary in zip(names, summaries, strict=True)}
    arguments = {
        "summary": summaries,
        "action": action,
        "dry_run": False,
        "check_in_use": False,
        "max_share": "unlimited",
        "poll_interval": 0.1,
    }
    if place == "files":
        arguments["results_path"] = f"file://{tmp_path}/results.jsonl.gz"
    ecr.calls.clear()
    job = Job(ecr, tmp_path, f"{OPERATORS}ecr_cleanup.EcrDeletePreviewedImagesOperator", arguments, place)
    operation = "BatchDeleteImage" if action == "delete" else "UpdateImageStorageClass"
    job.killed(operation, 15)
    value = job.finished()
    units = sum(map(len, approved.values()))
    untouched = sum(
        image.status == "ACTIVE" and image.get_image_digest() in approved[name]
        for name in names
        for image in ecr.repository(name).local_images
    )
    touched_others = sum(len(ecr.repository(name).local_images) for name in names) - (
        len(names) if action == "delete" else 3 * len(names)
    )
    lost = untouched + abs(touched_others) + abs(units - value["touched_image_count"])

    def images(call: Call) -> Iterator[object]:
        ids = call.parameters.get("imageIds") or [call.parameters["imageId"]]
        yield from ((call.repository, image["imageDigest"]) for image in ids)

    report(
        "clean-up" if action == "delete" else "archive",
        place,
        units,
        "images",
        lost=lost,
        repeated=job.twice(operation, images),
    )


def previewed(summary: Mapping[str, Any]) -> set[str]:
    return {line["image_digest"] for line in read_lines(summary["images_uri"])}


@pytest.mark.parametrize("place", PLACES)
def test_put(ecr: LocalEcr, tmp_path: Path, place: str) -> None:
    ecr.preview_seconds = 0.0
    names = make(ecr, 30)
    wanted = keep(2)
    arguments = {
        "summary": [
            Bench(ecr, tmp_path / name.replace("/", "-")).preview(name, lifecycle_policy_text=wanted) for name in names
        ],
        "lifecycle_policy_text": wanted,
        "dry_run": False,
        "check_in_use": False,
        "max_share": "unlimited",
        "poll_interval": 0.1,
    }
    if place == "files":
        arguments["former_policies_path"] = f"file://{tmp_path}/former.jsonl.gz"
    ecr.calls.clear()
    job = Job(ecr, tmp_path, f"{OPERATORS}ecr_cleanup.EcrPutLifecyclePolicyOperator", arguments, place)
    job.killed("PutLifecyclePolicy", 15)
    value = job.finished()
    formers = {row["repository_name"]: json.loads(row["former_lifecycle_policy_text"]) for row in value["repositories"]}
    lost = sum(json.loads(ecr.repository(name).lifecycle_policy or "null") != wanted for name in names)
    lost += sum(formers.get(name) != keep(1) for name in names)
    report("put", place, len(names), "repositories", lost=lost, repeated=job.twice("PutLifecyclePolicy", repository_of))


@pytest.mark.parametrize("place", PLACES)
def test_compare(ecr: LocalEcr, tmp_path: Path, place: str) -> None:
    names = make(ecr, 150)
    arguments: dict[str, Any] = {
        "repository_names": names,
        "lifecycle_policy_text": keep(2),
        "max_workers": 4,
        "fail_on_finding": None,
    }
    if place == "files":
        arguments["results_path"] = f"file://{tmp_path}/results.jsonl.gz"
    job = Job(ecr, tmp_path, f"{OPERATORS}ecr_compare.EcrCompareLifecyclePoliciesOperator", arguments, place)
    job.killed("DescribeImages", 220)
    value = job.finished()
    lost = len(names) - value["repository_count"]
    lost += sum(
        abs(policy["expiring_image_count"] - count * len(names))
        for policy, count in zip(value["policies"], (2, 1), strict=True)
    )
    if place == "files":
        lost += abs(sum(1 for _ in read_lines(arguments["results_path"])) - len(names))
    repeated = max(job.twice(name, repository_of, 2) for name in ("DescribeImages", "StartLifecyclePolicyPreview"))
    report("compare", place, 2 * len(names), "previews", lost=lost, repeated=repeated)


@pytest.mark.parametrize("place", PLACES)
def test_reconcile(ecr: LocalEcr, tmp_path: Path, place: str) -> None:
    ecr.preview_seconds = 0.0
    [name] = make(ecr, 1)
    summary = Bench(ecr, tmp_path).preview(name)
    ecr.run_lifecycle_policies()
    [event] = [found for found in ecr.events if found.record["eventName"] == EVENT_NAME]  # type: ignore[index]
    record: Any = event.record
    for number in range(2_000):
        details = {**record["serviceEventDetails"], "repositoryName": f"team/other-{number}"}
        other = {**record, "eventID": str(uuid.uuid4()), "serviceEventDetails": details}
        happened_at = event.happened_at + timedelta(seconds=number)
        ecr.events.record(HistoricEvent(event.account, event.region, happened_at, other))
    arguments: dict[str, Any] = {"summary": summary, "end_time": "2100-01-01T00:00:00Z"}
    if place == "files":
        arguments["results_path"] = f"file://{tmp_path}/results.jsonl.gz"
    job = Job(ecr, tmp_path, f"{OPERATORS}ecr_reconcile.EcrReconcileLifecycleOperator", arguments, place)
    pages = 2_001 // 50 + 1
    with ecr.inject(counting := Counting(), "LookupEvents", calls=None):
        job.killed("LookupEvents", pages // 2)
        value = job.finished()
    lost = 1 - value["statuses"].get("reconciled", 0) + 2 - value["counts"].get("expired_as_previewed", 0)
    # The call at which it was killed got no answer.
    report("reconcile", place, pages, "pages", lost=lost, repeated=counting.count - 1 - pages)


class Counting(Fault):
    """Counts calls."""

    count = 0

    def before(self, call: Call, registry: Registry) -> None:
        self.count += 1
