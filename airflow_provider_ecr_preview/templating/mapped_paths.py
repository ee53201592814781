"""Let each mapped task instance write its own files, where one path is given to all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ecr_preview.core.files.mapped import has_map_index, mapped_path
from airflow_provider_ecr_preview.core.parameters.values import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Context


_FOLDERS = ("reports_path",)
"""The parameters that are folders: what is written there is named after the audit and its part."""


_WRITTEN = "_written_paths"


def keep_written_paths(task: Any) -> None:
    """Keep the paths of a task as they are before they are rendered.

    :param task: the operator.
    """
    if _WRITTEN not in task.__dict__:
        task.__dict__[_WRITTEN] = {name: getattr(task, name, None) for name in _file_parameters(task)}


def use_own_files(task: Any, context: Context) -> None:
    """Give a mapped task instance paths of its own, unless its templates name ``map_index``.

    Whatever else a path depends on may be the same for two instances, and the last one would overwrite the lists of the
    others.

    :param task: the operator, rendered.
    :param context: the task's context.
    """
    map_index = getattr(context.get("ti"), "map_index", None)
    if not isinstance(map_index, int) or map_index < 0:
        return
    written = task.__dict__.get(_WRITTEN, {})
    for name in _file_parameters(task):
        value, template = getattr(task, name), written.get(name)
        if not isinstance(value, str) or (isinstance(template, str) and has_map_index(template)):
            continue
        path = text(value, name)
        if path and (own := mapped_path(path, map_index)) != path:
            setattr(task, name, own)
            task.log.info("%s: this mapped task instance writes to %s.", name, own)


def _file_parameters(task: Any) -> Iterator[str]:
    return (name for name in task.template_fields if name.endswith("_path") and name not in _FOLDERS)
