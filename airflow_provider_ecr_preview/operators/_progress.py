"""Where tasks that only read keep their progress, so that a retry repeats only what was under way."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_ecr_preview.core.journal import Journal
from airflow_provider_ecr_preview.core.progress import Progress
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.engine.comparison_progress import ComparisonProgress
from airflow_provider_ecr_preview.engine.recorded_events import MAX_AGE
from airflow_provider_ecr_preview.operators._journal import kept_journal, task_run_id

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
    from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom

_ID_CHARACTERS = 16


def comparison_progress(
    context: Context,
    task: Any,
    results_path: str | None,
    policies: Mapping[str, LifecyclePolicy | None],
    settings: Sequence[str],
) -> ComparisonProgress:
    """Return what earlier attempts at the same comparison found out.

    :param context: the task's context.
    :param task: the operator, rendered.
    :param results_path: the list of results; None if the task does not write one.
    :param policies: the compared policies by name; None for the applied one.
    :param settings: the other parameters that the comparison depends on.
    """
    fingerprints = {name: policy and policy.fingerprint for name, policy in policies.items()}
    place = [task.aws_conn_id, task.hook.conn_region_name, task.registry_id, results_path]
    return ComparisonProgress(
        _journal(context, task, results_path, "compared"),
        _journal(context, task, results_path, "effects"),
        [*settings, fingerprints, place],
    )


def reading_progress(
    context: Context, task: Any, results_path: str | None, summaries: Sequence[PreviewSummaryXCom]
) -> Progress:
    """Return the events that earlier attempts at the same reconciliation read.

    :param context: the task's context.
    :param task: the operator, rendered.
    :param results_path: the list of results; None if the task does not write one.
    :param summaries: the summaries of the previews.
    """
    previews = [[*RepositoryId.of(summary).as_dict().values(), summary["previewed_at"]] for summary in summaries]
    times = [str(task.start_time), str(task.end_time)]
    journal = _journal(context, task, results_path, "events")
    return Progress(journal, [previews, times, task.aws_conn_id], MAX_AGE)


def _journal(context: Context, task: Any, results_path: str | None, name: str) -> Journal:
    # All runs of a DAG may write to the same list of results.
    run = hashlib.sha256(task_run_id(task, context).encode()).hexdigest()[:_ID_CHARACTERS]
    return kept_journal(context, results_path, f"{name}-{run}")
