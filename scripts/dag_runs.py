"""Runs of DAGs in a local Airflow, from the trigger to the end of every task."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from local_airflow import LocalAirflow

FINISHED = ("success", "failed", "skipped", "upstream_failed")

_RUN_SECONDS = 300
_ASKED = ("awaiting_input", "deferred")
"""The state of a task that waits for a person, in Airflow 3.3 and before."""


def run_dag(
    airflow: LocalAirflow,
    dag_id: str,
    run_id: str,
    conf: dict[str, Any],
    answer: Literal["Approve", "Reject"] | None = None,
) -> dict[str, str]:
    """Trigger a DAG, say which tasks do not succeed, and return the state of every task when all have ended.

    :param airflow: where it runs.
    :param dag_id: the DAG.
    :param run_id: name of the run.
    :param conf: its parameters.
    :param answer: what to answer, over Airflow's API, to the task ``approve``.
    """
    run = f"dags/{dag_id}/dagRuns/{run_id}"
    airflow.post(f"dags/{dag_id}/dagRuns", {"dag_run_id": run_id, "logical_date": None, "conf": conf})
    states: dict[str, str] = {}
    deadline = time.monotonic() + _RUN_SECONDS
    with airflow.progress.step(f"DAG {dag_id}"):
        state = "queued"
        while state not in FINISHED:
            if time.monotonic() > deadline:
                airflow.fail(f"The DAG run is {state} after {_RUN_SECONDS} s.", "scheduler.log")
            airflow.pause()
            # Read first, so that the tasks below are at least as far as the run says.
            state = airflow.get(run)["state"]
            for task in airflow.get(f"{run}/taskInstances?order_by=end_date")["task_instances"]:
                name = _name(task)
                if task["state"] in FINISHED and name not in states:
                    states[name] = task["state"]
                    if task["state"] not in ("success", "skipped"):
                        airflow.progress.done(f"  {name}: {task['state']}", task["duration"])
                if task["state"] == "failed":
                    airflow.fail(f"The task {name} failed.", f"dag_id=*/*/task_id={task['task_id']}/**/*.log")
                if answer and task["task_id"] == "approve" and task["state"] in _ASKED:
                    if not airflow.may_be_answered(dag_id, run_id, "approve"):
                        continue
                    airflow.patch(
                        f"{run}/taskInstances/approve/-1/hitlDetails", {"chosen_options": [answer], "params_input": {}}
                    )
                    airflow.progress.done(f"  answered over Airflow's API: {answer}")
                    answer = None
    return states


def _name(task: dict[str, Any]) -> str:
    return task["task_id"] if task["map_index"] < 0 else f"{task['task_id']}[{task['map_index']}]"
