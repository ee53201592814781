"""Where a task records what it is about to do, or has found out, so that its next attempt knows it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.journal import Journal
from airflow_provider_ecr_preview.core.parts import Parts
from airflow_provider_ecr_preview.reports.segments import PathSegments, StateSegments
from airflow_provider_ecr_preview.reports.storage import files_under, remove_files

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context


log = logging.getLogger(__name__)


class _FolderParts(PathSegments):
    """Parts as files in a folder next to the list of results.

    :param path: the folder of one attempt.
    :param within: the folder of the list of results.
    """

    def __init__(self, path: ObjectStoragePath, within: ObjectStoragePath) -> None:
        super().__init__(path)
        self._within = within

    def clear(self) -> None:
        """Remove the parts, and the local folders that are empty then."""
        remove_files(files_under(self.path), within=self._within)


def journal_of(context: Context, path: str | None, name: str, parameter: str) -> Journal:
    """Return the journal of a task that changes something, with a warning if the next attempt cannot read it.

    :param context: the task's context.
    :param path: the list of results, an ``ObjectStoragePath`` URL of a file; None if the task does not write one.
    :param name: name of this journal among those of the same task.
    :param parameter: the parameter that gives the path, for the warning.
    """
    journal = kept_journal(context, path, name)
    if journal.place is None:
        log.warning(
            "If this task is killed, its next attempt cannot know what this attempt changed, because this Airflow has no "
            "task state store and %s is not set. Set it, or use Airflow 3.3 or later.",
            parameter,
        )
    return journal


def kept_journal(context: Context, path: str | None, name: str) -> Journal:
    """Return the journal of a task: in Airflow's task state store, else next to its list of results, else in memory.

    :param context: the task's context.
    :param path: the list of results, an ``ObjectStoragePath`` URL of a file; None if the task does not write one.
    :param name: name of this journal among those of the same task.
    """
    attempt = _attempt(context)
    store: Any = context.get("task_state_store")
    if store is not None:

        def in_store(attempt: int) -> Parts:
            return StateSegments(store, f"ecr_cleanup_{name}_{attempt:03}")

        return Journal(in_store, attempt=attempt, place="Airflow's task state store")
    if path:
        parts = ObjectStoragePath(f"{path}.parts")
        folder = parts / name

        def in_folder(attempt: int) -> Parts:
            return _FolderParts(folder / f"{attempt:03}", parts.parent)

        return Journal(in_folder, attempt=attempt, place=str(folder), is_in_files=True)
    return Journal(attempt=attempt)


def task_run_id(operator: BaseOperator, context: Context) -> str:
    """Return an id of this task run that is the same for every attempt."""
    ti = context.get("ti")
    run_id, map_index = context.get("run_id") or getattr(ti, "run_id", None), getattr(ti, "map_index", None)
    parts = [operator.dag_id, run_id if isinstance(run_id, str) else "", operator.task_id]
    return " ".join([*parts, str(map_index if isinstance(map_index, int) else -1)])


def _attempt(context: Context) -> int:
    number = getattr(context.get("ti"), "try_number", 1)
    return max(number, 1) if isinstance(number, int) else 1
