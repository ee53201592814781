"""Guard the routes with Airflow's own authentication, and its right to read the XCom of one DAG."""

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
"""Users who may read the XComs of the DAG in the path as ``dag_id``, the only name that Airflow's guard reads."""


PRIVATE = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
"""Headers of responses that one user may see and another may not."""


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
