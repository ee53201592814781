"""Where a task that changes something records what it is about to do, so that its next attempt knows it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.journal import Journal
from airflow_provider_ecr_preview.core.parts import Parts
from airflow_provider_ecr_preview.reports.segments import PathSegments, StateSegments
from airflow_provider_ecr_preview.reports.storage import files_under, remove_files

if TYPE_CHECKING:
    from airflow.sdk import Context


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
    """Return the journal of a task: in Airflow's task state store, else next to its list of results, else in memory.

    :param context: the task's context.
    :param path: the list of results, an ``ObjectStoragePath`` URL of a file; None if the task does not write one.
    :param name: name of this journal among those of the same task.
    :param parameter: the parameter that gives the path, for the warning.
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
    log.warning(
        "If this task is killed, its next attempt cannot know what this attempt changed, because this Airflow has no task "
        "state store and %s is not set. Set it, or use Airflow 3.3 or later.",
        parameter,
    )
    return Journal(attempt=attempt)


def _attempt(context: Context) -> int:
    number = getattr(context.get("ti"), "try_number", 1)
    return max(number, 1) if isinstance(number, int) else 1
