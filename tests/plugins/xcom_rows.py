"""Write the rows in which Airflow keeps XCom: one by task instance since Airflow 3.4, where ``XComModel`` is a view."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import delete, insert, select, update

try:
    from airflow.models.xcom import XComModelV2 as XComRow
except ImportError:  # before Airflow 3.4
    XComRow = XComModel

BY_INSTANCE = XComRow is not XComModel

INSTANCES, XCOMS = TaskInstance.__table__, XComRow.__table__

INDEX = "map_index" if "map_index" in INSTANCES.c else "region_index"
"""The column of the map index; Airflow 3.4 has renamed it."""


def replace(key: str, value: Any, **its: Any) -> None:
    """Put a value in the place of one that is there, as Airflow keeps it, and not in the form in which each release takes it."""
    if BY_INSTANCE:
        XComModel.set(key, value, serialize=False, **its)
        return
    with create_session() as session:
        assert session.execute(update(XComModel).filter_by(**its, key=key).values(value=value)).rowcount == 1


def remove(keys: Iterable[str]) -> None:
    with create_session() as session:
        session.execute(delete(XComRow).where(XComRow.key.in_([*keys])))


def copy(key: str, indexes: Iterable[int], **its: Any) -> None:
    """Give a mapped task further instances, each with the XCom of the one that is named."""
    with create_session() as session:
        columns = {INDEX if name == "map_index" else name: value for name, value in its.items()}
        instance = dict(session.execute(select(INSTANCES).filter_by(**columns)).mappings().one())
        of_instance = {"task_instance_id": instance["id"]} if BY_INSTANCE else its
        xcom = dict(session.execute(select(XCOMS).filter_by(**of_instance, key=key)).mappings().one())
        new_id = (lambda: str(uuid.uuid4())) if isinstance(instance["id"], str) else uuid.uuid4
        instances = [{**instance, "id": new_id(), INDEX: index} for index in indexes]
        session.execute(insert(INSTANCES), instances)
        if BY_INSTANCE:
            rows = [{**xcom, "id": uuid.uuid4(), "task_instance_id": copied["id"]} for copied in instances]
        else:
            rows = [{**xcom, "map_index": copied[INDEX]} for copied in instances]
        session.execute(insert(XCOMS), rows)


def remove_copies(first: int) -> None:
    """Remove the instances from a map index on, and their XCom."""
    copies = INSTANCES.c[INDEX] >= first
    with create_session() as session:
        if BY_INSTANCE:
            ids = select(INSTANCES.c.id).where(copies)
            session.execute(delete(XCOMS).where(XCOMS.c.task_instance_id.in_(ids)))
        else:
            session.execute(delete(XCOMS).where(XCOMS.c.map_index >= first))
        session.execute(delete(INSTANCES).where(copies))
