"""Publish the audit of a task: log, marker, metrics, asset events."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_ecr_preview.assets import announce
from airflow_provider_ecr_preview.core.audit.marker import marker
from airflow_provider_ecr_preview.core.change_marker import begun_marker, change_marker
from airflow_provider_ecr_preview.core.comparison.result import comparison_marker
from airflow_provider_ecr_preview.core.xcom.preview import (
    AUDIT_MARKER_KEY,
    CHANGE_MARKER_KEY,
    COMPARISON_MARKER_KEY,
    MARKER_KEY,
    MarkerXCom,
)
from airflow_provider_ecr_preview.display.audit import audit_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.telemetry import emit_counts

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.sdk import BaseOperator, Context

    from airflow_provider_ecr_preview.core.cleanup.approval import Approval
    from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom
    from airflow_provider_ecr_preview.core.xcom.comparison import ComparisonXCom


log = logging.getLogger(__name__)


def publish(context: Context, task: BaseOperator, audit: AuditXCom, *, is_whole: bool) -> None:
    """Publish what an audit found, even if the task then fails because of it.

    :param context: the task's context.
    :param task: the task.
    :param audit: the audit.
    :param is_whole: whether the audit covers everything, and not only one part of a mapped audit.
    """
    log.info("The audit:\n%s", render(audit_table(audit)))
    if is_whole:
        emit_counts(audit, task.dag_id)
    announce(context, audit)
    if task.do_xcom_push:
        context["ti"].xcom_push(key=MARKER_KEY, value=marker(audit))
        if is_whole:
            context["ti"].xcom_push(key=AUDIT_MARKER_KEY, value=marker(audit))


def mark_comparison(context: Context, task: BaseOperator, value: ComparisonXCom) -> None:
    """Push the marker with which the pages find a comparison.

    :param context: the task's context.
    :param task: the task.
    :param value: the comparison.
    """
    if task.do_xcom_push:
        context["ti"].xcom_push(key=COMPARISON_MARKER_KEY, value=comparison_marker(value))


def mark_change(context: Context, task: BaseOperator, value: Mapping[str, Any]) -> None:
    """Push the marker with which the pages find what a task changed, or would change.

    :param context: the task's context.
    :param task: the task.
    :param value: the result of the task.
    """
    _push_change_marker(context, task, change_marker(value))


def mark_begun_cleanup(
    context: Context,
    task: BaseOperator,
    action: str,
    started_at: datetime,
    repository_count: int,
    *,
    approval: Approval | None,
) -> None:
    """Push the marker of a clean-up before its first change, so that the pages find a task that is killed.

    :param context: the task's context.
    :param task: the task.
    :param action: ``delete`` or ``archive``.
    :param started_at: when the clean-up started.
    :param repository_count: number of repositories.
    :param approval: what a person approved; None without an approval.
    """
    marker = begun_marker(
        "cleanup",
        action=action,
        started_at=started_at.isoformat(),
        repository_count=repository_count,
        approval=approval.as_dict() if approval else None,
    )
    _push_change_marker(context, task, marker)


def _push_change_marker(context: Context, task: BaseOperator, value: MarkerXCom) -> None:
    if task.do_xcom_push:
        context["ti"].xcom_push(key=CHANGE_MARKER_KEY, value=value)


def push_before_failure(context: Context, task: BaseOperator, value: Mapping[str, Any]) -> None:
    """Push the result of a task that fails, for the tasks that run all the same.

    :param context: the task's context.
    :param task: the task.
    :param value: the result.
    """
    if task.do_xcom_push:
        context["ti"].xcom_push(key="return_value", value=value)
