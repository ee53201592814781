"""The example that watches policies, under the real scheduler and triggerer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.local import LocalEcr

ROOT = Path(__file__).parents[2]


def test_a_run_that_a_person_triggers_without_events_changes_nothing(
    team_ecr: LocalEcr, run_dag: Callable[..., dict[str, Any]], untouched_form: Callable[[str], dict[str, Any]]
) -> None:
    result = run_dag("ecr_watch_policies", untouched_form("ecr_watch_policies"))
    assert result["state"] == "success", result["log"][-3000:]
    assert {task: state for task, state in result["tasks"].items() if state != "success"} == {
        f"{task}[-1]": "skipped" for task in ("preview_former", "plan", "approve", "in_use_now", "restore")
    }
    assert not team_ecr.calls.mutating


@pytest.mark.nightly
def test_an_event_is_a_finding_that_names_who_changed_the_policy_within_60_seconds_and_the_policy_is_restored() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "watch_policies.py")],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert ":user/anna" in done.stdout.replace("\n", "")
