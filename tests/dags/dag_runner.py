"""Run a DAG in the Airflow of this process, answer its approvals, and print the results.

Its argument is JSON: ``folder``, ``dag_id``, ``conf``; ``approve``, a regular expression for the tasks that are taken for
done; ``answers``, the option that is chosen by the id of each task that asks; ``again``, the tasks that are cleared
and run once more when the run has ended; and ``then``, a DAG that is run after that, with its ``conf``, in which RUN_ID
stands for the id of the first run. What is printed is of the last run.
"""

from __future__ import annotations

import inspect
import json
import sys
import threading
from contextlib import contextmanager
from typing import Any

try:
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
except ImportError:  # Airflow 3.1
    from airflow.models.dagbag import DagBag, sync_bag_to_db
from airflow import settings
from airflow.models.asset import AssetEvent
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.models.xcom import XComModel
from airflow.sdk.definitions import dag as airflow_dag
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from sqlalchemy import select

POLL_SECONDS = 0.2

RUNNING = threading.Lock()
"""Held while a task runs: `dag.test` then writes the state of the task once more, over that of an answer given meanwhile."""

_run_task = airflow_dag._run_task


def run_task(*args: Any, **kwargs: Any) -> Any:
    """Run a task, and let no question be answered until that is over."""
    with RUNNING:
        return _run_task(*args, **kwargs)


@contextmanager
def answering(answers: dict[str, str]) -> Any:
    """Answer in the background, as the API server does for somebody who clicks."""
    if not answers:
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=answer, args=(answers, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(300)


def answer(answers: dict[str, str], ended: threading.Event) -> None:
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser  # noqa: PLC0415  # takes seconds, and few need it
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload  # noqa: PLC0415
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail  # noqa: PLC0415
    from airflow.models.hitl import HITLDetail  # noqa: PLC0415

    while not ended.wait(POLL_SECONDS):
        with RUNNING, create_session() as session:
            waiting = session.scalars(
                select(TaskInstance).where(TaskInstance.state.in_(["awaiting_input", "deferred"]))
            )
            for ti in waiting.all():
                detail = session.scalar(select(HITLDetail).where(HITLDetail.ti_id == ti.id))
                if detail is None or detail.response_received or ti.task_id not in answers:
                    continue
                update_hitl_detail(
                    ti.dag_id,
                    ti.run_id,
                    ti.task_id,
                    UpdateHITLDetailPayload(chosen_options=[answers[ti.task_id]], params_input={}),
                    SimpleAuthManagerUser(username="ada", role="admin"),
                    session,
                    ti.map_index,
                )


def run_again(dag: Any, run_id: str, task_ids: list[str]) -> None:
    """Clear tasks of a run that has ended, and run them, as somebody who clears them in the UI has it."""
    session = settings.Session()  # open to the end, because what a trigger leaves is stored by way of the task instance
    of_run = select(TaskInstance).where(TaskInstance.run_id == run_id)
    cleared = session.scalars(of_run.where(TaskInstance.task_id.in_(task_ids))).all()
    clear_task_instances(cleared, session, dag_run_state=DagRunState.RUNNING)
    session.commit()
    for task_id in task_ids:
        ti = session.scalar(of_run.where(TaskInstance.task_id == task_id))
        ti.try_number += 1
        session.commit()
        try:
            run_task(ti=ti, task=dag.task_dict[task_id], run_triggerer=True)
        except Exception as error:  # noqa: BLE001  # the result says so
            sys.stdout.write(f"{error}\n")


def main(argument: str) -> None:
    wanted = json.loads(argument)
    path = wanted["folder"]
    name = {"bundle_name": "examples"} if "bundle_name" in inspect.signature(DagBag).parameters else {}  # not in 3.1
    bag = DagBag(path, bundle_path=path, **name)
    assert not bag.import_errors, bag.import_errors
    with create_session() as session:
        session.merge(DagBundleModel(name="examples"))
    sync_bag_to_db(bag, "examples", None)
    dag = bag.dags[wanted["dag_id"]]
    airflow_dag._run_task = run_task
    with answering(wanted["answers"]):
        run = dag.test(run_conf=wanted["conf"], mark_success_pattern=wanted["approve"] or None)
    if wanted["again"]:
        run_again(dag, run.run_id, wanted["again"])
    if then := wanted["then"]:
        conf = {name: run.run_id if value == "RUN_ID" else value for name, value in then["conf"].items()}
        run = bag.dags[then["dag_id"]].test(run_conf=conf)
    with create_session() as session:
        state = session.scalar(select(DagRun.state).where(DagRun.run_id == run.run_id))
        instances = session.scalars(select(TaskInstance).where(TaskInstance.run_id == run.run_id))
        tasks = {f"{ti.task_id}[{ti.map_index}]": ti.state for ti in instances}
        results = session.scalars(select(XComModel).where(XComModel.key == "return_value"))
        values = {f"{xcom.task_id}[{xcom.map_index}]": XComModel.deserialize_value(xcom) for xcom in results}
        events = [event.extra for event in session.scalars(select(AssetEvent))]
    result = {"state": state, "tasks": tasks, "values": values, "events": events}
    sys.stdout.write(f"RESULT {json.dumps(result)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
