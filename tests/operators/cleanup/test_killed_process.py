"""A process that is killed between what it wrote down and its call loses nothing: the journal names what it was about to do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from airflow_provider_ecr_preview.local import Call, Fault, LocalEcr, Registry
from airflow_provider_ecr_preview.local.reply import Reply
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrPutLifecyclePolicyOperator
from airflow_provider_ecr_preview.reports.lists import read_lines
from tests.support.policies import keep

pytestmark = [pytest.mark.changes_registry, pytest.mark.nightly]

REPOSITORIES = ("payments/api", "shop/web")

TASK = """
import json, sys
from unittest import mock
from airflow_provider_ecr_preview.operators import ecr_cleanup

name, arguments, try_number = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
ti = mock.Mock(spec=["xcom_push", "try_number", "run_id", "map_index"], try_number=try_number, run_id="run", map_index=-1)
operator = getattr(ecr_cleanup, name)(task_id="task", dry_run=False, poll_interval=0.1, **arguments)
print("RESULT", json.dumps(operator.execute({"ti": ti})))
"""


@dataclass
class Killing(Fault):
    """Kills the process as its second call that changes something arrives, and does not act on the call."""

    pids: list[int] = field(default_factory=list)
    seen: int = 0

    def before(self, call: Call, registry: Registry) -> Any:
        if not call.is_mutating:
            return None
        self.seen += 1
        if self.seen != 2:
            return None
        os.kill(self.pids[-1], signal.SIGKILL)
        return Reply.no_reply("killed")


@dataclass
class Attempts:
    """The attempts at one task, each a process of its own."""

    ecr: LocalEcr
    folder: Path
    operator: str
    arguments: dict[str, Any]

    def killed(self) -> list[dict[str, Any]]:
        """Run the first attempt, which is killed at its second call, and return what its journal has."""
        killing = Killing()
        with self.ecr.inject(killing, calls=None):
            process = subprocess.Popen(self._command(1), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            killing.pids.append(process.pid)
            assert process.wait(300) == -signal.SIGKILL
        parts = sorted(self.folder.rglob("*.parts/**/*.jsonl"))
        return [json.loads(line) for part in parts for line in part.read_text().splitlines()]

    def finished(self) -> dict[str, Any]:
        """Run the second attempt to its end, and return its result."""
        done = subprocess.run(self._command(2), capture_output=True, text=True, check=False, timeout=300)
        results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        assert results, done.stdout[-3000:] + done.stderr[-3000:]
        value: dict[str, Any] = json.loads(results[-1].removeprefix("RESULT "))
        return value

    def _command(self, attempt: int) -> list[str]:
        return [sys.executable, "-c", TASK, self.operator, json.dumps(self.arguments), str(attempt)]


def states(ecr: LocalEcr) -> dict[str, str]:
    return {
        image.get_image_digest(): image.status for name in REPOSITORIES for image in ecr.repository(name).local_images
    }


def touched(ecr: LocalEcr, before: dict[str, str]) -> set[str]:
    now = states(ecr)
    return {digest for digest, status in before.items() if now.get(digest) != status}


@pytest.mark.parametrize("action", ["delete", "archive"])
def test_a_killed_clean_up_has_written_down_what_it_did_and_was_about_to_do(
    bench: Any, tmp_path: Path, action: str
) -> None:
    bench.ecr.create_repository(REPOSITORIES[1], policy=keep(1))
    bench.ecr.push_many(REPOSITORIES[1], 4, newest_days_ago=40)
    summaries = [bench.preview(name) for name in REPOSITORIES]
    before, results = states(bench.ecr), tmp_path / "results.jsonl.gz"
    arguments = {
        "summary": summaries,
        "action": action,
        "check_in_use": False,
        "max_share": "unlimited",
        "results_path": f"file://{results}",
    }
    attempts = Attempts(bench.ecr, tmp_path, "EcrDeletePreviewedImagesOperator", arguments)
    entries = attempts.killed()
    sent = {image["image_digest"] for entry in entries for image in entry.get("about_to_send", {}).get("images", ())}
    assert touched(bench.ecr, before)
    assert touched(bench.ecr, before) < sent
    value = attempts.finished()
    gone = touched(bench.ecr, before)
    assert (value["status"], value["touched_image_count"]) == ("done", len(gone))
    assert len(gone) == 13
    lines = [*read_lines(f"file://{results}")]
    assert {line["image_digest"] for line in lines if line["status"] in ("deleted", "archived")} == gone
    assert {line["attempt"] for line in lines} == {1, 2}
    assert not list(tmp_path.rglob("*.parts/**/*.jsonl"))


@pytest.mark.parametrize("action", ["put", "restore"])
def test_a_killed_change_of_policies_has_written_down_what_it_replaced(bench: Any, tmp_path: Path, action: str) -> None:
    formers = dict(zip(REPOSITORIES, (keep(10), keep(3)), strict=True))
    bench.ecr.create_repository(REPOSITORIES[1], policy=formers[REPOSITORIES[1]])
    bench.ecr.push_many(REPOSITORIES[1], 4, newest_days_ago=40)
    wanted = keep(2)
    put = {
        "summary": [bench.preview(name, lifecycle_policy_text=wanted) for name in REPOSITORIES],
        "lifecycle_policy_text": wanted,
        "check_in_use": False,
        "max_share": "unlimited",
    }
    path = f"file://{tmp_path}/former.jsonl.gz"
    if action == "put":
        attempts = Attempts(bench.ecr, tmp_path, "EcrPutLifecyclePolicyOperator", {**put, "former_policies_path": path})
        before, after = formers, dict.fromkeys(REPOSITORIES, wanted)
    else:
        applied = EcrPutLifecyclePolicyOperator(
            task_id="put",
            dry_run=False,
            poll_interval=0.1,
            former_policies_path=f"file://{tmp_path}/put.jsonl.gz",
            **put,
        ).execute(_context())
        arguments = {"applied": applied, "former_policies_path": path, "preview_restored": False}
        attempts = Attempts(bench.ecr, tmp_path, "EcrRestoreLifecyclePolicyOperator", arguments)
        before, after = dict.fromkeys(REPOSITORIES, wanted), formers
    entries = attempts.killed()
    assert {value["repository_name"] for entry in entries for value in entry.values()} == set(REPOSITORIES)
    assert [policy_of(bench.ecr, name) for name in REPOSITORIES] == [after[REPOSITORIES[0]], before[REPOSITORIES[1]]]
    value = attempts.finished()
    assert (value["status"], value["changed_repository_count"]) == ("changed", 2)
    assert {name: policy_of(bench.ecr, name) for name in REPOSITORIES} == after
    replaced = {
        row["repository_name"]: json.loads(row["former_lifecycle_policy_text"]) for row in value["repositories"]
    }
    assert replaced == before
    assert not list(tmp_path.rglob("*.parts/**/*.jsonl"))


def policy_of(ecr: LocalEcr, name: str) -> Any:
    return json.loads(ecr.repository(name).lifecycle_policy or "null")


def _context() -> Any:
    return {"ti": mock.Mock(spec=["xcom_push", "try_number"], try_number=1)}
