"""What every task that ends with an audit does with it: log, marker, metrics, assets."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_ecr_preview.assets import announce
from airflow_provider_ecr_preview.core.audit.summary import marker
from airflow_provider_ecr_preview.core.xcom.preview import MARKER_KEY
from airflow_provider_ecr_preview.display.audit import audit_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.telemetry import emit_counts

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom


log = logging.getLogger(__name__)


def publish(context: Context, task: BaseOperator, audit: AuditXCom, *, is_whole: bool) -> None:
    """Tell everybody who listens what an audit found, also when the task is going to fail because of it.

    :param context: the task's context.
    :param task: the task.
    :param audit: the audit.
    :param is_whole: whether it is of everything that the DAG looks at, or one of several parts.
    """
    log.info("The audit:\n%s", render(audit_table(audit)))
    if is_whole:
        emit_counts(audit, task.dag_id)
    announce(context, audit)
    if task.do_xcom_push:
        context["ti"].xcom_push(key=MARKER_KEY, value=marker(audit))


def push_before_failure(context: Context, task: BaseOperator, value: Mapping[str, Any]) -> None:
    """Push what a task would have returned if it did not fail, for the tasks that run all the same.

    :param context: the task's context.
    :param task: the task.
    :param value: what it would have returned.
    """
    if task.do_xcom_push:
        context["ti"].xcom_push(key="return_value", value=value)
