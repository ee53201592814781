"""Links to the tab of a task in the Airflow UI."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_ecr_preview.settings import TAB_ROUTE, tabs_are_shown

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class EcrPreviewTabLink(BaseOperatorLink):
    """Link to the tab with the result of the task."""

    name = "ECR preview"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the address of the tab, relative to the address of Airflow; an empty text if the pages are turned off.

        :param operator: the task.
        :param ti_key: the task instance.
        """
        if not tabs_are_shown():
            return ""
        dag_id, run_id, task_id = (quote(key, safe="") for key in (ti_key.dag_id, ti_key.run_id, ti_key.task_id))
        mapped = f"/mapped/{ti_key.map_index}" if ti_key.map_index is not None and ti_key.map_index >= 0 else ""
        # No leading slash, so that the link also works if Airflow is served below a path.
        return f"dags/{dag_id}/runs/{run_id}/tasks/{task_id}{mapped}/plugin/{TAB_ROUTE}"
