"""An auth manager that knows who may read which DAG, which Airflow's simple one does not."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

READABLE = {"alice": {"payments"}, "bob": {"search"}, "carol": {"payments", "search"}, "nobody": set()}
WITHOUT_XCOM = {"nobody"}


class DagPermissions(SimpleAuthManager):
    def is_authorized_dag(
        self,
        *,
        user: SimpleAuthManagerUser,
        access_entity: DagAccessEntity | None = None,
        details: DagDetails | None = None,
        **kwargs: Any,
    ) -> bool:
        if user.username in WITHOUT_XCOM and access_entity is DagAccessEntity.XCOM:
            return False
        if details is not None and details.id is not None and details.id not in READABLE[user.username]:
            return False
        return super().is_authorized_dag(user=user, access_entity=access_entity, details=details, **kwargs)
