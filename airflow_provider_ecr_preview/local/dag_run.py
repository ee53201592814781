"""Run one DAG in this process and write the result to a file; the fixture ``run_dag`` starts this as a program.

Its argument is JSON: the file, the id of the DAG (None for the only one in the file), the configuration of the run and
the file for the result.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any


def main(argument: str) -> None:
    """Run the DAG and write the result as JSON.

    :param argument: what to run, as JSON.
    """
    # Import Airflow here: the rest of the local ECR must work without it.
    from airflow.models.dagrun import DagRun  # noqa: PLC0415
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415
    from airflow.models.xcom import XComModel  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415
    from sqlalchemy import select  # noqa: PLC0415

    wanted = json.loads(argument)
    dag = _dag(Path(wanted["file"]), wanted["dag_id"])
    run = dag.test(run_conf=wanted["conf"])
    with create_session() as session:
        state = session.scalar(select(DagRun.state).where(DagRun.run_id == run.run_id))
        instances = session.scalars(select(TaskInstance).where(TaskInstance.run_id == run.run_id)).all()
        pushed = session.scalars(select(XComModel).where(XComModel.key == "return_value")).all()
        result = {
            "state": str(state),
            "tasks": [[ti.task_id, ti.map_index, str(ti.state)] for ti in instances],
            "outputs": [[xcom.task_id, xcom.map_index, XComModel.deserialize_value(xcom)] for xcom in pushed],
        }
    Path(wanted["result"]).write_text(json.dumps(result, default=str), encoding="utf-8")


def _dag(file: Path, dag_id: str | None) -> Any:
    """Return a DAG from a file, after storing all DAGs of the file in the database, where a run looks for them."""
    try:
        from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db  # noqa: PLC0415
    except ImportError:  # Airflow 3.1
        from airflow.models.dagbag import DagBag, sync_bag_to_db  # type: ignore[no-redef]  # noqa: PLC0415
    from airflow.models.dagbundle import DagBundleModel  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415

    bundle: dict[str, Any] = (
        {"bundle_name": "tests"} if "bundle_name" in inspect.signature(DagBag).parameters else {}
    )  # not in 3.1
    bag = DagBag(str(file), bundle_path=file.parent, safe_mode=False, **bundle)
    for error in bag.import_errors.values():
        sys.exit(f"{file} cannot be imported:\n{error}")
    if dag_id is None and len(bag.dags) == 1:
        [dag_id] = bag.dags
    if dag_id not in bag.dags:
        found = ", ".join(sorted(bag.dags)) or "none"
        which = f"no DAG {dag_id}" if dag_id else "not exactly one DAG; name one with dag_id"
        sys.exit(f"{file} has {which}. DAGs at the top level of the file: {found}.")
    with create_session() as session:
        session.merge(DagBundleModel(name="tests"))
    sync_bag_to_db(bag, "tests", None)
    return bag.dags[dag_id]


if __name__ == "__main__":
    main(sys.argv[1])
