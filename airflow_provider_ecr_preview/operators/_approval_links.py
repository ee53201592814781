"""Links from the question of an approval to the pages and files that it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from airflow_provider_ecr_preview.core.parameters.values import decoded
from airflow_provider_ecr_preview.core.xcom.audit import AUDIT_SCHEMA
from airflow_provider_ecr_preview.settings import RUN_TAB_ROUTE, TAB_ROUTE, base_path, reports_paths, tabs_are_shown


def question_links(
    ti: Any,
    *,
    summary: Any,
    summary_task_ids: Sequence[str],
    dry_run_task_ids: Sequence[str],
    question_uri: str | None,
) -> dict[str, str]:
    """Return the addresses of pages and files about a question, by title; none if the pages are turned off.

    A file is only named if it lies below ``[ecr_preview] reports_path``, because the API server opens no other.

    :param ti: the task instance of the approval.
    :param summary: what is to be approved.
    :param summary_task_ids: the tasks whose results that is.
    :param dry_run_task_ids: the tasks whose result is the dry run.
    :param question_uri: where the question is kept; None if it is only kept in XCom.
    """
    if not tabs_are_shown() or not isinstance(ti.run_id, str) or not isinstance(ti.dag_id, str):
        return {}
    dag_id, run_id = quote(ti.dag_id, safe=""), quote(ti.run_id, safe="")
    run = f"{base_path()}/dags/{dag_id}/runs/{run_id}"
    files = f"{base_path()}/ecr-preview/dags/{dag_id}/runs/{run_id}/tasks"
    links = {"What this run found, image by image": f"{run}/plugin/{RUN_TAB_ROUTE}"}
    mapped = f"?map_index={ti.map_index}" if isinstance(ti.map_index, int) and ti.map_index >= 0 else ""
    # Of several results it is not known which task has pushed which; of a mapped approval, whether those are mapped, too.
    if len(dry_run_task_ids) == 1 and not mapped:
        links["What the dry run found"] = f"{run}/tasks/{quote(dry_run_task_ids[0], safe='')}/plugin/{TAB_ROUTE}"
    if len(summary_task_ids) == 1 and not mapped and _is_opened(_report_uri(summary)):
        links["The report of the audit"] = f"{files}/{quote(summary_task_ids[0], safe='')}/report"
    if _is_opened(question_uri):
        links["This question, as it is kept"] = f"{files}/{quote(ti.task_id, safe='')}/report{mapped}"
    return links


def _report_uri(summary: Any) -> str | None:
    value = decoded(summary, "summary")
    if isinstance(value, Mapping) and value.get("schema") == AUDIT_SCHEMA:
        uri = value.get("report_uri")
        return uri if isinstance(uri, str) else None
    return None


def _is_opened(uri: str | None) -> bool:
    return uri is not None and any(uri.startswith(f"{folder.rstrip('/')}/") for folder in reports_paths())
