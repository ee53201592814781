"""The policies that repositories had before they were changed: kept on object storage, and read again to restore them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.rollout.former import FormerPolicy, merged
from airflow_provider_ecr_preview.core.rollout.restore import (
    PoliciesToRestore,
    policies_to_restore,
    policies_to_restore_unchecked,
)
from airflow_provider_ecr_preview.core.xcom.rollout import POLICY_CHANGE_SCHEMA
from airflow_provider_ecr_preview.reports.lists import line_list, read_lines
from airflow_provider_ecr_preview.reports.storage import mapped_files_of

__all__ = ["FormerPolicy", "keep_former_policies", "kept_former_policies", "read_former_policies"]


def keep_former_policies(path: str, of_this_change: Sequence[FormerPolicy], change_id: str | None) -> None:
    """Write the policies that a change replaces, next to those of other changes.

    :param path: an ``ObjectStoragePath`` URL of a file.
    :param of_this_change: the policies that the change replaces; these supersede the entries of its earlier attempts.
    :param change_id: which run of which task the change is.
    :raises ValueError: if the file holds anything else.
    """
    kept = merged(kept_former_policies(path), of_this_change, change_id)
    with line_list(path) as lines:
        for former in kept:
            lines.write(former.as_dict())


def kept_former_policies(path: str) -> list[FormerPolicy]:
    """Return the former policies that a file holds, none if there is no file.

    :param path: an ``ObjectStoragePath`` URL of a file.
    :raises ValueError: if the file holds anything else.
    """
    try:
        return [*map(FormerPolicy.from_dict, read_lines(path))]
    except FileNotFoundError:
        return []
    except (OSError, EOFError, ValueError, AttributeError) as error:
        raise ValueError(
            f"former_policies_path: {path} cannot be read, or does not hold former policies ({error}). Give "
            "another path, such as one with the run_id in it."
        ) from error


def read_former_policies(value: Any) -> PoliciesToRestore:
    """Return the policies to restore according to the result of a change.

    :param value: the output of ``EcrPutLifecyclePolicyOperator``, the same as JSON, or the URL of its
        ``former_policies_path``.
    :raises ValueError: if it is anything else, does not hold them all, or they are not those that the task replaced.
    """
    try:
        return _read(value)
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise ValueError(
            f"The former policies cannot be read: {what}. Give the output of the task that replaced them, or the URL of "
            "its former_policies_path."
        ) from error


def _read(value: Any) -> PoliciesToRestore:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = json.loads(value)
    if isinstance(value, str):
        if not value.strip():
            raise ValueError("it is empty")
        return policies_to_restore_unchecked(value, _stored_with_mapped(value))
    if not isinstance(value, Mapping) or value.get("schema") != POLICY_CHANGE_SCHEMA:
        raise ValueError("it is not the output of EcrPutLifecyclePolicyOperator")
    return policies_to_restore(value, _stored)


def _stored(uri: str) -> list[FormerPolicy]:
    return [*map(FormerPolicy.from_dict, read_lines(uri))]


def _stored_with_mapped(uri: str) -> list[FormerPolicy]:
    """Return the former policies of a file, and of those that mapped task instances wrote in its place."""
    mapped = [former for file in mapped_files_of(ObjectStoragePath(uri)) for former in _stored(str(file))]
    try:
        return [*_stored(uri), *mapped]
    except FileNotFoundError:
        if not mapped:
            raise
        return mapped
