"""Find the last audit of a registry and Region in the tables it wrote."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.audit.changes import Baseline, BaselineRepository, Site
from airflow_provider_ecr_preview.core.audit.kind import AuditKind
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.text.secrets import masked
from airflow_provider_ecr_preview.core.text.visible import one_line, visible
from airflow_provider_ecr_preview.reports.dataset import csv_rows
from airflow_provider_ecr_preview.reports.layout import TABLES, audit_date_of, partition
from airflow_provider_ecr_preview.reports.lists import read_image_list
from airflow_provider_ecr_preview.reports.storage import files_under, folders_in

Rows = dict[str, dict[str, str]]


_MAX_CHARACTERS = 300


log = logging.getLogger(__name__)


def find_baseline(
    root: ObjectStoragePath, site: Site, *, audit_name: str, audit_id: str, before: datetime, kind: AuditKind
) -> Baseline | Unread | None:
    """Return the newest earlier audit of the same name and kind, None if there is none, or why it cannot be read.

    :param root: folder of the reports.
    :param site: registry and Region.
    :param audit_name: the name shared by a series of audits.
    :param audit_id: the current audit, which is not its own baseline.
    :param before: when it began (aware).
    :param kind: the policies and repositories that it previews.
    """
    try:
        return _newest(root, site, audit_name=audit_name, audit_id=audit_id, before=before, kind=kind)
    except Exception as error:  # a broken earlier report must not fail this audit, which is done
        log.exception("The tables of earlier audits in %s cannot be read.", root)
        return Unread(
            f"the tables of earlier audits cannot be read ({_why(error)}). Correct or remove the damaged file below "
            f"{root / TABLES / 'csv'}."
        )


def image_actions(images_uri: str) -> Mapping[str, str] | Unread | None:
    """Return the action on each image of a list, by digest; None if it is gone, or the reason why it cannot be read.

    :param images_uri: where it was written.
    """
    try:
        return {image.image_digest: image.action for image in read_image_list(images_uri)}
    except FileNotFoundError:
        return None
    except Exception as error:  # as above
        log.warning("The image list at %s cannot be read.", visible(images_uri), exc_info=True)
        return Unread(f"{images_uri} ({_why(error)})")


def _newest(
    root: ObjectStoragePath, site: Site, *, audit_name: str, audit_id: str, before: datetime, kind: AuditKind
) -> Baseline | None:
    registry_and_region = partition(*site, before.date()).rpartition("/")[0]
    for folder in reversed(folders_in(root / TABLES / "csv" / registry_and_region)):
        day = audit_date_of(folder.name)
        if day is None or day > before.date():
            continue
        audits: dict[tuple[datetime, str], Rows] = {}
        for row in _rows(folder):
            audited_at = datetime.fromisoformat(row["audited_at"])
            is_of_series = row["audit_name"] == audit_name and kind.is_of_row(row)
            if is_of_series and row["audit_id"] != audit_id and audited_at < before:
                audits.setdefault((audited_at, row["audit_id"]), {})[row["repository_name"]] = row
        if audits:
            (audited_at, name), rows = max(audits.items(), key=lambda audit: audit[0])
            return Baseline(name, audited_at, {key: _repository(row) for key, row in rows.items()})
    return None


def _why(error: Exception) -> str:
    return masked(one_line(f"{type(error).__name__}: {error}"))[:_MAX_CHARACTERS]


def _rows(folder: ObjectStoragePath) -> Iterator[dict[str, str]]:
    for file in files_under(folder):
        if file.suffix == ".csv":
            yield from csv_rows(file)


def _repository(row: dict[str, str]) -> BaselineRepository:
    expiring, archiving = row["expiring_image_count"], row["archiving_image_count"]
    return BaselineRepository(
        repository_name=row["repository_name"],
        status=row["status"],  # type: ignore[arg-type]  # as it was written
        policy_fingerprint=row["policy_fingerprint"] or None,
        images_fingerprint=row["images_fingerprint"] or None,
        affected_image_count=int(expiring) + int(archiving) if expiring and archiving else None,
        images_uri=row["images_uri"] or None,
    )
