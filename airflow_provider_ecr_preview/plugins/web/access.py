"""Who may read what: Airflow's own authentication, and its right to read the XCom of one DAG."""

from __future__ import annotations

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from fastapi import Depends

AUTHENTICATED = Depends(get_user)
"""Anybody whom Airflow knows."""

READS_XCOM = Depends(requires_access_dag("GET", DagAccessEntity.XCOM))
"""Whoever may read the XComs of the DAG that the path names as ``dag_id``, the one name that Airflow's guard reads."""

PRIVATE = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
"""Headers of what one user may see and the next may not."""
