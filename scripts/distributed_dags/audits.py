"""The same audit in one task and in batches, for ``make distributed``."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_ecr_preview.operators.ecr_audit import (
    EcrAuditLifecyclePoliciesOperator,
    EcrListRepositoriesOperator,
)
from airflow_provider_ecr_preview.task_groups.lifecycle_audit import lifecycle_audit

# Two tasks run on the worker that is killed; small batches bound what they may have begun.
BATCH_SIZE = 25
RETRIES = {"retries": 3, "retry_delay": timedelta(seconds=1)}

with DAG("audit_in_one_task", schedule=None):
    EcrAuditLifecyclePoliciesOperator(
        task_id="audit",
        repository_names=EcrListRepositoriesOperator(task_id="list").output,
        progress_interval=2,
        **RETRIES,
    )

with DAG("audit_in_batches", schedule=None):
    lifecycle_audit(batch_size=BATCH_SIZE, progress_interval=2, **RETRIES)
