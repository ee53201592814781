"""Who may read what: Airflow's own authentication, and its right to read the XCom of one DAG."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated, Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from fastapi import Depends, HTTPException

AUTHENTICATED = Depends(get_user)
"""Any user who is logged in."""


User = Annotated[BaseUser, AUTHENTICATED]


_guard: Any = requires_access_dag("GET", DagAccessEntity.XCOM)


READS_XCOM = Depends(_guard)
"""Whoever may read the XComs of the DAG that the path names as ``dag_id``, the one name that Airflow's guard reads."""


PRIVATE = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
"""Headers of what one user may see and the next may not."""


def may_read_xcom(user: BaseUser, dag_id: str) -> bool:
    """Return whether a user may read the XComs of another DAG than the path names.

    :param user: the user.
    :param dag_id: the DAG.
    """
    try:
        _guard(request=SimpleNamespace(path_params={"dag_id": dag_id}, query_params={}), user=user)
    except HTTPException:
        return False
    return True
