"""What system tests share, in the form of Airflow's own (``tests_common``), which is not published for others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow.sdk import DAG, TriggerRule, task


@task(trigger_rule=TriggerRule.ONE_FAILED, retries=0)
def watcher() -> None:
    """Fail the run if any task failed, also where the teardown succeeds."""
    raise RuntimeError("A task of the system test failed.")


def get_test_run(dag: DAG) -> Callable[[Any], None]:
    """Return the function that pytest collects as the test of a DAG.

    :param dag: the DAG of the system test.
    """

    def test_run(run_dag: Any) -> None:
        result = run_dag(dag.fileloc, dag.dag_id)
        assert result.state == "success", f"{result.tasks}\n{result.log[-5000:]}"

    return test_run
