"""The last audit of a registry and Region, found in the tables that it has written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.audit.changes import Baseline, BaselineRepository, Site
from airflow_provider_ecr_preview.reports.dataset import csv_rows
from airflow_provider_ecr_preview.reports.layout import TABLES, audit_date_of, partition
from airflow_provider_ecr_preview.reports.lists import read_image_list
from airflow_provider_ecr_preview.reports.storage import files_under, folders_in

Rows = dict[str, dict[str, str]]


def find_baseline(
    root: ObjectStoragePath, site: Site, *, audit_name: str, audit_id: str, before: datetime
) -> Baseline | None:
    """Return the newest earlier audit of the same name, or None if there is none.

    :param root: folder of the reports.
    :param site: registry and Region.
    :param audit_name: what the audits of one series share.
    :param audit_id: the audit that is compared, which is no baseline of itself.
    :param before: when it was begun (aware).
    """
    registry_and_region = partition(*site, before.date()).rpartition("/")[0]
    for folder in reversed(folders_in(root / TABLES / "csv" / registry_and_region)):
        day = audit_date_of(folder.name)
        if day is None or day > before.date():
            continue
        audits: dict[tuple[datetime, str], Rows] = {}
        for row in _rows(folder):
            audited_at = datetime.fromisoformat(row["audited_at"])
            if row["audit_name"] == audit_name and row["audit_id"] != audit_id and audited_at < before:
                audits.setdefault((audited_at, row["audit_id"]), {})[row["repository_name"]] = row
        if audits:
            (audited_at, name), rows = max(audits.items(), key=lambda audit: audit[0])
            return Baseline(name, audited_at, {key: _repository(row) for key, row in rows.items()})
    return None


def image_actions(images_uri: str) -> Mapping[str, str] | None:
    """Return the action on each image of a list, by digest; None when the list is no longer there.

    :param images_uri: where it was written.
    """
    try:
        return {image.image_digest: image.action for image in read_image_list(images_uri)}
    except FileNotFoundError:
        return None


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
