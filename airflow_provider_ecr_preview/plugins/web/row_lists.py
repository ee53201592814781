"""Find the list of lines that a result points to, and its columns, for all results except previews and audits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from airflow_provider_ecr_preview.core.cleanup.readiness import READINESS_SCHEMA
from airflow_provider_ecr_preview.core.xcom.approval import APPROVAL_SCHEMA
from airflow_provider_ecr_preview.core.xcom.cleanup import CLEANUP_SCHEMA
from airflow_provider_ecr_preview.core.xcom.comparison import COMPARISON_SCHEMA
from airflow_provider_ecr_preview.core.xcom.in_use import IN_USE_SCHEMA
from airflow_provider_ecr_preview.core.xcom.reconciliation import RECONCILIATION_SCHEMA
from airflow_provider_ecr_preview.plugins.web.image_lists import DamagedResultError, NoListError

_REPOSITORY = ("registry_id", "region_name", "repository_name")


_IMAGE = (*_REPOSITORY, "image_digest", "image_tags")


class _Kind(NamedTuple):
    """The list of one kind of result.

    :param field: which field of the result names it.
    :param parameter: which parameter of the operator has it written.
    :param columns: what is shown of a line, in this order.
    :param category: the column by which lines are counted and filtered; None if there is none.
    """

    field: str
    parameter: str
    columns: tuple[str, ...]
    category: str | None = None


_KINDS: Mapping[str, _Kind] = {
    CLEANUP_SCHEMA: _Kind(
        "results_uri",
        "results_path",
        (*_IMAGE, "status", "reason", "message", "image_size_in_bytes", "check", "remedy", "attempt"),
        "status",
    ),
    RECONCILIATION_SCHEMA: _Kind(
        "results_uri",
        "results_path",
        (
            *_IMAGE,
            "category",
            "previewed_action",
            "event_id",
            "executed_at",
            "rule_priority",
            "failure_code",
            "failure_reason",
        ),
        "category",
    ),
    COMPARISON_SCHEMA: _Kind(
        "results_uri",
        "results_path",
        (
            *_REPOSITORY,
            "policy",
            "change",
            "image_digest",
            "image_tags",
            "image_pushed_at",
            "image_size_in_bytes",
            "action",
            "first_action",
        ),
        "change",
    ),
    IN_USE_SCHEMA: _Kind("in_use_uri", "in_use_path", (*_REPOSITORY, "image_digest", "image_tag", "used_by")),
    READINESS_SCHEMA: _Kind(
        "results_uri", "results_path", (*_REPOSITORY, "code", "verdict", "message", "remedy"), "verdict"
    ),
    APPROVAL_SCHEMA: _Kind(
        "repositories_uri",
        "approvals_path",
        (*_REPOSITORY, "previewed_at", "policy_fingerprint", "images_fingerprint", "tags_fingerprint"),
    ),
}


class RowList(NamedTuple):
    """A list that a result points to.

    :param uri: where it is.
    :param columns: what is shown of a line, in this order.
    :param category: the column by which lines are counted and filtered; None if there is none.
    """

    uri: str
    columns: tuple[str, ...]
    category: str | None


def row_list_of(result: Any) -> RowList:
    """Return the list that a result points to.

    :param result: ``return_value`` of a task.
    :raises NoListError: if it is not such a result, or has no list.
    :raises DamagedResultError: if it is one by its schema alone.
    """
    schema = result.get("schema") if isinstance(result, Mapping) else None
    kind = _KINDS.get(schema) if isinstance(schema, str) else None
    if kind is None:
        raise NoListError("The result of this task has no list of its own.")
    uri = result.get(kind.field)
    if uri is not None and not isinstance(uri, str):
        raise DamagedResultError(kind.field)
    if not uri:
        raise NoListError(f"There is no list. Give the task {kind.parameter} to have it written.")
    return RowList(uri, kind.columns, kind.category)
